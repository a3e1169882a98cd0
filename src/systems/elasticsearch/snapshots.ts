import { VenomError } from '../../errors.ts'
import { type Http, part } from './http.ts'
import { type Bases, isSameIndex, type Mark } from './marks.ts'
import type { Shape } from './catalog.ts'
import type { Plan } from './plan.ts'
import type { Repository } from './repository.ts'
import { same } from './same.ts'

/** An index, or a data stream with all its indices: what comes back as one. */
interface Unit {
  readonly name: string
  readonly indices: readonly string[]
}

/** Snapshots of what changed at marks, by which data streams come back too. */
export class Snapshots {
  readonly #http: Http
  readonly #repository: Repository
  readonly #prefix: string
  readonly #bases: Bases
  #made = 0

  constructor(http: Http, repository: Repository, prefix: string, bases: Bases) {
    this.#http = http
    this.#repository = repository
    this.#prefix = prefix
    this.#bases = bases
  }

  /** Takes one snapshot of all that is not as at another mark. */
  async keep(mark: Mark, like: Mark | undefined): Promise<void> {
    const changed: Unit[] = []
    for (const unit of unitsOf(mark.shape)) {
      const isKnown = like !== undefined && isSameUnit(unit, mark, like)
      for (const name of unit.indices) {
        const known = like?.copies.get(name)
        if (isKnown && known !== undefined) mark.copies.set(name, known)
      }
      if (!isKnown) changed.push(unit)
    }
    if (changed.length === 0) return
    const name = `${this.#prefix}${(this.#made += 1)}`
    for (const index of changed.flatMap(({ indices }) => indices)) mark.copies.set(index, name)
    await this.#repository.take(
      name,
      changed.map((unit) => unit.name),
    )
  }

  /** Throws `MARK_LOST` when somebody deleted what a plan needs. */
  async require(mark: Mark, plan: Plan): Promise<void> {
    const needed = bySnapshot(mark, plan)
    if (needed.size === 0) return
    const names = new Set(await this.#repository.names())
    for (const name of needed.keys()) if (!names.has(name)) throw snapshotGone(mark.name, name)
  }

  /** Deletes what must come back as a whole, and brings it back. */
  async restore(mark: Mark, plan: Plan, now: Shape): Promise<void> {
    for (const name of plan.again) {
      if (now.streams.has(name)) await this.#http.ask('DELETE', `/_data_stream/${part(name)}`)
    }
    const gone = new Set([...now.streams.values()].flatMap(({ indices }) => indices))
    const indices = plan.again.flatMap((name) => mark.shape.streams.get(name)?.indices ?? [])
    for (const name of [...plan.recopy, ...indices]) {
      if (now.indices.has(name) && !gone.has(name)) await this.#http.ask('DELETE', `/${part(name)}`)
    }
    for (const [snapshot, names] of bySnapshot(mark, plan)) await this.#repository.restore(snapshot, names)
  }

  /** Deletes the snapshots that no mark needs. */
  async drop(marks: readonly Mark[]): Promise<void> {
    await this.#repository.delete(this.#bases.unneeded(marks))
  }
}

function unitsOf({ indices, streams }: Shape): readonly Unit[] {
  const inStreams = new Set([...streams.values()].flatMap((stream) => stream.indices))
  const alone = [...indices.keys()].filter((name) => !inStreams.has(name))
  return [...streams.values(), ...alone.map((name) => ({ name, indices: [name] }))]
}

function isSameUnit({ name, indices }: Unit, mark: Mark, like: Mark): boolean {
  return (
    same(mark.shape.streams.get(name), like.shape.streams.get(name)) &&
    indices.every((index) => like.copies.has(index) && isSameIndex(index, mark, like))
  )
}

/** What must come back, by the name of the snapshot that has it. */
function bySnapshot({ copies, shape }: Mark, { recopy, again }: Plan): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>()
  for (const unit of [...recopy, ...again]) {
    const snapshot = copies.get(shape.streams.get(unit)?.indices[0] ?? unit)
    if (snapshot !== undefined) names.set(snapshot, [...(names.get(snapshot) ?? []), unit])
  }
  return names
}

function snapshotGone(mark: string, snapshot: string): VenomError {
  return new VenomError(
    'MARK_LOST',
    `elasticsearch: the snapshot "${snapshot}" of the checkpoint "${mark}" is gone.\n` +
      'Somebody deleted it, or the repository "venomqa-snapshots". Nothing was touched.\n' +
      'Leave both alone while a world is open.',
  )
}
