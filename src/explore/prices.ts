type Move = 'action' | 'rollback' | 'checkpoint'

/** What the ways to move cost here, in ms: the median of the last three times, so that a pause of the machine is no price. */
export class Prices {
  readonly #last: Readonly<Record<Move, number[]>> = {
    action: [1, 1, 1],
    rollback: [1, 1, 1],
    checkpoint: [1, 1, 1],
  }
  #since = 0

  get action(): number {
    return median(this.#last.action)
  }

  get rollback(): number {
    return median(this.#last.rollback)
  }

  /** Lower the longer ago the last one was: it may have become cheap, and a trial now and then shows it. */
  get checkpoint(): number {
    return median(this.#last.checkpoint) - TRIALS * this.#since
  }

  /** Does `work` and learns from how long it took. */
  async paid<T>(what: Move, work: () => Promise<T>): Promise<T> {
    const started = performance.now()
    const result = await work()
    const took = performance.now() - started
    this.#last[what].shift()
    this.#last[what].push(took)
    this.#since = what === 'checkpoint' ? 0 : this.#since + took
    return result
  }
}

/** The share of the time that trials may cost. */
const TRIALS = 0.02

function median([a = 0, b = 0, c = 0]: readonly number[]): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
}
