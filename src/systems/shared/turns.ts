import { VenomError } from '../../errors.ts'

// Taken at load, so that a runner's fake timers never stop us.
const { clearTimeout, setTimeout } = globalThis

/** Who has the one connection, as messages name it. */
export interface Holder {
  /** What it does with it: the statement, or that a transaction is open. */
  doing: string
}

interface Waiting {
  readonly holder: Holder
  readonly go: () => void
}

/**
 * Who may speak on the one connection: a statement for itself, or a transaction from its begin to its end. All others
 * wait, in the order they came.
 */
export class Turns {
  readonly #waiting: Waiting[] = []
  #holder: Holder | undefined

  /** Whose turn it is. */
  get holder(): Holder | undefined {
    return this.#holder
  }

  /** Waits for the turn, unless `holder` has it; false when that took `patience` ms. */
  async take(holder: Holder, patience: number): Promise<boolean> {
    if (this.#holder === undefined) this.#holder = holder
    if (this.#holder === holder) return true
    return new Promise((resolve) => {
      const waiting = { holder, go: () => (clearTimeout(timer), resolve(true)) }
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        resolve(false)
      }, patience)
      this.#waiting.push(waiting)
    })
  }

  /** Does `work` in a turn of its own; answers who has the turn when waiting for it took `patience` ms. */
  async alone<T>(holder: Holder, patience: number, work: () => Promise<T>): Promise<T | Holder> {
    if (!(await this.take(holder, patience))) return this.#holder ?? holder
    try {
      return await work()
    } finally {
      this.give(holder)
    }
  }

  /** Ends the turn of `holder`, if it is its turn. */
  give(holder: Holder): void {
    if (this.#holder !== holder) return
    const next = this.#waiting.shift()
    this.#holder = next?.holder
    next?.go()
  }
}

/** A statement waited too long for its turn. */
export function locked(system: string, waiting: Holder, holder: Holder | undefined, patience: number): VenomError {
  return new VenomError(
    'LOCKED',
    `${system}: ${waiting.doing} waited ${patience / 1000} s, since ${holder?.doing ?? 'something else'} has the shared connection.\n` +
      'With one connection, what runs beside an open transaction waits for its end; a transaction that itself waits for a query outside of it waits for ever.\n' +
      'Run every query of a transaction on its own client, or choose the way that leaves the application its connections.',
    { retryable: true },
  )
}
