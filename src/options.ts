import { inspect } from 'node:util'
import { VenomError } from './errors.ts'
import type { Rollbackable } from './rollbackable.ts'

const RESERVED = ['api', 'ctx', 'changes', 'signal', 'expect', 'task']

/** What each option of a world must be, in words, and whether something is that. */
const OPTIONS: Readonly<Record<string, readonly [must: string, is: (given: unknown) => boolean]>> = {
  systems: ['an object', () => true],
  api: ['a function', isFunction],
  context: ['a function', isFunction],
  observe: ['a function', isFunction],
  verify: ["'first', 'always' or 'off'", (given) => given === 'first' || given === 'always' || given === 'off'],
  afterRollback: ['a function', isFunction],
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
  const given = Object.entries(options ?? {}) as [name: string, value: unknown][]
  checkSystems(given.find(([name]) => name === 'systems')?.[1])
  for (const [name, value] of given) {
    const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined
    if (!option) {
      throw new VenomError(
        'BAD_ARGUMENT',
        `There is no option "${name}".\n` +
          'A misspelt option would do nothing, without a word.\n' +
          `These are the options: ${Object.keys(OPTIONS).join(', ')}.`,
      )
    }
    const [must, is] = option
    if (value === undefined || is(value)) continue
    throw new VenomError(
      'BAD_ARGUMENT',
      `${name} is ${inspect(value, { depth: 1 })}, and must be ${must}.\n` +
        'The world was defined with it.\n' +
        `Give ${must}, or leave ${name} out for what is usual.`,
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
