import { messageOf, VenomError } from '../../errors.ts'
import type { Worker } from '../../rollbackable.ts'
import { Catalog } from './catalog.ts'
import { connectClient } from './driver.ts'
import { checkGrants } from './grants.ts'
import { History, type Way } from './history.ts'
import { Http } from './http.ts'
import type { ElasticsearchOptions } from './index.ts'
import { type Lease, Leases } from './lease.ts'
import { markOf, textOf } from './note.ts'
import { parsedUrl, requireIndices, requireTestHost, requireTestIndices } from './place.ts'
import { Quiet } from './quiet.ts'
import { Repository } from './repository.ts'
import { OURS, patternsOf, Scope } from './scope.ts'
import { Server } from './server.ts'
import { dropCopies, fillFrom, requireFree, requireNoAlias, workerPrefix } from './worker-indices.ts'

const SETTLE = 2000

/** Indices that are ours. */
export interface Opened<C> {
  readonly server: Server
  readonly client: C
  /** Whether the client is one of ours. */
  readonly closeClient: () => Promise<void>
  readonly url: string
  readonly scope: Scope
  readonly catalog: Catalog
  readonly history: History
  readonly leases: Leases
  readonly way: Way
  /** Whether the indices are this worker's copies. */
  readonly isCopy: boolean
}

/** Connects, takes the lease, and puts back what a killed process left. Throws what the parts throw. */
export async function openIndices<C>(
  url: string,
  options: ElasticsearchOptions<C>,
  worker: Worker,
): Promise<Opened<C>> {
  const { prefix = '', except, objects, perWorker = false, way = 'pit' } = options
  const at = parsedUrl(url)
  const patterns = patternsOf(options, typeof prefix === 'function' ? prefix(worker) : prefix)
  requireIndices(patterns)
  requireTestHost(at, patterns, options)
  const own = perWorker ? workerPrefix(worker) : ''
  const [template, scope] = ['', own].map((first) => {
    const named = (names: readonly string[] = []): string[] => names.map((name) => first + name)
    return new Scope(named(patterns), named(except), objects, { hasStreams: way === 'snapshot' })
  }) as [Scope, Scope]

  const http = new Http(url, options.tls)
  const leases = new Leases(http)
  let [isLeased, closeClient]: [boolean, () => Promise<void>] = [false, async () => undefined]
  try {
    await checkGrants(http, scope, perWorker ? template : undefined, way)
    const server = await Server.at(http)
    await requireTestIndices(server, at, patterns, options)
    await requireNoAlias(http, template)
    const made = options.client === undefined ? await connectClient(url, server, options.tls) : undefined
    if (made) closeClient = () => made.close()
    const client = (options.client ?? made) as C
    const dead = await leases.take({ scope, worker, isCopy: perWorker, way }, options.settle ?? SETTLE)
    isLeased = true
    if (way === 'snapshot') await new Repository(http).register()
    for (const lease of dead) await recover({ server, leases, worker, options }, lease)
    if (way === 'snapshot') await dropOrphans(http, leases)
    if (perWorker) {
      if (dead.length === 0) await requireFree(server, scope)
      await fillFrom(server, { template, scope, prefix: own, ours: `${OURS}${leases.token}-` })
    }
    const ground = groundOf(server, scope, options, worker, leases.token)
    const place = perWorker ? withPrefix(url, own) : url
    const history = new History(ground)
    return {
      server,
      client,
      closeClient,
      url: place,
      scope,
      catalog: ground.catalog,
      history,
      leases,
      way,
      isCopy: perWorker,
    }
  } catch (error) {
    // What failed first is what the user must see.
    if (isLeased) await leases.end().catch(() => undefined)
    await closeClient().catch(() => undefined)
    http.close()
    throw error
  }
}

type Ground = ConstructorParameters<typeof History>[0] & { readonly catalog: Catalog }

function groundOf(
  server: Server,
  scope: Scope,
  { settle = SETTLE, way = 'pit', versions = 'any' }: ElasticsearchOptions<unknown>,
  worker: Worker,
  token: string,
): Ground {
  const catalog = new Catalog(server, scope)
  const quiet = new Quiet(server.http, scope, settle, (name) => catalog.isAlias(name))
  const prefix = `${OURS}${token}-`
  return {
    server,
    catalog,
    quiet,
    scope,
    worker,
    settle,
    prefix,
    way,
    exactVersions: versions === 'exact',
  }
}

/** Where the application finds the prefix of its indices. */
function withPrefix(url: string, prefix: string): string {
  const changed = new URL(url)
  changed.searchParams.set('prefix', prefix)
  return changed.href
}

/** Puts back what a killed process left, unless its indices were copies. */
async function recover<C>(
  at: { server: Server; leases: Leases; worker: Worker; options: ElasticsearchOptions<C> },
  lease: Lease,
): Promise<void> {
  const { server, leases, worker, options } = at
  // A lease of an older version says nothing of its way.
  const { way = 'pit' } = lease as Partial<Lease>
  const scope = new Scope(lease.patterns, lease.except, lease.objects, { hasStreams: way === 'snapshot' })
  const text = await leases.noted(lease.token)
  const killed = `elasticsearch: ${lease.owner} was killed with ${scope.name} changed`
  if (lease.isCopy) await dropCopies(server, scope)
  else if (text !== undefined && options.recover === 'keep')
    worker.notice(`${killed}. They are taken as they are (recover: 'keep').`)
  else if (text !== undefined) {
    const { mark, begun } = markOf(text)
    const history = new History(groundOf(server, scope, { ...options, way }, worker, lease.token))
    try {
      await history.finish(mark, begun)
      await history.rollback(mark, (again) => leases.note(textOf(mark, again), lease.token))
    } catch (cause) {
      throw crashed(lease, cause)
    }
    await history.bases.drop(mark.bases.values())
    worker.notice(`${killed}; they are put back to its first mark.`)
  }
  await dropCopies(server, new Scope([`${OURS}${lease.token}-*`]), { ours: true })
  await leases.forget(lease.token)
  if (way === 'snapshot') {
    await dropOrphans(server.http, leases)
    if (options.way !== 'snapshot') await leaveRepository(server.http, leases)
  }
}

/** Deletes the snapshots that belong to no lease: what killed runs left. */
async function dropOrphans(http: Http, leases: Leases): Promise<void> {
  const repository = new Repository(http)
  const names = await repository.names()
  const tokens = (await leases.all()).map(({ token }) => token)
  await repository.delete(
    names.filter((name) => name.startsWith(OURS) && !tokens.some((token) => name.startsWith(`${OURS}${token}-`))),
  )
}

/** The last world that keeps snapshots takes their repository away. */
export async function leaveRepository(http: Http, leases: Leases): Promise<void> {
  const all = await leases.all()
  const isNeeded = all.some(({ token, way }) => token !== leases.token && way === 'snapshot')
  if (!isNeeded) await new Repository(http).leave()
}

function crashed({ owner, patterns }: Lease, cause: unknown): VenomError {
  return new VenomError(
    'CRASHED',
    `elasticsearch: ${owner} was killed with ${patterns.join(', ')} changed, and that cannot be undone: ${messageOf(cause)}\n` +
      'The indices are in the middle of some test.\n' +
      "Make them anew (delete and fill them), then take them as they are once: elasticsearch(url, { recover: 'keep', … }).",
    { cause },
  )
}
