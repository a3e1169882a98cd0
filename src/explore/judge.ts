import type { Finding, Oracle } from './findings.ts'
import type { Call } from './graph.ts'
import { hint } from './hint.ts'
import type { Look } from './identity.ts'
import type { Done, Live } from './live.ts'
import type { Severity } from './model.ts'
import { type Difference, differences, line } from './why.ts'

/** One step as it was made. */
export interface Fact {
  readonly call: Call
  readonly done: Done
  readonly before: Pick<Look, 'systems' | 'raw'>
  /** None when the action failed. */
  readonly after: Look | undefined
  /** Whether the same call led to the state that it was made in. */
  readonly again: boolean
}

/** Says which rules do not hold: the one judge of search, shrinking, replay and corpus. */
export class Judge {
  readonly #live: Live

  constructor(live: Live) {
    this.#live = live
  }

  /** What is wrong with the initial state. */
  initial(observed: Look): Promise<Finding[]> {
    return this.#invariants(observed)
  }

  /** What is wrong with a step and the state that it led to. */
  async step(fact: Fact): Promise<Finding[]> {
    const { call, done, before, after } = fact
    if (!after) return [finding('action', call.action, 'high', done.error ?? 'failed')]
    const findings = this.#oracles(fact, after)
    const { actions, invariants } = this.#live.rules
    if (actions.get(call.action)?.ensure) {
      const reason = await this.#live.ensured(call, done, before)
      if (reason !== undefined) findings.push(finding('ensure', call.action, 'high', reason))
    }
    if (invariants.size > 0) findings.push(...(await this.#invariants(after, call.action)))
    return findings
  }

  /** A finding of `oracle`, unless it is off. */
  oracle(oracle: Oracle, message: string): Finding[] {
    const level = this.#live.rules.levels[oracle]
    return level === 'off' ? [] : [{ kind: 'oracle', name: oracle, severity: 'high', message, level }]
  }

  /** The same call in the same state led to two states, or was answered in two ways. */
  nondeterminism(call: Call, [first, second]: readonly [was: Answered, is: Answered]): Finding[] {
    const [was, is] = [answerOf(first.done), answerOf(second.done)]
    if (was === is) return this.oracle('nondeterminism', ledElsewhere(call, whatDiffers(first.data, second.data)))
    // No normaliser helps here: the answers would still be two.
    const found = differences(first.data, second.data)
    const where = found.length > 0 ? `; ${firstOf(found)}` : ''
    const forget =
      'If the application remembers what was undone, as in a cache: afterRollback is where it is told to forget.'
    const text = `it ${was}, then it ${is}${where}. ${forget}`
    return this.oracle('nondeterminism', ledElsewhere(call, text))
  }

  /** After everything was rolled back, the initial state is not what it was. */
  leak(first: unknown, second: unknown): Finding[] {
    const message = `The rollback to the initial state did not bring it back: ${whatDiffers(first, second)}`
    return this.oracle('rollbackLeak', message)
  }

  #oracles({ call, done, before, again }: Fact, after: Look): Finding[] {
    const { status } = done
    const { traits } = this.#live.rules.actions.get(call.action) ?? {}
    const moved = after.systems !== before.systems
    const found: Finding[] = []
    if (status !== undefined && status >= 500) {
      found.push(...this.oracle('serverError', `${call.action} was answered with ${status}`))
    } else if (done.outcome === 'rejected' && moved) {
      found.push(...this.oracle('rejectionMutates', `${call.action} was refused with ${status} and changed the state`))
    }
    if (traits?.readonly && moved) {
      found.push(...this.oracle('readonlyMutates', `${call.action} says that it is readonly and changed the state`))
    }
    if (traits?.idempotent && again && moved) {
      found.push(
        ...this.oracle('idempotence', `${call.action} says that twice is once, and the second changed the state`),
      )
    }
    return found
  }

  async #invariants(observed: Look, action?: string): Promise<Finding[]> {
    const broken = await this.#live.broken(observed, action)
    return [...broken].map(([name, message]) => {
      const severity = this.#live.rules.invariants.get(name)?.severity ?? 'high'
      return finding('invariant', name, severity, message)
    })
  }
}

/** What a call did, and the normalised state that it led to. */
interface Answered {
  readonly done: Done
  readonly data: unknown
}

function answerOf({ outcome, status, error }: Done): string {
  if (outcome === 'failed') return `failed (${error})`
  return status === undefined ? `was ${outcome}` : `was answered with ${status}`
}

export function ledElsewhere({ action }: Call, text: string): string {
  return `${action} led elsewhere when it was done again in the same state: ${text}`
}

/** Where two states differ first, and the normaliser that would make them equal. */
export function whatDiffers(first: unknown, second: unknown): string {
  const found = differences(first, second)
  const [one] = found
  return one ? `${firstOf(found)}.${hint(one, found)}` : 'another state'
}

function firstOf(found: readonly Difference[]): string {
  return `${line(found[0]!)}${found.length > 1 ? ` and ${found.length - 1} more` : ''}`
}

function finding(kind: Finding['kind'], name: string, severity: Severity, message: string): Finding {
  return { kind, name, severity, message, level: 'error' }
}
