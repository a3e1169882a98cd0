/** What the ways to move cost here, in ms. */
export class Prices {
  readonly #prices = { action: new Price(), rollback: new Price(), checkpoint: new Price() }
  #since = 0

  get action(): number {
    return this.#prices.action.median
  }

  get rollback(): number {
    return this.#prices.rollback.median
  }

  /** Lower the longer ago the last one was: it may have become cheap, and a trial now and then shows it. */
  get checkpoint(): number {
    return this.#prices.checkpoint.median - TRIALS * this.#since
  }

  /** Learns what it took, when it began at `started` and has ended now. */
  paid(what: 'action' | 'rollback' | 'checkpoint', started: number): void {
    const took = performance.now() - started
    this.#prices[what].add(took)
    this.#since = what === 'checkpoint' ? 0 : this.#since + took
  }
}

/** The share of the time that trials may cost. */
const TRIALS = 0.02

/** The median of the last three times, so that a pause of the machine is no price. At first nothing is known: 1 ms. */
class Price {
  #third = 1
  #second = 1
  #last = 1

  add(took: number): void {
    this.#third = this.#second
    this.#second = this.#last
    this.#last = took
  }

  get median(): number {
    const [a, b, c] = [this.#third, this.#second, this.#last]
    return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
  }
}
