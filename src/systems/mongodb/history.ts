import type { Timestamp } from 'mongodb'

/** A piece of the server's history between two of our states, and whether it leads away from their common ancestor or to the mark. */
export interface Stretch {
  readonly after: Timestamp
  /** Undefined for the present. */
  readonly upTo: Timestamp | undefined
  readonly way: 'up' | 'down'
}

/** A state that was remembered: a time, and how it was come to. */
export class Moment {
  readonly name: string
  readonly parent: Moment | undefined
  /** The parent's state was that of `from`; what happened from then to `born` led here. */
  readonly from: Timestamp
  readonly born: Timestamp
  /** A time at which the state was this one, for reads in the past: it moves on when we are back here. */
  at: Timestamp
  /** How often it was gone back to since `at`. */
  returns = 0

  constructor(name: string, born: Timestamp, parent?: Moment, from: Timestamp = born) {
    this.name = name
    this.born = born
    this.at = born
    this.parent = parent
    this.from = from
  }
}

/** Which moments there are, and where in their tree the present is. */
export class History {
  readonly #live = new Set<Moment>()
  /** At `since` the state was that of `moment`; all that is later belongs to the present branch. */
  #head: { readonly moment: Moment; readonly since: Timestamp } | undefined

  /** Remembers the present. */
  mark(name: string, now: Timestamp): Moment {
    const moment = new Moment(name, now, this.#head?.moment, this.#head?.since)
    this.#live.add(moment)
    this.#head = { moment, since: now }
    return moment
  }

  /** Notes that the state is that of `moment` again. */
  arrive(moment: Moment, since: Timestamp): void {
    this.#head = { moment, since }
  }

  forget(moment: Moment): void {
    this.#live.delete(moment)
  }

  /** The moments that may still be gone to. */
  get live(): Iterable<Moment> {
    return this.#live
  }

  /** The history from the present to a moment: back up to the common ancestor, then down from there. In the order of its time. */
  path(to: Moment): readonly Stretch[] {
    const here = lineOf(this.#head?.moment)
    const there = lineOf(to)
    const known = new Set(there)
    const meet = here.find((moment) => known.has(moment))
    const upTo = (line: readonly Moment[], way: 'up' | 'down'): Stretch[] =>
      line
        .slice(0, meet ? line.indexOf(meet) : line.length)
        .map(({ from, born }) => ({ after: from, upTo: born, way }))
        .toReversed()
    const since = this.#head?.since ?? to.at
    return joined([...upTo(here, 'up'), { after: since, upTo: undefined, way: 'up' }, ...upTo(there, 'down')])
  }
}

/** Stretches that follow on each other are read as one, and those in which there is no time not at all. */
function joined(path: readonly Stretch[]): readonly Stretch[] {
  const stretches: Stretch[] = []
  for (const stretch of path) {
    const last = stretches.at(-1)
    if (stretch.upTo?.equals(stretch.after)) continue
    if (last?.way === stretch.way && last.upTo?.equals(stretch.after)) {
      stretches.splice(-1, 1, { ...stretch, after: last.after })
    } else stretches.push(stretch)
  }
  return stretches
}

function lineOf(moment: Moment | undefined): readonly Moment[] {
  const line: Moment[] = []
  for (let at = moment; at; at = at.parent) line.push(at)
  return line
}
