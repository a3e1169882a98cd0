import { type Image, kindOf, sameImage } from './image.ts'

/** A state the keys were in, as the keys that differ from the state before it. */
export interface Moment {
  readonly parent: Moment | null
  readonly depth: number
  /** When it was taken, on the clock of {@link Clock}. */
  readonly time: number
  readonly changed: ReadonlyMap<string, Turn>
  /** The server's functions, as FUNCTION DUMP gives them; null where there are none to keep. */
  readonly libraries: Buffer | null
}

/** What one key was and became. */
interface Turn {
  readonly before: Image | null
  readonly after: Image | null
}

interface Node extends Moment {
  readonly parent: Node | null
  children: number
  released: boolean
}

/** What a key is to become; null for gone. */
export type Images = Map<string, Image | null>

/**
 * The states that can be returned to: a tree, of which each edge holds the keys that changed along it.
 * Going from one state to another costs what differs between them, whatever the number of keys.
 *
 * Pure: it never talks to a server.
 */
export class History {
  /** Every key as it is in the state we are at. */
  readonly present = new Map<string, Image>()
  /** The streams among them: tracking does not see what consumer groups do. */
  readonly streams = new Set<string>()
  /** The keys that were set since whoever observes them emptied this. */
  readonly touched = new Set<string>()
  #at: Node

  constructor(base: ReadonlyMap<string, Image>, time: number, libraries: Buffer | null) {
    this.#at = { parent: null, depth: 0, time, changed: new Map(), libraries, children: 0, released: false }
    for (const [key, image] of base) this.#set(key, image)
  }

  /** The state we are at: what changed since is not ours to know. */
  get at(): Moment {
    return this.#at
  }

  /** Remembers a state that differs from the present one in `images`, and is at it. */
  advance(images: ReadonlyMap<string, Image | null>, time: number, libraries: Buffer | null): Moment {
    const changed = new Map<string, Turn>()
    for (const [key, after] of images) {
      const before = this.present.get(key) ?? null
      if (sameImage(before, after)) continue
      changed.set(key, { before, after })
      this.#set(key, after)
    }
    const parent = this.#at
    parent.children += 1
    this.#at = { parent, depth: parent.depth + 1, time, changed, libraries, children: 0, released: false }
    return this.#at
  }

  /** The keys that differ between the present state and `to`, as they are at `to`. */
  between(to: Moment): Images {
    const images: Images = new Map()
    const down: Moment[] = []
    let from: Moment = this.#at
    let goal = to
    while (from !== goal) {
      if (from.depth >= goal.depth) {
        for (const [key, turn] of from.changed) images.set(key, turn.before)
        from = parentOf(from)
      } else {
        down.push(goal)
        goal = parentOf(goal)
      }
    }
    for (const moment of down.reverse()) for (const [key, turn] of moment.changed) images.set(key, turn.after)
    return images
  }

  /** Is at `to`: the server's keys were made so. */
  arrive(to: Moment): void {
    for (const [key, image] of this.between(to)) this.#set(key, image)
    this.#at = to as Node
  }

  /**
   * Forgets a state nobody will return to. When we are at it, we step back to the one before and the
   * answer is the keys in which the server differs from that.
   */
  release(moment: Moment): readonly string[] {
    const stale: string[] = []
    let node = moment as Node
    node.released = true
    while (node.released && node.children === 0 && node.parent) {
      if (node === this.#at) {
        for (const [key, turn] of node.changed) {
          stale.push(key)
          this.#set(key, turn.before)
        }
        this.#at = node.parent
      }
      node = node.parent
      node.children -= 1
    }
    return stale
  }

  #set(key: string, image: Image | null): void {
    this.touched.add(key)
    if (image === null) this.present.delete(key)
    else this.present.set(key, image)
    if (image !== null && kindOf(image) === 'stream') this.streams.add(key)
    else this.streams.delete(key)
  }
}

function parentOf(moment: Moment): Moment {
  if (moment.parent === null) throw new Error('two states of different histories')
  return moment.parent
}
