import { VenomError } from '../../errors.ts'
import type { Worker } from '../../rollbackable.ts'
import { Catalog } from './catalog.ts'
import { type Http, part } from './http.ts'
import { makeLike, replaceBy } from './make.ts'
import { Mark, Bases } from './marks.ts'
import { OURS, type Scope } from './scope.ts'
import type { Server } from './server.ts'

/** What the names of a worker's own indices begin with. */
export function workerPrefix({ id }: Worker): string {
  return `w${id.toLowerCase().replaceAll(/[^a-z0-9]/g, '_')}-`
}

/** Throws `BAD_ARGUMENT` when a listed name is an alias: what it stands for may change in a branch. */
export async function requireNoAlias(http: Http, scope: Scope): Promise<void> {
  for (const name of scope.patterns.filter((pattern) => !pattern.includes('*'))) {
    const found = await http.find<Record<string, unknown>>(`/_alias/${part(name)}`)
    const indices = Object.keys(found ?? {}).filter((key) => key !== 'error' && key !== 'status')
    if (indices.length > 0) throw isAlias(name, indices)
  }
}

/** Throws `NOT_A_TEST_DATABASE` when there are indices that no world left behind. */
export async function requireFree(server: Server, scope: Scope): Promise<void> {
  const { indices } = await new Catalog(server, scope).shape()
  const [name] = indices.keys()
  if (name === undefined) return
  throw new VenomError(
    'NOT_A_TEST_DATABASE',
    `elasticsearch: the index "${name}" would be this worker's, but it is there already.\n` +
      'With perWorker each worker has copies of the indices, which are deleted at the end.\n' +
      `If nobody needs it: curl -X DELETE 'http://…/${name}'.`,
  )
}

/** Copies indices as they are, with their aliases, to names that begin with `prefix`; or none, when that fails. */
export async function fillFrom(
  server: Server,
  { template, scope, prefix, ours }: { template: Scope; scope: Scope; prefix: string; ours: string },
): Promise<void> {
  const catalog = new Catalog(server, template)
  const bases = new Bases(server, catalog)
  const [shards, shape] = [await catalog.shards(), await catalog.shape()]
  const mark = new Mark('template', shape, await bases.take(shards, shape, undefined))
  try {
    for (const index of shape.indices.values()) {
      const name = prefix + index.name
      const from = `${ours}template`
      await makeLike(
        server,
        from,
        index,
        [...mark.bases.values()].filter((base) => base.index === index.name),
      )
      await replaceBy(server, from, { ...index, name }, false)
      await server.http.ask('DELETE', `/${part(from)}`)
      const actions = Object.entries(index.aliases).map(([alias, definition]) => {
        return { add: { index: name, alias: prefix + alias, ...definition } }
      })
      if (actions.length > 0) await server.http.ask('POST', '/_aliases', { actions })
    }
  } catch (error) {
    await dropCopies(server, scope)
    throw error
  } finally {
    await bases.drop(mark.bases.values())
  }
}

/** Deletes all indices of a scope. */
export async function dropCopies({ http }: Server, scope: Scope, { ours = false } = {}): Promise<void> {
  const found = await http.ask(
    'GET',
    `/${scope.path}?expand_wildcards=all&ignore_unavailable=true&filter_path=*.aliases`,
  )
  for (const name of Object.keys(found)) {
    if (ours ? name.startsWith(OURS) : scope.holds(name)) await http.ask('DELETE', `/${part(name)}`)
  }
}

function isAlias(name: string, indices: readonly string[]): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `elasticsearch: "${name}" is an alias of ${indices.join(', ')}.\n` +
      'What an alias stands for may change in a branch, so indices are named by themselves. Aliases come back with them.\n' +
      `Write elasticsearch(url, { indices: ['${indices[0]}'] }), or a pattern.`,
  )
}
