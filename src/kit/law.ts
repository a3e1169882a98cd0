import type { Awaitable, Rollbackable } from '../rollbackable.ts'
import type { StoreWorld, Subject } from './subject.ts'

type Verb =
  | 'fail'
  | 'other'
  | 'begin'
  | 'crash'
  | 'connections'
  | 'reshape'
  | 'create'
  | 'generate'
  | 'expire'
  | 'leftovers'

const systemNeeds = {
  'system.changes': ({ changes }: Rollbackable) => changes !== undefined,
  'system.observe': ({ observe }: Rollbackable) => observe !== undefined,
  'system.reset': ({ reset }: Rollbackable) => reset !== undefined,
  "system.kind 'tree'": ({ kind }: Rollbackable) => kind === 'tree',
}
type SystemNeed = keyof typeof systemNeeds

/** What some laws need: an optional verb of the subject, or an optional member of its system. */
export type Need = Verb | SystemNeed

/** One law: what it needs, and the check that throws when it does not hold. */
export interface Law {
  readonly needs?: Need
  readonly check: (subject: Subject, world: StoreWorld, around: Around) => Promise<void>
}

/** What a law may use beside its subject and world. */
export interface Around {
  readonly open: () => Awaitable<Subject>
  /** The laws that are declared not to hold. */
  readonly except: ReadonlySet<string>
  /** How many random programs run. */
  readonly runs: number
  /** How long the law may take, in ms. */
  readonly timeout: number
}

/** A law for subjects that have `verb`: it is never called for others. */
export function needing<V extends Verb>(
  verb: V,
  check: (subject: Subject & Required<Pick<Subject, V>>, world: StoreWorld, around: Around) => Promise<void>,
): Law {
  return { needs: verb, check: (subject, ...rest) => check(subject as Subject & Required<Pick<Subject, V>>, ...rest) }
}

/** Whether `subject` has what a law needs. */
export function has(subject: Subject, needs: Need | undefined): boolean {
  if (needs === undefined) return true
  return isSystemNeed(needs) ? systemNeeds[needs](subject.system) : subject[needs] !== undefined
}

function isSystemNeed(needs: Need): needs is SystemNeed {
  return Object.hasOwn(systemNeeds, needs)
}
