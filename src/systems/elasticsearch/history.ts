import type { Change, Worker } from '../../rollbackable.ts'
import { keyOf, type Shard } from './base.ts'
import { CarryOut, type Intend, PastGone } from './carry-out.ts'
import { type Catalog, type Index, isClosed, type Shape } from './catalog.ts'
import { documentChange, shapeChanges, withContent } from './changes.ts'
import { Copies } from './copies.ts'
import { allNew, difference, type Pair } from './difference.ts'
import { Bases, isSame, Mark } from './marks.ts'
import { statusOf } from './http.ts'
import { isNothing, planOf } from './plan.ts'
import type { Quiet } from './quiet.ts'
import { Reader } from './reader.ts'
import { Repository } from './repository.ts'
import { type Scope, streamOf } from './scope.ts'
import type { Server } from './server.ts'
import { Snapshots } from './snapshots.ts'
import { lackOf, requireNoStreams, requireNumbers, requireOwnIndices, requireWhole } from './sources.ts'
import { unhide } from './structure.ts'
import { keepsWriting } from './troubles.ts'

// Taken at load, so that a runner's fake timers never stop us.
const clock = performance.now.bind(performance)
/** How often a rollback is begun anew because somebody wrote meanwhile. */
const TRIES = 4

/** How marks are kept. */
export type Way = 'pit' | 'copies' | 'snapshot'

/** What a history stands on. */
export interface Ground {
  readonly server: Server
  readonly catalog: Catalog
  readonly quiet: Quiet
  readonly scope: Scope
  readonly worker: Worker
  /** How long somebody who writes is waited for, in ms. */
  readonly settle: number
  /** What names of ours begin with: the lease's, so that the next one knows what a killed process left. */
  readonly prefix: string
  readonly way: Way
  /** Whether `_version` comes back too. */
  readonly exactVersions: boolean
}

/** The marks of one world, and the way back to them. */
export class History {
  readonly bases: Bases
  readonly #ground: Ground
  readonly #copies: Copies | Snapshots | undefined
  readonly #carryOut: CarryOut
  #last: Mark | undefined

  constructor(ground: Ground) {
    const { server, catalog } = ground
    this.#ground = ground
    this.bases = new Bases(server, catalog)
    const snapshots =
      ground.way === 'snapshot'
        ? new Snapshots(server.http, new Repository(server.http), ground.prefix, this.bases)
        : undefined
    this.#copies = ground.way === 'copies' ? new Copies(server, ground.prefix, this.bases) : snapshots
    this.#carryOut = new CarryOut(ground, this.bases, snapshots)
  }

  /** Throws `NOT_QUIET`, and `UNSUPPORTED` for indices that no mark can hold. */
  async checkpoint(name: string, { withCopies = true } = {}): Promise<Mark> {
    const copies = withCopies ? this.#copies : undefined
    const { catalog, quiet, settle } = this.#ground
    const what = `the checkpoint "${name}"`
    const deadline = clock() + settle
    for (;;) {
      const shards = await catalog.shards()
      // In this order: what has a number at the first look is done when nobody writes at the second.
      const [, shape] = await Promise.all([quiet.moment(what), catalog.shape()])
      this.#require(shape)
      const mark = new Mark(name, shape, await this.bases.take(shards, shape, this.#last))
      await copies?.keep(mark, this.#last)
      const isFresh = mark.shape !== shape || [...mark.bases].some(([key, base]) => this.#last?.bases.get(key) !== base)
      const moved = isFresh ? await this.#moved(mark) : undefined
      if (copies) mark.shape = await catalog.shape()
      if (moved === undefined) {
        this.bases.add(mark)
        if (copies === this.#copies) this.#last = mark
        return mark
      }
      await this.#drop(mark)
      if (clock() >= deadline) throw keepsWriting(what, moved)
    }
  }

  /**
   * Throws `NOT_QUIET`, and before anything is touched `MARK_LOST` and `SCHEMA_CHANGED`. Says whether indices were made
   * anew; when that is noted, `sweep` follows.
   */
  async rollback(mark: Mark, intend: Intend): Promise<{ readonly madeAnew: boolean }> {
    const what = `the rollback to "${mark.name}"`
    let madeAnew = false
    /** Indices that were closed and opened, which ended their points in time. */
    const lost = new Set<string>()
    for (let tries = 1; ; tries += 1) {
      const [shards, shape] = await this.#present(what)
      const plan = planOf(mark, shape, shards, (index) => lost.has(index.name) || this.#comesWhole(index))
      if (isNothing(plan)) break
      madeAnew ||= plan.rebuild.length + plan.recopy.length + plan.again.length > 0
      const done = await this.#carryOut.run(mark, plan, { shape, shards }, intend).catch((error: unknown) => {
        if (!(error instanceof PastGone) || !mark.copies.has(error.index)) throw error
        lost.add(error.index)
        return 'again' as const
      })
      if (done === true) break
      if (tries >= TRIES + lost.size) throw keepsWriting(what, plan.dirty[0]?.index ?? '')
    }
    this.#last = mark
    return { madeAnew }
  }

  /** Finishes what a killed process had begun, as it noted it beside its first mark. */
  async finish(mark: Mark, begun: ReadonlyMap<string, string>): Promise<void> {
    await this.#carryOut.finish(mark, begun)
  }

  /** Deletes what rollbacks needed while they were not noted. */
  async sweep(): Promise<void> {
    await this.#carryOut.sweep()
  }

  /** What was inserted, updated and deleted since a mark. Throws `MARK_LOST`. */
  async changes(mark: Mark): Promise<readonly Change[]> {
    const { server, catalog } = this.#ground
    const [shards, shape] = await Promise.all([catalog.shards(), catalog.shape()])
    const closed = new Set([...shape.indices.values()].filter(isClosed).map(({ name }) => name))
    const differing = [...shards.values()].filter((shard) => {
      const base = mark.bases.get(keyOf(shard))
      return !closed.has(shard.index) && (!base || base.patch !== undefined || !isSame(base, shard))
    })
    await catalog.refresh(differing)
    const pairs = new Map<string, Pair[]>()
    for (const shard of differing) {
      const base = mark.bases.get(keyOf(shard))
      const now = Reader.now(server, shard.index, shard.shard)
      const isAnother = !base || base.uuid !== shard.uuid
      const found = isAnother
        ? await allNew(now)
        : await difference(server, base, now, {
            depth: 'whole',
            deletions: base.deletions !== shard.deletions,
          })
      pairs.set(shard.index, [...(pairs.get(shard.index) ?? []), ...found.values()])
    }
    const documents = Array.from(pairs, ([index, some]) => documentChange(index, some))
    const byIndex = documents.toSorted((a, b) => ((a.index ?? '') < (b.index ?? '') ? -1 : 1))
    return withContent([...byIndex, ...shapeChanges(mark.shape, shape)])
  }

  async release(mark: Mark): Promise<void> {
    await this.bases.release(mark)
    await this.#copies?.drop([mark])
    if (this.#last === mark) this.#last = undefined
  }

  /** Releases all marks, and what crash recovery would have gone by. */
  async close(): Promise<void> {
    const marks = [...this.bases.marks]
    for (const mark of marks) await this.bases.release(mark)
    await this.#copies?.drop(marks)
    await this.sweep()
    await this.bases.pin([])
  }

  async #drop(mark: Mark): Promise<void> {
    await this.bases.drop(mark.bases.values())
    await this.#copies?.drop([mark])
  }

  /** The index that was written to since the mark was begun, if any. */
  async #moved(mark: Mark): Promise<string | undefined> {
    const shards = await this.#ground.catalog.shards()
    const moved = [...mark.bases].find(([key, base]) => !isSame(base, shards.get(key)))?.[1]
    return moved?.index ?? [...shards].find(([key]) => !mark.bases.has(key))?.[1].index
  }

  async #present(what: string): Promise<[ReadonlyMap<string, Shard>, Shape]> {
    const { server, catalog, scope, quiet, settle } = this.#ground
    const deadline = clock() + settle
    const look = async (): Promise<[ReadonlyMap<string, Shard>, Shape]> => {
      for (;;) {
        const shards = await catalog.shards()
        // In this order: what has a number at the first look is done when nobody writes at the second.
        const [isQuiet, shape] = await Promise.all([quiet.moment(what), catalog.shape()])
        if (isQuiet || clock() >= deadline) return [shards, shape]
      }
    }
    return look().catch(async (error: unknown) => {
      if (statusOf(error) !== 403) throw error
      // No mark was made while such a block was there, so it must go.
      await unhide(server.http, scope)
      return look()
    })
  }

  #require(shape: Shape): void {
    const { way } = this.#ground
    if (way === 'pit') requireWhole(shape)
    else requireNumbers(shape)
    if (way === 'snapshot') requireOwnIndices(shape)
    else requireNoStreams(shape.streams)
  }

  #comesWhole(index: Index): boolean {
    const { way, exactVersions } = this.#ground
    const isInStream = way === 'snapshot' && streamOf(index.name) !== undefined
    return way !== 'pit' && (exactVersions || isInStream || lackOf(index) !== undefined)
  }
}
