import type { PathOutcome } from '../journey/limbs.ts'
import type { ExplorationStory } from './exploration.ts'

/** Why a test failed, as its runner tells it. */
export interface Failure {
  /** With the path, as the runner prints it. */
  readonly message: string
  /** The difference that an assertion shows. */
  readonly diff?: string
  /** The user's line: `test/shop.test.ts:12:3`. */
  readonly place?: string
}

/** A path with why it failed. */
export interface ReportedPath extends PathOutcome {
  readonly failures: readonly Failure[]
}

/** A test that is no path: an exploration, or any other. */
export interface ReportedTest {
  readonly name: string
  readonly outcome: 'passed' | 'failed'
  readonly failures: readonly Failure[]
  readonly exploration?: ExplorationStory
}

/** One test file. */
export interface ReportedFile {
  readonly file: string
  /** The paths of each journey, in the order of the file. */
  readonly journeys: readonly (readonly ReportedPath[])[]
  readonly tests: readonly ReportedTest[]
}

/** What a run came to, from whatever runner. */
export interface RunReport {
  readonly files: readonly ReportedFile[]
  readonly ended: Date
}

/** Why an exploration failed beside what it reports itself. */
export function otherFailures({ failures, exploration }: ReportedTest): readonly Failure[] {
  return failures.filter(({ message }) => exploration === undefined || !message.includes(exploration.text))
}

/** A run in one line: `3 paths, 1 failed · 2 explorations · 14 other tests`. */
export function totalsOf({ files }: RunReport): string {
  const tests = files.flatMap((file) => file.tests)
  return [
    countText(
      files.flatMap(({ journeys }) => journeys.flat()),
      'path',
    ),
    countText(
      tests.filter(({ exploration }) => exploration),
      'exploration',
    ),
    countText(
      tests.filter(({ exploration }) => !exploration),
      'other test',
    ),
  ]
    .filter((part) => part !== undefined)
    .join(' · ')
}

/** `3 paths, 1 failed, 1 skipped`; undefined for none. */
export function countText(
  list: readonly { readonly outcome: PathOutcome['outcome'] }[],
  noun: string,
): string | undefined {
  if (list.length === 0) return undefined
  const parts = [`${list.length} ${noun}${list.length === 1 ? '' : 's'}`]
  for (const outcome of ['failed', 'skipped', 'todo', 'not run'] as const) {
    const count = list.filter((one) => one.outcome === outcome).length
    if (count > 0) parts.push(`${count} ${outcome}`)
  }
  return parts.join(', ')
}
