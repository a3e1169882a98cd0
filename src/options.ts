import { inspect } from 'node:util'
import { VenomError } from './errors.ts'
import type { Rollbackable } from './rollbackable.ts'

const RESERVED = ['api', 'ctx', 'changes', 'signal', 'expect', 'task']

/** What something must be, in words, and whether it is that. */
export type Kind = readonly [must: string, is: (given: unknown) => boolean]

export const aFunction: Kind = ['a function', isFunction]

const OPTIONS: Readonly<Record<string, Kind>> = {
  systems: ['an object', () => true],
  api: aFunction,
  context: aFunction,
  observe: aFunction,
  verify: ["'first', 'always' or 'off'", (given) => given === 'first' || given === 'always' || given === 'off'],
  afterRollback: aFunction,
  logs: [
    'the path of a file, a stream, a child process, an array or function of those',
    (given) => isFunction(given) || Object(given) === given || typeof given === 'string',
  ],
  grace: ['a number of milliseconds', (given) => typeof given === 'number' && given >= 0],
  slow: ['a number of milliseconds', (given) => typeof given === 'number' && given >= 0],
  worker: ['an object', (given) => typeof given === 'object'],
}

/** Throws `NO_SYSTEMS`, `NAME_TAKEN` or `BAD_ARGUMENT` unless a world can be made of `options`. */
export function checkOptions(options: object | undefined): void {
  checkSystems((options as { readonly systems?: unknown } | undefined)?.systems)
  checkEach(options ?? {}, OPTIONS, { means: 'The world was defined with it.' })
}

/** Where options are given, for messages. */
export interface Given {
  /** What it means when one is not what it must be. */
  readonly means: string
  /** What they are options of, at the end of a sentence: ` of an exploration`. */
  readonly of?: string
  /** What stands before their names: `budget.` */
  readonly prefix?: string
}

/** Throws `BAD_ARGUMENT` for an option that there is not, and for one that is not what it must be. */
export function checkEach(
  options: object,
  kinds: Readonly<Record<string, Kind>>,
  { means, of = '', prefix = '' }: Given,
): void {
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
    if (!kind) {
      throw new VenomError(
        'BAD_ARGUMENT',
        `There is no option "${prefix}${name}"${of}.\n` +
          'A misspelt option would do nothing, without a word.\n' +
          `These are the options: ${Object.keys(kinds)
            .map((known) => prefix + known)
            .join(', ')}.`,
      )
    }
    const [must, is] = kind
    if (value === undefined || is(value)) continue
    throw new VenomError(
      'BAD_ARGUMENT',
      `${prefix}${name} is ${inspect(value, { depth: 1 })}, and must be ${must}.\n` +
        `${means}\n` +
        `Give ${must}, or leave ${prefix}${name} out for what is usual.`,
    )
  }
}

function checkSystems(given: unknown): void {
  const systems = Object(given ?? {}) as Readonly<Record<string, unknown>>
  if (isFunction(systems['checkpoint'])) {
    throw new VenomError(
      'BAD_ARGUMENT',
      'systems is a system itself, not an object of systems by their names.\n' +
        'Steps find each system under the name that it has there.\n' +
        'Give it a name: systems: { db: … }.',
    )
  }
  const names = Object.keys(systems)
  if (names.length === 0) {
    throw new VenomError(
      'NO_SYSTEMS',
      'The world has no systems, so nothing could be rolled back.\n' +
        'Every branch would run on what the branch before it left behind.\n' +
        "Name each backend that the application uses: systems: { db: sqlite('test.db') }; state in this process is one too: memory(map).",
    )
  }
  for (const name of names) {
    if (RESERVED.includes(name)) {
      throw new VenomError(
        'NAME_TAKEN',
        `A system cannot be called "${name}": steps find something else under that name.\n` +
          `These names are taken: ${RESERVED.join(', ')}.\n` +
          'Rename it where the world is defined.',
      )
    }
    const system = systems[name] as Partial<Rollbackable> | undefined
    if (typeof system?.checkpoint !== 'function' || typeof system.rollback !== 'function') {
      throw new VenomError(
        'BAD_ARGUMENT',
        `The system "${name}" has no ${typeof system?.checkpoint === 'function' ? 'rollback(mark)' : 'checkpoint(name)'}.\n` +
          'A system is an object that can remember its state and put it back.\n' +
          'Pass one of ours, such as memory(map), or an object with checkpoint(name) and rollback(mark).',
      )
    }
  }
}

function isFunction(given: unknown): boolean {
  return typeof given === 'function'
}
