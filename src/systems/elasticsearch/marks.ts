import { type Base, keyOf, type Shard } from './base.ts'
import { type Catalog, isClosed, type Shape } from './catalog.ts'
import { KEEP_ALIVE, Reader } from './reader.ts'
import { same } from './same.ts'
import type { Server } from './server.ts'

/** A moment of all indices: their shape, and each shard as it was. */
export class Mark {
  readonly name: string
  shape: Shape
  readonly bases: ReadonlyMap<string, Base>
  /** Where marks keep copies of the indices: the name of the clone or of the snapshot, by the index. */
  readonly copies = new Map<string, string>()

  constructor(name: string, shape: Shape, bases: ReadonlyMap<string, Base>) {
    this.name = name
    this.shape = shape
    this.bases = bases
  }
}

/** Whether an index was at a mark just what it was at another one. */
export function isSameIndex(name: string, mark: Mark, other: Mark | undefined): boolean {
  const mine = [...mark.bases].filter(([, base]) => base.index === name)
  return (
    same(mark.shape.indices.get(name), other?.shape.indices.get(name)) &&
    mine.every(([key, base]) => other?.bases.get(key) === base)
  )
}

/** What a rollback wrote into a shard, by numbers: those that the documents had, and those that they have now. */
export interface Moved {
  readonly gone: readonly number[]
  readonly come: readonly number[]
}

/** The shards that marks need: each is held once, for as long as one of them does. */
export class Bases {
  readonly #server: Server
  readonly #catalog: Catalog
  readonly #marks = new Set<Mark>()
  /** Points in time that are not closed when a base gets a newer one: crash recovery goes by them. */
  readonly #pinned = new Set<string>()
  /** Points in time that nobody needs are closed while others go on. */
  #closing: Promise<unknown> = Promise.resolve()

  constructor(server: Server, catalog: Catalog) {
    this.#server = server
    this.#catalog = catalog
  }

  get marks(): Iterable<Mark> {
    return this.#marks
  }

  /** The copies of some marks that no other mark needs. */
  unneeded(marks: readonly Mark[]): string[] {
    const copiesOf = (some: Iterable<Mark>): Set<string> =>
      new Set([...some].flatMap(({ copies }) => [...copies.values()]))
    const needed = copiesOf(this.#marks)
    return [...copiesOf(marks)].filter((name) => !needed.has(name))
  }

  /** Those of an index, of all marks. */
  of(index: string): Base[] {
    return this.#all().filter((base) => base.index === index)
  }

  /** The shards as they are. What is as at a mark already is shared with it. Nothing is read. */
  async take(shards: ReadonlyMap<string, Shard>, shape: Shape, like: Mark | undefined): Promise<Map<string, Base>> {
    const bases = new Map<string, Base>()
    const fresh: Base[] = []
    if (like && like.shape !== shape) await this.#probe(like, shards, shape)
    for (const [key, shard] of shards) {
      const known = like?.bases.get(key)
      if (known && isSame(known, shard) && !known.patch) bases.set(key, known)
      else fresh.push({ ...shard, pit: undefined, count: undefined, numbers: undefined, patch: undefined })
    }
    const pits = await this.#open(fresh, shape)
    for (const base of fresh) bases.set(keyOf(base), Object.assign(base, { pit: pits.get(base) }))
    return new Map([...bases].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }

  /**
   * After a shard was put back it has newer numbers: the same content is found by a new point in time. Those in `moved`
   * were refreshed, and are as they were but for these numbers. False when somebody wrote meanwhile; then all is left
   * as it was.
   */
  async renew(
    bases: readonly Base[],
    expected: ReadonlyMap<string, Shard>,
    shape: Shape,
    moved: ReadonlyMap<Base, Moved> = new Map(),
  ): Promise<boolean> {
    if (bases.length === 0) return true
    const pits = await this.#open(bases, shape, moved)
    const after = await this.#catalog.shards()
    const isMoved = bases.some((base) => expected.get(keyOf(base))?.max !== after.get(keyOf(base))?.max)
    if (isMoved) {
      await this.#close([...pits.values()])
      return false
    }
    const before = bases.flatMap(({ pit }) => pit ?? [])
    for (const base of bases) {
      const { max, uuid, deletions } = after.get(keyOf(base)) ?? base
      // With a patch the old point in time had other documents.
      const { gone, come } = (base.patch ? undefined : moved.get(base)) ?? {}
      const numbers = gone && come && base.numbers?.moved(gone, come, max)
      const count = gone && base.count
      Object.assign(base, { max, uuid, deletions, pit: pits.get(base), count, numbers, patch: undefined })
    }
    this.#closing = Promise.all([this.#closing, this.#close(before)])
    return true
  }

  /** Keeps a mark until it is released. */
  add(mark: Mark): void {
    this.#marks.add(mark)
  }

  /** Closes what no other mark needs. */
  async release(mark: Mark): Promise<readonly Base[]> {
    if (!this.#marks.delete(mark)) return []
    return this.drop(mark.bases.values())
  }

  /** Closes those of some that no mark needs, and answers with them. */
  async drop(bases: Iterable<Base>): Promise<readonly Base[]> {
    const needed = new Set(this.#all())
    const free = [...bases].filter((base) => !needed.has(base))
    await this.#close(free.flatMap(({ pit }) => pit ?? []))
    return free
  }

  /** From now on only these outlive a newer one. */
  async pin(pits: readonly string[]): Promise<void> {
    const needed = new Set([...pits, ...this.#all().flatMap(({ pit }) => pit ?? [])])
    const before = [...this.#pinned]
    this.#pinned.clear()
    for (const pit of pits) this.#pinned.add(pit)
    await Promise.all([this.#closing, this.#close(before.filter((pit) => !needed.has(pit)))])
  }

  /** Keeps all points in time for another while. */
  async keep(): Promise<void> {
    const pits = new Set([...this.#pinned, ...this.#all().flatMap(({ pit }) => pit ?? [])])
    const look = { size: 0, track_total_hits: false }
    await Promise.allSettled(Array.from(pits, (pit) => Reader.past(this.#server, '', pit).search(look)))
  }

  /** An index that was closed and opened again has lost its points in time. Where it is unchanged, new ones are as good. */
  async #probe(mark: Mark, shards: ReadonlyMap<string, Shard>, shape: Shape): Promise<void> {
    const there = [...mark.bases].filter(([key, base]) => isSame(base, shards.get(key)) && base.pit !== undefined)
    const look = { size: 0, track_total_hits: false }
    const lost = await Promise.all(
      there.map(async ([, base]) => {
        if (!isOpen(shape, base.index) || base.patch) return []
        return Reader.past(this.#server, base.index, base.pit)
          .search(look)
          .then(
            () => [],
            () => [base],
          )
      }),
    )
    await this.renew(lost.flat(), shards, shape)
  }

  /** Opens points in time of shards as they are, where the index is open. */
  async #open(
    bases: readonly Base[],
    shape: Shape,
    refreshed: ReadonlyMap<Base, unknown> = new Map(),
  ): Promise<ReadonlyMap<Base, string>> {
    const open = bases.filter(({ index }) => isOpen(shape, index))
    await this.#catalog.refresh(open.filter((base) => !refreshed.has(base)))
    const pits = open.map(async (base) => {
      return [base, await this.#server.openPit(base.index, base.shard, KEEP_ALIVE)] as const
    })
    return new Map(await Promise.all(pits))
  }

  #all(): Base[] {
    return [...new Set([...this.#marks].flatMap(({ bases }) => [...bases.values()]))]
  }

  async #close(pits: readonly string[]): Promise<void> {
    await Promise.all(pits.filter((pit) => !this.#pinned.has(pit)).map((pit) => this.#server.closePit(pit)))
  }
}

/** Whether a shard is as it was. */
export function isSame(base: Base, shard: Shard | undefined): boolean {
  return shard !== undefined && shard.uuid === base.uuid && shard.max === base.max
}

function isOpen({ indices }: Shape, index: string): boolean {
  const found = indices.get(index)
  return found !== undefined && !isClosed(found)
}
