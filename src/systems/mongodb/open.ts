import { randomBytes } from 'node:crypto'
import type { MongoClient, Timestamp } from 'mongodb'
import { messageOf, VenomError } from '../../errors.ts'
import type { Worker } from '../../rollbackable.ts'
import { Catalog } from './catalog.ts'
import { dropCopies } from './copies.ts'
import type { Log } from './dirty.ts'
import { loadDriver } from './driver.ts'
import { checkGrants } from './grants.ts'
import { Moment } from './history.ts'
import type { MongodbOptions } from './index.ts'
import { type Claim, type Lease, Leases } from './lease.ts'
import type { Past } from './past.ts'
import { type Place, placeOf, requireTestPlace, templateOf, urlOf } from './place.ts'
import { Quiet } from './quiet.ts'
import { isBuckets, Scope, split, userName } from './scope.ts'
import { original, ServerSettings } from './settings.ts'
import { Still } from './still.ts'
import { Store } from './store.ts'
import { noOrder, noSeries, sharded, standalone, tooOld } from './troubles.ts'
import { type Way, type WayName, wayOf } from './way.ts'
import { fillFrom, requireFree, workerDatabase } from './worker-database.ts'

const SETTLE = 2000
/** The oldest server of which every collection of the past can be read: point-in-time catalogs came with it. */
const OLDEST = 7

/** Databases that are ours. */
export interface Opened {
  readonly store: Store
  /** The connections of steps. */
  readonly steps: MongoClient
  /** Where the application must connect. */
  readonly url: string
  readonly place: Place
  /** The database that a worker's is a copy of. */
  readonly template: string | undefined
  readonly scope: Scope
  readonly catalog: Catalog
  readonly way: Way
  readonly log?: Log
  readonly past?: Past
  readonly leases: Leases
  readonly settings: ServerSettings
}

/** Connects, takes the leases, and puts back what a killed process left. Throws what the parts throw. */
export async function openDatabases(url: string, options: MongodbOptions, worker: Worker): Promise<Opened> {
  const driver = await loadDriver()
  const given = placeOf(driver, url, options.databases)
  requireTestPlace(given, options)
  const template = options.perWorker ? templateOf(given) : undefined
  const place = template === undefined ? given : { ...given, databases: [workerDatabase(template, worker.id)] }
  const [first = ''] = place.databases
  const stepsUrl = template === undefined ? url : urlOf(url, first)
  const { way = 'past' } = options

  const store = await Store.open(driver, url, `venomqa:${randomBytes(9).toString('hex')}`)
  const steps = new driver.MongoClient(stepsUrl, { appName: first, retryWrites: store.isReplicaSet })
  let opened: Opened | undefined
  try {
    await requireServer(store, way)
    if (way === 'copy' && options.order === 'exact') throw noOrder()
    const databases = [...new Set([...given.databases, ...place.databases])]
    const { inprog } = await checkGrants(store, { databases, way, worker })
    const scope = new Scope(place.databases, options.collections, options.except)
    const [leases, settings] = [new Leases(store, inprog), new ServerSettings(store)]
    opened = {
      store,
      steps,
      url: stepsUrl,
      place,
      template,
      scope,
      ...partsOf(store, scope, options, inprog),
      leases,
      settings,
    }
    if (way === 'stream') await requireNoSeries(opened)
    await begin(opened, options, { worker, allUsers: inprog })
    await steps.connect()
    return opened
  } catch (error) {
    // What failed first is what the user must see.
    if (opened) await giveBack(opened).catch(() => undefined)
    await Promise.allSettled([store.close(), steps.close()])
    throw error
  }
}

/** Ends the leases. The last one of a server puts back its settings. */
export async function giveBack({ leases, settings }: Pick<Opened, 'leases' | 'settings'>): Promise<void> {
  const isLast = async (): Promise<boolean> => (await leases.others({ living: true })).every(({ closing }) => closing)
  await leases.close()
  if (await isLast()) await settings.putBack()
  await leases.end()
  // One that opened meanwhile may have changed them before we put them back.
  if (!(await isLast())) await settings.setAgain()
}

function partsOf(
  store: Store,
  scope: Scope,
  { way = 'past', settle = SETTLE, order = 'any' }: MongodbOptions,
  allUsers: boolean,
): Pick<Opened, 'catalog' | 'way' | 'log' | 'past'> {
  const catalog = new Catalog(store, scope)
  const quiet = new Quiet(store, { scope, settle, allUsers })
  return { catalog, ...wayOf(way, { store, scope, catalog, quiet, exactOrder: order === 'exact' }) }
}

async function requireServer(store: Store, way: WayName): Promise<void> {
  const hello = await store.ask('admin', { hello: 1 })
  if (hello['msg'] === 'isdbgrid') throw sharded()
  if (way === 'copy') return
  if (!store.isReplicaSet) throw standalone()
  const { version } = (await store.ask('admin', { buildInfo: 1 })) as { readonly version?: string }
  if (Number.parseInt(version ?? '', 10) < OLDEST) throw tooOld(version ?? 'of unknown version')
}

async function requireNoSeries({ catalog }: Opened): Promise<void> {
  const series = (await catalog.namespaces()).find(isBuckets)
  if (series !== undefined) throw noSeries(userName(split(series)[1]))
}

async function begin(
  opened: Opened,
  options: MongodbOptions,
  { worker, allUsers }: { readonly worker: Worker; readonly allUsers: boolean },
): Promise<void> {
  const { leases, settings, place, store } = opened
  const { collections = null, except = [], settle = SETTLE, recover = 'restore' } = options
  const claim: Claim = { databases: place.databases, only: collections, except, worker }
  const dead = await leases.take(claim, settle)
  // Whoever has a lease, dead or alive, changed the settings already. Whoever gives one up puts them back first.
  const others = [...dead, ...(await leases.others({ living: false }))]
  const was = original([await settings.read(), ...others.flatMap((lease) => lease.settings ?? [])])
  await leases.noteSettings(was)
  await settings.take(was)
  if (opened.template !== undefined) await refill(opened, dead)
  for (const lease of dead) {
    const isChanged = opened.template === undefined && (lease.at !== null || lease.still !== null)
    const killed = `mongodb: ${lease.owner} was killed with "${lease.database}" changed`
    if (isChanged && recover === 'keep') worker.notice(`${killed}. It is taken as it is (recover: 'keep').`)
    if (isChanged && recover === 'restore') {
      await putBack(store, lease, options, allUsers)
      worker.notice(`${killed}; it is put back to its first mark.`)
    }
    if (lease.still !== null) await dropCopies(store, lease.token)
    await leases.mended(lease.database, claim)
  }
}

/** Makes a worker's database anew, whatever a killed process left in it. */
async function refill({ store, place, template = '' }: Opened, dead: readonly Lease[]): Promise<void> {
  const [database = ''] = place.databases
  if (dead.length === 0) await requireFree(store, database)
  await fillFrom(store, template, database)
}

/** Goes back to the first mark of a killed process, by the way in which it was made. */
async function putBack(store: Store, lease: Lease, options: MongodbOptions, allUsers: boolean): Promise<void> {
  const scope = new Scope([lease.database], lease.only ?? undefined, lease.except)
  const { way } = partsOf(store, scope, { ...options, way: lease.still === null ? pastBy(options) : 'copy' }, allUsers)
  try {
    await way.rollback(firstMark(store, lease))
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

/** How a killed process that made no copies is undone: as the next one would be. */
function pastBy({ way = 'past' }: MongodbOptions): WayName {
  return way === 'copy' ? 'past' : way
}

function firstMark({ codec }: Store, { at, still }: Lease): Moment | Still {
  const name = 'the first mark of a killed run'
  return still === null ? new Moment(name, at as Timestamp) : Still.fromBytes(codec, still.buffer)
}
