import assert from 'node:assert/strict'
import { VenomError } from '../errors.ts'
import type { Awaitable } from '../rollbackable.ts'
import { onFresh } from './fresh.ts'
import { type Around, has, type Law, type Need } from './law.ts'
import { type LawName, laws } from './laws.ts'
import type { Subject } from './subject.ts'

/** What `conformance` may be told. */
export interface ConformanceOptions {
  /** Laws that this system cannot keep, each with the reason that its users will read. They must fail. */
  readonly except?: Readonly<Partial<Record<LawName, string>>>
  /** How many random programs are compared with the model. Default 100; `VENOMQA_FUZZ_RUNS` overrides it, without a time limit. */
  readonly runs?: number
  /** How long one law may take, in ms. Default 120000. */
  readonly timeout?: number
}

/** The `test` of any runner: Vitest, Jest, node:test. */
export type TestFunction = (name: string, body: (...context: unknown[]) => Promise<void>, timeout?: number) => unknown

const DAY = 86_400_000

/**
 * Registers one test for each law that every system keeps, on a fresh subject each.
 *
 * A law whose verb the subject does not have is skipped where the runner's context has `skip` (Vitest, node:test) and
 * has nothing to check elsewhere; `lawsFor(subject)` lists those. A law in `except` is registered as
 * `cannot: LAW, because REASON` and must fail, so that the limits a system names stay true.
 *
 * Throws `BAD_ARGUMENT` for a name in `except` that is no law. The random programs need fast-check (`DRIVER_MISSING`);
 * their seed is in the failure, and `VENOMQA_SEED` runs it again.
 */
export function conformance(
  test: TestFunction,
  openSubject: () => Awaitable<Subject>,
  { except = {}, runs = 100, timeout = 120_000 }: ConformanceOptions = {},
): void {
  for (const name of Object.keys(except)) if (!Object.hasOwn(laws, name)) throw unknownLaw(name)
  const fuzzRuns = Number(process.env['VENOMQA_FUZZ_RUNS'] ?? 0)
  const around: Around = {
    open: openSubject,
    except: new Set(Object.keys(except)),
    runs: fuzzRuns || runs,
    timeout: fuzzRuns ? DAY : timeout,
  }
  for (const [name, law] of lawList()) {
    const reason = except[name]
    const body = reason === undefined ? keeps(law, around) : cannot(name, law, around)
    const title = reason === undefined ? name : `cannot: ${name}, because ${reason}`
    // Bound, since Vitest reads the parameters in a function's text, and Jest waits for a callback where there are any.
    test(title, body.bind(undefined), around.timeout)
  }
}

/** Which laws run for a subject, and which do not because it lacks what they need. */
export function lawsFor(subject: Subject): {
  readonly run: readonly LawName[]
  readonly notRun: readonly { readonly law: LawName; readonly needs: Need }[]
} {
  const run: LawName[] = []
  const notRun: { law: LawName; needs: Need }[] = []
  for (const [law, { needs }] of lawList()) {
    if (needs === undefined || has(subject, needs)) run.push(law)
    else notRun.push({ law, needs })
  }
  return { run, notRun }
}

function lawList(): [LawName, Law][] {
  return Object.entries<Law>(laws) as [LawName, Law][]
}

function keeps(law: Law, around: Around): (...context: unknown[]) => Promise<void> {
  return async (...context) => {
    let missing: Need | undefined
    await onFresh(around.open, async (subject, world) => {
      if (has(subject, law.needs)) await law.check(subject, world, around)
      else missing = law.needs
    })
    if (missing) skip(context[0], `the subject has no ${missing}`)
  }
}

/** The law must fail, and by itself: not because it does not run here, nor because nothing does. */
function cannot(name: string, law: Law, around: Around): () => Promise<void> {
  return async () => {
    await onFresh(around.open, async (subject) => {
      if (!has(subject, law.needs))
        assert.fail(`The law does not run here, since the subject has no ${law.needs}. Delete the exception.`)
    })
    try {
      await keeps(law, around)()
    } catch {
      return
    }
    assert.fail(`The law holds: ${name}. Delete the exception.`)
  }
}

/** Tells the runner, where its context can be told: Vitest's is a function with members, node:test's an object. */
function skip(context: unknown, why: string): void {
  const { skip: said } = Object(context) as { readonly skip?: unknown }
  if (typeof said === 'function') said.call(context, why)
}

function unknownLaw(name: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `"${name}" in except is no law.\n` +
      'An exception must name a law that exists, else it would excuse nothing.\n' +
      `These are the laws:\n${Object.keys(laws)
        .map((law) => `  ${law}`)
        .join('\n')}`,
  )
}
