import type { Db, MongoClient, Timestamp } from 'mongodb'
import { randomBytes } from 'node:crypto'
import { messageOf, VenomError } from '../../errors.ts'
import type { ResetOptions, Worker } from '../../rollbackable.ts'
import { Catalog } from './catalog.ts'
import { loadDriver } from './driver.ts'
import { checkGrants } from './grants.ts'
import { Moment } from './history.ts'
import { Identity } from './identity.ts'
import type { MongodbOptions } from './index.ts'
import { type Lease, Leases } from './lease.ts'
import { Oplog } from './oplog.ts'
import { Past } from './past.ts'
import { type Place, placeOf, requireTestPlace, templateOf, urlOf } from './place.ts'
import { Quiet } from './quiet.ts'
import { reset } from './reset.ts'
import { Scope } from './scope.ts'
import { original, ServerSettings } from './settings.ts'
import { Store } from './store.ts'
import { sharded, standalone, tooOld } from './troubles.ts'
import { fillFrom, requireFree, workerDatabase } from './worker-database.ts'

const { setInterval, clearInterval } = globalThis
/** How often the server's past is widened to the oldest mark, in ms. */
const RENEWAL = 15_000
const SETTLE = 2000

/** Databases while they are ours: leased, and put back should we be killed. */
export class Holding {
  readonly past: Past
  readonly identity: Identity
  readonly #store: Store
  readonly #steps: MongoClient
  readonly #place: Place
  readonly #scope: Scope
  readonly #catalog: Catalog
  readonly #leases: Leases
  readonly #settings: ServerSettings
  readonly #url: string
  readonly #template: string | undefined
  #timer: ReturnType<typeof setInterval> | undefined
  #first: Moment | undefined
  #noted: Timestamp | undefined

  private constructor(ground: Ground, steps: MongoClient) {
    const { store, scope, catalog, past, log } = ground
    this.past = past
    this.identity = new Identity(store, catalog, scope, log)
    this.#store = store
    this.#steps = steps
    this.#place = ground.place
    this.#scope = scope
    this.#catalog = catalog
    this.#leases = ground.leases
    this.#settings = ground.settings
    this.#url = ground.url
    this.#template = ground.template
  }

  /** Connects, takes the leases, and puts back what a killed process left. Throws what the parts throw. */
  static async open(url: string, options: MongodbOptions, worker: Worker): Promise<Holding> {
    const driver = await loadDriver()
    const given = placeOf(driver, url, options.databases)
    requireTestPlace(given, options)
    const template = options.perWorker ? templateOf(given) : undefined
    const place = template === undefined ? given : { ...given, databases: [workerDatabase(template, worker.id)] }
    const stepsUrl = template === undefined ? url : urlOf(url, place.databases[0] ?? '')
    const store = await Store.open(driver, url, `venomqa:${randomBytes(9).toString('hex')}`)
    const steps = new driver.MongoClient(stepsUrl, { appName: place.databases[0] ?? '' })
    let ground: Ground | undefined
    try {
      await requireReplicaSet(store)
      const { inprog } = await checkGrants(store, {
        databases: [...given.databases, ...place.databases],
        way: 'past',
        worker,
      })
      ground = groundOf({ store, place, url: stepsUrl, template, options, inprog })
      await begin(ground, options, worker)
      await steps.connect()
      const holding = new Holding(ground, steps)
      holding.#timer = setInterval(() => void holding.#renew(), RENEWAL).unref()
      return holding
    } catch (error) {
      // What failed first is what the user must see.
      if (ground) await giveBack(ground.leases, ground.settings).catch(() => undefined)
      await Promise.allSettled([store.close(), steps.close()])
      throw error
    }
  }

  get db(): Db {
    return this.#steps.db(this.#place.databases[0])
  }

  get url(): string {
    return this.#url
  }

  /** What and where, for people. */
  get name(): string {
    return `${this.#scope.name} at ${this.#place.hosts.join(', ')}`
  }

  async checkpoint(name: string): Promise<Moment> {
    const moment = await this.past.checkpoint(name)
    await this.#settings.keep(this.#oldest())
    if (!this.#first) {
      await this.#leases.note(moment.at)
      this.#noted = moment.at
      this.#first = moment
    }
    return moment
  }

  async rollback(moment: Moment): Promise<void> {
    await this.#settings.keep(this.#oldest())
    await this.past.rollback(moment)
  }

  async reset(options: ResetOptions): Promise<void> {
    await reset(this.#store, this.#catalog, options)
  }

  /** Gives back what `open` took. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    try {
      if (this.#template !== undefined) await this.#store.write(this.#place.databases[0] ?? '', { dropDatabase: 1 })
      await giveBack(this.#leases, this.#settings)
    } finally {
      await Promise.allSettled([this.#store.close(), this.#steps.close()])
    }
  }

  /** Everything that was remembered must stay readable: the marks, and the time that crash recovery would go back to. */
  #oldest(): Timestamp | undefined {
    const times = Array.from(this.past.history.live, ({ at }) => at)
    if (this.#noted) times.push(this.#noted)
    return times.toSorted((a, b) => a.compare(b))[0]
  }

  async #renew(): Promise<void> {
    try {
      const first = this.#first
      if (first && this.#noted && first.at.greaterThan(this.#noted)) {
        await this.#leases.note(first.at)
        this.#noted = first.at
      }
      await this.#settings.keep(this.#oldest())
    } catch {
      // The server is away. The next call finds out and says so.
    }
  }
}

/** Ends the leases. The last one of a server puts back its settings. */
async function giveBack(leases: Leases, settings: ServerSettings): Promise<void> {
  const isLast = async (): Promise<boolean> => (await leases.others({ living: true })).length === 0
  if (await isLast()) await settings.putBack()
  await leases.end()
  // One that opened meanwhile may have changed them before we put them back.
  if (!(await isLast())) await settings.setAgain()
}

/** What a holding is made of. */
interface Ground {
  readonly store: Store
  readonly place: Place
  readonly url: string
  /** The database that a worker's is a copy of. */
  readonly template: string | undefined
  readonly scope: Scope
  readonly catalog: Catalog
  readonly log: Oplog
  readonly past: Past
  readonly leases: Leases
  readonly settings: ServerSettings
  readonly allUsers: boolean
}

function groundOf(given: {
  readonly store: Store
  readonly place: Place
  readonly url: string
  readonly template: string | undefined
  readonly options: MongodbOptions
  readonly inprog: boolean
}): Ground {
  const { store, place, url, template, options, inprog } = given
  const scope = new Scope(place.databases, options.collections, options.except)
  const parts = partsOf(store, scope, options, inprog)
  const [leases, settings] = [new Leases(store, inprog), new ServerSettings(store)]
  return { store, place, url, template, scope, ...parts, leases, settings, allUsers: inprog }
}

function partsOf(
  store: Store,
  scope: Scope,
  { settle = SETTLE, order = 'any' }: MongodbOptions,
  allUsers: boolean,
): Pick<Ground, 'catalog' | 'log' | 'past'> {
  const catalog = new Catalog(store, scope)
  const log = new Oplog(store, scope, (uuid) => catalog.first(uuid))
  const quiet = new Quiet(store, { scope, settle, allUsers })
  return { catalog, log, past: new Past({ store, catalog, log, quiet, exactOrder: order === 'exact' }) }
}

async function requireReplicaSet(store: Store): Promise<void> {
  const hello = await store.ask('admin', { hello: 1 })
  if (hello['msg'] === 'isdbgrid') throw sharded()
  if (!store.isReplicaSet) throw standalone()
  const { version } = (await store.ask('admin', { buildInfo: 1 })) as { readonly version?: string }
  if (Number.parseInt(version ?? '', 10) < 7) throw tooOld(version ?? 'of unknown version')
}

async function begin(ground: Ground, options: MongodbOptions, worker: Worker): Promise<void> {
  const { leases, settings, place, store } = ground
  const { collections = null, except = [], settle = SETTLE, recover = 'restore' } = options
  const claim = { databases: place.databases, only: collections, except, worker }
  const dead = await leases.take(claim, settle)
  // Whoever has a lease, dead or alive, changed the settings already. Whoever gives one up puts them back first.
  const others = [...dead, ...(await leases.others({ living: false }))]
  const was = original([await settings.read(), ...others.flatMap((lease) => lease.settings ?? [])])
  await leases.noteSettings(was)
  await settings.take(was)
  if (ground.template !== undefined) {
    const [database = ''] = place.databases
    if (dead.length === 0) await requireFree(store, database)
    await fillFrom(store, ground.template, database)
    for (const lease of dead) await leases.mended(lease.database, claim)
    return
  }
  for (const lease of dead) {
    const was = `mongodb: ${lease.owner} was killed with "${lease.database}" changed`
    if (lease.at !== null && recover === 'keep') worker.notice(`${was}. It is taken as it is (recover: 'keep').`)
    if (lease.at !== null && recover === 'restore') {
      await putBack(store, lease, lease.at, { options, allUsers: ground.allUsers })
      worker.notice(`${was}; it is put back to its first mark.`)
    }
    await leases.mended(lease.database, claim)
  }
}

/** Goes back to the one time that a killed process noted. */
async function putBack(
  store: Store,
  lease: Lease,
  at: Timestamp,
  { options, allUsers }: { readonly options: MongodbOptions; readonly allUsers: boolean },
): Promise<void> {
  const scope = new Scope([lease.database], lease.only ?? undefined, lease.except)
  const { past } = partsOf(store, scope, options, allUsers)
  try {
    await past.rollback(new Moment('the first mark of a killed run', at))
  } catch (cause) {
    throw new VenomError(
      'CRASHED',
      `mongodb: ${lease.owner} was killed with "${lease.database}" changed, and that cannot be undone: ${messageOf(cause)}\n` +
        'The database is in the middle of some test.\n' +
        "Make it anew (drop it and seed it), then take it as it is once: mongodb(url, { recover: 'keep' }).",
      { cause },
    )
  }
}
