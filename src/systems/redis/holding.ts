import { VenomError } from '../../errors.ts'
import type { Worker } from '../../rollbackable.ts'
import { type BaseFile, baseFilePath, readBaseFile, removeBaseFile, writeBaseFile } from './base-file.ts'
import { Clock } from './clock.ts'
import { Connection } from './connection.ts'
import { Exact } from './exact.ts'
import { Full } from './full.ts'
import type { Way } from './grants.ts'
import type { Moment } from './history.ts'
import { Keyspace } from './keyspace.ts'
import {
  guarded,
  guardLacked,
  type Lease,
  leaseRemoving,
  newLease,
  resumeLease,
  standing,
  type Standing,
  takeLease,
} from './lease.ts'
import { type Place, placeName } from './place.ts'
import type { Keeping } from './reader.ts'
import { Scope } from './scope.ts'
import type { Server } from './server.ts'
import { Tracked } from './tracked.ts'
import type { Watcher } from './watcher.ts'

/** How keys are to be held. */
export interface HoldingOptions {
  readonly place: Place
  readonly server: Server
  readonly scope: Scope
  readonly worker: Worker
  readonly way: Way
  readonly frozen: boolean
  readonly recover: 'restore' | 'keep'
  /** Whether the keys are a copy of ours, which nobody will miss. */
  readonly disposable: boolean
  readonly maxKeys: number
  readonly maxBytes: number
}

/** The keys of one server while they are ours: leased, watched, and put back should we be killed. */
export class Holding {
  readonly keyspace: Keyspace
  readonly #options: HoldingOptions
  readonly #watcher: Watcher
  #lease: Lease
  #standing: Standing

  private constructor(options: HoldingOptions, watcher: Watcher, lease: Lease) {
    this.#options = options
    this.#watcher = watcher
    this.#lease = lease
    this.#standing = standing(options.scope, lease)
    this.keyspace = new Keyspace({
      ...keepingOf(options, options.scope, watcher, lease.token),
      lease: () => this.#standing,
      leaseLost: () => this.#becomes({ ...this.#lease, round: this.#lease.round + 1 }),
    })
  }

  /**
   * Takes the lease over `connection`, puts back what a killed process left, and begins to watch.
   *
   * @throws VenomError `LEASED`, `CRASHED`
   */
  static async open(connection: Connection, options: HoldingOptions): Promise<Holding> {
    const { place, scope, worker, way } = options
    const { taken, dead } = await takeLease(connection, scope, newLease(worker, place.database, scope))
    const again = async (): Promise<Connection> => {
      const next = await Connection.open(place)
      await resumeLease(next, scope, taken)
      return next
    }
    await mend(connection, options, taken, dead)
    const lease = { ...taken, file: null }
    await connection.call(...standing(scope, lease).writing)
    return new Holding(options, await watcherOf(), lease)

    async function watcherOf(): Promise<Watcher> {
      switch (way) {
        case 'tracked':
          return Tracked.open(connection, again, scope)
        case 'exact':
          return Exact.open(connection, again, place, scope, taken.token)
        case 'full':
          return new Full(connection, again)
      }
    }
  }

  /** Remembers the present state; the first one is also written to a file, for whoever comes after a crash. */
  async checkpoint(): Promise<Moment> {
    const moment = await this.keyspace.checkpoint()
    if (this.#lease.file === null && !this.#options.disposable) await this.#writeDown(moment)
    return moment
  }

  /** Gives up the lease and leaves nothing of ours. */
  async close(): Promise<void> {
    const { scope, disposable } = this.#options
    try {
      if (disposable) await this.keyspace.reset({})
      await this.#watcher.trip([leaseRemoving(scope, this.#lease)])
      if (this.#lease.file !== null) await removeBaseFile(this.#lease.file)
    } finally {
      this.#watcher.close()
    }
  }

  async #writeDown(moment: Moment): Promise<void> {
    const { server, frozen, scope } = this.#options
    const { token, owner } = this.#lease
    const file = fileOf(this.#options, scope)
    await writeBaseFile(file, { token, owner, runId: server.runId }, this.keyspace.present, frozen ? moment.time : 0)
    const lease = { ...this.#lease, file }
    const replies = await this.#watcher.trip(guarded(scope, this.#standing, [standing(scope, lease).writing]))
    // Where it was lost meanwhile it stays so, for that tells that the keys are not those of the mark any more.
    this.#becomes(guardLacked(replies) ? { ...lease, round: lease.round + 1 } : lease)
  }

  #becomes(lease: Lease): void {
    this.#lease = lease
    this.#standing = standing(this.#options.scope, lease)
  }
}

/** Puts back what dead processes left behind, and forgets them. */
async function mend(
  connection: Connection,
  options: HoldingOptions,
  ours: Lease,
  dead: readonly Lease[],
): Promise<void> {
  const { scope, server } = options
  for (const lease of dead) {
    const theirs = { scope: scope.of(lease.prefix), lease: lease.prefix === scope.prefix ? ours : lease }
    if (lease.file !== null) {
      const base = await readBaseFile(lease.file)
      if (base?.header.token === lease.token) await putBack(connection, options, theirs, base)
      else if (options.recover === 'restore' && !options.disposable) throw crashed(options, lease, lease.file)
    }
    // The file goes last: killed in between, we come to it again below.
    await connection.call(...leaseRemoving(scope, lease))
    if (lease.file !== null) await removeBaseFile(lease.file)
  }
  // The application may have flushed the database, and our lease with it, before the process was killed.
  const file = fileOf(options, scope)
  const base = await readBaseFile(file)
  if (!base) return
  if (base.header.runId === server.runId) await putBack(connection, options, { scope, lease: ours }, base)
  await removeBaseFile(file)
}

async function putBack(
  connection: Connection,
  options: HoldingOptions,
  { scope, lease }: { scope: Scope; lease: Lease },
  { header: { owner }, images }: BaseFile,
): Promise<void> {
  const { place, worker, recover, disposable } = options
  if (disposable) return
  if (recover === 'keep') {
    worker.notice(
      `redis: ${owner} was killed with ${placeName(place)} changed. It is taken as it is (recover: 'keep').`,
    )
    return
  }
  const watcher = new Full(connection, () => Promise.resolve(connection))
  const keyspace = new Keyspace({
    ...keepingOf(options, scope, watcher, ''),
    lease: () => standing(scope, lease),
    leaseLost: () => {},
  })
  const count = await keyspace.recover(images)
  worker.notice(
    `redis: ${owner} was killed with ${placeName(place)} changed; ${count} keys were put back to its first mark.`,
  )
}

function keepingOf(
  options: HoldingOptions,
  scope: Scope,
  watcher: Watcher,
  token: string,
): Omit<Keeping, 'lease' | 'leaseLost'> {
  const { server, frozen, maxKeys, maxBytes } = options
  return {
    watcher,
    scope,
    token,
    clock: new Clock(frozen),
    exactExpiry: server.version.major >= 7,
    functions: server.version.major >= 7,
    atomic: !server.cluster,
    maxKeys,
    maxBytes,
  }
}

function fileOf({ place }: HoldingOptions, scope: Scope): string {
  return baseFilePath(place.path ?? `${place.host}:${place.port}`, place.database, scope.prefix)
}

function crashed({ place }: HoldingOptions, lease: Lease, file: string): VenomError {
  return new VenomError(
    'CRASHED',
    `redis: ${lease.owner} was killed with ${placeName(place)} changed, and its first mark cannot be read: ${file} on ${lease.host}.\n` +
      'The keys are in the middle of some test; the file that could put them back is on another machine, or was cleaned away.\n' +
      "Run once on that machine; or empty the database; or take the keys as they are: redis(url, { recover: 'keep' }).",
  )
}
