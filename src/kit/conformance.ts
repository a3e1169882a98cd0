import assert from 'node:assert/strict'
import { VenomError } from '../errors.ts'
import type { Awaitable } from '../rollbackable.ts'
import { type Around, checks, type LawCheck, type Need } from './laws.ts'
import { onFresh, type Subject } from './subject.ts'

/** The name of a law. */
export type Law = keyof typeof checks

/** What `conformance` may be told. */
export interface ConformanceOptions {
  /** Laws that this system cannot keep, each with the reason that its users will read. They must fail. */
  readonly except?: Readonly<Partial<Record<Law, string>>>
  /** How many random programs are compared with the model. Default 50; `VENOMQA_FUZZ_RUNS` overrides it. */
  readonly runs?: number
  /** How long one law may take, in ms. Default 120000. */
  readonly timeout?: number
}

/** The `test` of any runner: Vitest, Jest, node:test. */
export type TestFunction = (name: string, body: () => Promise<void>, timeout?: number) => unknown

const laws: Readonly<Record<string, LawCheck>> = checks

/**
 * Registers one test for each law that every system keeps, on a fresh subject each. A law whose verb the subject does
 * not have has nothing to check: `lawsFor(subject)` lists those.
 *
 * A law in `except` is registered as `cannot: LAW, because REASON` and must fail, so that the limits a system names
 * stay true. Throws `BAD_ARGUMENT` for a name there that is no law.
 */
export function conformance(
  test: TestFunction,
  openSubject: () => Awaitable<Subject>,
  options: ConformanceOptions = {},
): void {
  const { except = {}, runs = 50, timeout = 120_000 } = options
  for (const name of Object.keys(except)) if (!Object.hasOwn(laws, name)) throw unknownLaw(name)
  const around: Around = { open: openSubject, except: new Set(Object.keys(except)), runs, timeout }
  for (const [name, law] of Object.entries(laws)) {
    const reason = except[name as Law]
    if (reason === undefined) test(name, () => keeps(law, around), timeout)
    else test(`cannot: ${name}, because ${reason}`, () => cannot(name, law, around), timeout)
  }
}

/** Which laws run for a subject, and which do not because it lacks what they need. */
export function lawsFor(subject: Subject): {
  readonly run: readonly Law[]
  readonly notRun: readonly { readonly law: Law; readonly needs: Need }[]
} {
  const run: Law[] = []
  const notRun: { law: Law; needs: Need }[] = []
  for (const [name, { needs }] of Object.entries(laws)) {
    if (has(subject, needs)) run.push(name as Law)
    else if (needs) notRun.push({ law: name as Law, needs })
  }
  return { run, notRun }
}

async function keeps(law: LawCheck, around: Around): Promise<void> {
  await onFresh(around.open, async (subject, world) => {
    if (has(subject, law.needs)) await law.check(subject, world, around)
  })
}

async function cannot(name: string, law: LawCheck, around: Around): Promise<void> {
  const able = await around.open()
  await able.dispose?.()
  assert.ok(
    has(able, law.needs),
    `The law "${name}" does not run here: the subject has no ${law.needs}. Delete the exception.`,
  )
  await assert.rejects(keeps(law, around), `The law "${name}" holds. Delete the exception.`)
}

function has(subject: Subject, needs: Need | undefined): boolean {
  switch (needs) {
    case undefined:
      return true
    case 'system.changes':
      return subject.system.changes !== undefined
    case 'system.observe':
      return subject.system.observe !== undefined
    case 'system.reset':
      return subject.system.reset !== undefined
    case "system.kind 'tree'":
      return subject.system.kind === 'tree'
    default:
      return subject[needs] !== undefined
  }
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
