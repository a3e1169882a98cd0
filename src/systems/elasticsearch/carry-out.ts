import { randomBytes } from 'node:crypto'
import { isVenomError, VenomError } from '../../errors.ts'
import { type Base, type Doc, keyOf, type Shard } from './base.ts'
import type { Index, Shape } from './catalog.ts'
import { difference, type Pair } from './difference.ts'
import type { Ground } from './history.ts'
import { part } from './http.ts'
import { makeLike, replaceBy } from './make.ts'
import type { Bases, Mark, Moved } from './marks.ts'
import type { Begun } from './note.ts'
import { patchOf } from './patch.ts'
import { isOnlyDirty, type Plan, sameShape } from './plan.ts'
import { Reader } from './reader.ts'
import type { Snapshots } from './snapshots.ts'
import { lift, putBackShape } from './structure.ts'
import { requireSafe, writeExactly } from './versions.ts'
import { Writer, type Written } from './write.ts'

/** What there is when a rollback begins. */
export interface Present {
  readonly shape: Shape
  readonly shards: ReadonlyMap<string, Shard>
}

/** An index that takes the place of the user's, whose points in time die with it. */
interface Anew extends Begun {
  readonly like: Index
  /** Whether only this rollback needs it. */
  readonly once: boolean
}

interface Patches {
  readonly patches: ReadonlyMap<Base, Base['patch']>
}

/** Notes what is about to be replaced: what a process that is killed meanwhile has not finished. */
export type Intend = (begun: readonly Begun[]) => Promise<void>

/** An index of which the past is gone. Nothing was touched. */
export class PastGone extends VenomError {
  readonly index: string

  constructor(index: string, { code, message }: VenomError) {
    super(code, message)
    this.index = index
  }
}

/** Does what a plan says. */
export class CarryOut {
  readonly #ground: Ground
  readonly #bases: Bases
  readonly #snapshots: Snapshots | undefined
  readonly #told = new Set<string>()
  /** Indices of ours that took a place. Until that is noted, whoever finds us killed needs them. */
  #spent: string[] = []

  constructor(ground: Ground, bases: Bases, snapshots: Snapshots | undefined) {
    this.#ground = ground
    this.#snapshots = snapshots
    this.#bases = bases
  }

  /**
   * Until all is read that must be written, nothing of the user's is touched that is not put back on an error. False
   * when somebody wrote meanwhile.
   */
  async run(mark: Mark, plan: Plan, { shape, shards }: Present, intend: Intend): Promise<boolean> {
    const { server, catalog } = this.#ground
    const { http } = server
    const dirty = plan.dirty.map(({ index }) => index)
    const inStreams = plan.again.flatMap((name) => shape.streams.get(name)?.indices ?? [])
    await this.#snapshots?.require(mark, plan)
    const unlift = await lift(http, shape, [...dirty, ...plan.rebuild, ...plan.recopy, ...plan.created, ...inStreams])
    let ready: { readonly writes: ReadonlyMap<Base, readonly Pair[]>; readonly anew: readonly Anew[] }
    try {
      ready = { writes: await this.#read(plan, shards), anew: await this.#makeAnew(mark, plan) }
      const begun = ready.anew.filter(({ once }) => once)
      this.#spent.push(...begun.map(({ from }) => from))
      if (begun.length > 0) await intend(begun)
    } catch (error) {
      await unlift?.()
      throw error
    }

    for (const name of plan.open) await http.ask('POST', `/${part(name)}/_open?wait_for_active_shards=1`)
    for (const name of plan.streams) await http.ask('DELETE', `/_data_stream/${part(name)}`)
    for (const name of plan.created) await http.ask('DELETE', `/${part(name)}`)
    for (const anew of ready.anew) await this.#swap(anew, shape.indices.has(anew.index))
    const written = await this.#writeAll(ready.writes)
    await this.#snapshots?.restore(mark, plan, shape)
    const again = plan.again.flatMap((name) => mark.shape.streams.get(name)?.indices ?? [])
    const fresh = new Set([...plan.open, ...plan.rebuild, ...plan.recopy, ...again])
    const isOnlyDocuments = !unlift && isOnlyDirty(plan)
    if (isOnlyDocuments) mark.shape = shape
    else await this.#reshape(mark, plan)
    const reopened = [...mark.bases.values()].filter(({ index }) => fresh.has(index))
    const numbers = new Map(isOnlyDocuments ? shards : await catalog.shards())
    // Every write takes one number. Where more were taken, somebody else wrote.
    for (const [base, { taken }] of written) {
      const before = shards.get(keyOf(base))
      if (before) numbers.set(keyOf(base), { ...before, max: before.max + taken })
    }
    const moved = new Map<Base, Moved>()
    for (const [base, { numbers: come }] of written) {
      const gone = ready.writes.get(base)?.flatMap(({ before: { number } }) => number ?? [])
      if (gone && come) moved.set(base, { gone, come })
    }
    return this.#bases.renew([...plan.dirty, ...reopened], numbers, mark.shape, moved)
  }

  async #reshape(mark: Mark, plan: Plan): Promise<void> {
    const { server, catalog } = this.#ground
    const now = await catalog.shape()
    if (!sameShape(mark.shape, now)) await putBackShape(server.http, mark.shape, now)
    for (const name of plan.close) await server.http.ask('POST', `/${part(name)}/_close`)
    mark.shape = await catalog.shape()
  }

  async #read({ dirty }: Plan, shards: Present['shards']): Promise<ReadonlyMap<Base, readonly Pair[]>> {
    const { server, catalog, exactVersions } = this.#ground
    await catalog.refresh(dirty)
    const read = dirty.map(async (base) => {
      const deletions = shards.get(keyOf(base))?.deletions !== base.deletions
      const now = Reader.now(server, base.index, base.shard)
      const pairs = await difference(server, base, now, { deletions }).catch((error: unknown) => {
        throw isVenomError(error) && error.code === 'MARK_LOST' ? new PastGone(base.index, error) : error
      })
      if (exactVersions) for (const pair of pairs.values()) requireSafe(base.index, pair)
      return [base, [...pairs.values()]] as const
    })
    return new Map(await Promise.all(read))
  }

  /** Writes and refreshes: indices at once, the shards of one after another. */
  async #writeAll(writes: ReadonlyMap<Base, readonly Pair[]>): Promise<ReadonlyMap<Base, Written>> {
    const written = new Map<Base, Written>()
    const all = [...new Set(Array.from(writes.keys(), ({ index }) => index))].map(async (index) => {
      for (const [base, pairs] of writes) if (base.index === index) written.set(base, await this.#write(index, pairs))
    })
    for (const result of await Promise.allSettled(all)) if (result.status === 'rejected') throw result.reason
    return written
  }

  async #write(index: string, pairs: readonly Pair[]): Promise<Written> {
    const { server, exactVersions } = this.#ground
    if (exactVersions && pairs.length > 0) return writeExactly(server.http, index, pairs)
    const docs = pairs.map(({ before }) => before)
    return new Writer(server.http).write(index, docs, { refresh: true })
  }

  /** Makes the indices that will take a place, under names of ours. */
  async #makeAnew(mark: Mark, plan: Plan): Promise<readonly Anew[]> {
    const { server, worker, prefix } = this.#ground
    const anew: Anew[] = []
    try {
      for (const name of [...plan.rebuild, ...(this.#snapshots ? [] : plan.recopy)]) {
        const like = mark.shape.indices.get(name)
        if (!like) continue
        const copy = plan.recopy.includes(name) ? mark.copies.get(name) : undefined
        const from = copy ?? `${prefix}rebuilt-${randomBytes(6).toString('hex')}`
        const mine = [...mark.bases.values()].filter((base) => base.index === name)
        if (copy === undefined) {
          if (!this.#told.has(name)) worker.notice(mappingGrew(name))
          this.#told.add(name)
          await makeLike(server, from, like, mine)
        }
        const patches = copy === undefined ? await this.#patches(name, mine) : new Map()
        anew.push({ index: name, like, from, once: copy === undefined, same: mine, patches })
      }
    } catch (error) {
      for (const { from, once } of anew) if (once) await this.#delete(from)
      throw error
    }
    return anew
  }

  async #patches(name: string, mine: readonly Base[]): Promise<ReadonlyMap<Base, ReadonlyMap<string, Doc>>> {
    const patches = new Map<Base, ReadonlyMap<string, Doc>>()
    for (const base of this.#bases.of(name)) {
      const to = mine.find(({ shard }) => shard === base.shard)
      if (!to || to === base) continue
      // One whose past is gone already cannot be helped: going there says so.
      const patch = await patchOf(this.#ground.server, base, to).catch(() => undefined)
      if (patch) patches.set(base, patch)
    }
    return patches
  }

  /** Does what a killed process noted and may not have done. What is noted is as it will be then. */
  async finish(mark: Mark, begun: ReadonlyMap<string, string>): Promise<void> {
    const { server, catalog } = this.#ground
    for (const [index, from] of begun) {
      const like = mark.shape.indices.get(index)
      if (!like || !(await server.http.find(`/${part(from)}`))) continue
      const mine = [...mark.bases.values()].filter((base) => base.index === index)
      const patches = new Map(mine.map((base) => [base, base.patch]))
      const { indices } = await catalog.shape()
      await this.#swap({ like, from, patches }, indices.has(index))
    }
  }

  /** Deletes what took a place. */
  async sweep(): Promise<void> {
    for (const name of this.#spent.splice(0)) await this.#delete(name)
  }

  async #delete(name: string): Promise<void> {
    await this.#ground.server.http.ask('DELETE', `/${part(name)}`)
  }

  async #swap({ like, from, patches }: Pick<Anew, 'like' | 'from'> & Patches, isThere: boolean): Promise<void> {
    const { server, catalog } = this.#ground
    await replaceBy(server, from, like, isThere)
    if (patches.size === 0) return
    await this.#bases.renew([...patches.keys()], await catalog.shards(), await catalog.shape())
    for (const [base, patch] of patches) base.patch = patch
  }
}

function mappingGrew(name: string): string {
  return (
    `elasticsearch: the mapping of index "${name}" grew in a branch. A mapping never shrinks, so a rollback makes the ` +
    'index anew, which costs by its size. To have it faster, put the fields into the mapping before the first checkpoint, ' +
    'or set dynamic: false.'
  )
}
