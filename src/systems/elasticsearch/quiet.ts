import { VenomError } from '../../errors.ts'
import type { Http } from './http.ts'
import { OURS, type Scope } from './scope.ts'

// Taken at load, so that a runner's fake timers never stop us.
const { setTimeout } = globalThis
const clock = performance.now.bind(performance)

/** One write that runs. */
interface Task {
  readonly action: string
  readonly description?: string
  readonly running_time_in_nanos?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** Waits for moments in which nobody writes. */
export class Quiet {
  readonly #http: Http
  readonly #scope: Scope
  readonly #settle: number
  readonly #isAlias: (name: string) => boolean

  /** `isAlias` says whether a name stands for an index that is looked after. */
  constructor(http: Http, scope: Scope, settle: number, isAlias: (name: string) => boolean) {
    this.#http = http
    this.#scope = scope
    this.#settle = settle
    this.#isAlias = isAlias
  }

  /** A moment in which no write was running. Says whether it was the first one. Throws `NOT_QUIET`. */
  async moment(what: string): Promise<boolean> {
    let isFirst = true
    const deadline = clock() + this.#settle
    for (;;) {
      const { nodes } = await this.#http.ask<{ nodes: Record<string, { tasks: Record<string, Task> }> }>(
        'GET',
        '/_tasks?actions=indices:data/write/*&detailed=true',
      )
      const tasks = Object.values(nodes).flatMap(({ tasks: some }) => Object.values(some))
      const ours = tasks.find((task) => this.#concerns(task))
      if (!ours) return isFirst
      isFirst = false
      if (clock() >= deadline) throw notQuiet(what, ours, this.#settle)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** A write says where it goes: `requests[3], indices[orders, stock]`. One that does not may go anywhere. */
  #concerns({ description = '' }: Task): boolean {
    const named = [...description.matchAll(/\[([^\]]*)\]/g)].flatMap(([, names = '']) => names.split(/, ?/))
    const names = named.filter((name) => name !== '' && !/^\d+$/.test(name) && !name.startsWith(OURS))
    return named.length === 0 || names.some((name) => this.#isAlias(name) || this.#scope.meets(name))
  }
}

function notQuiet(
  what: string,
  { action, description = '', running_time_in_nanos = 0, headers }: Task,
  settle: number,
): VenomError {
  const who = headers?.['X-Opaque-Id']
  const age = Math.round(running_time_in_nanos / 1e6)
  return new VenomError(
    'NOT_QUIET',
    `elasticsearch: ${what}: a write is running, and was after ${settle} ms too: ${action} ${description.slice(0, 200)}` +
      `${who === undefined ? '' : ` of ${who}`}, for ${age} ms.\n` +
      'Its later documents would land in the next branch: a bulk is not atomic.\n' +
      'Await it in the step that began it, or wait longer: elasticsearch(url, { settle: 10_000 }).',
    { retryable: true },
  )
}
