import { inspect } from 'node:util'
import { isPlain } from './canonical.ts'
import { VenomError } from '../errors.ts'
import { LEVELS } from './findings.ts'

type Kind = readonly [must: string, is: (given: unknown) => boolean]

const anything: Kind = ['anything', () => true]
const aCount: Kind = ['a number from 0 up', (given) => typeof given === 'number' && given >= 0]
const aShare: Kind = ['a number from 0 to 1', (given) => typeof given === 'number' && given >= 0 && given <= 1]
const names: Kind = ['an array of names', Array.isArray]
const oneOf = (...words: readonly string[]): Kind => [
  `one of ${words.join(', ')}`,
  (given) => words.includes(given as string),
]

/** What each option of an exploration must be, in words, and whether something is that. */
const OPTIONS: Readonly<Record<string, Kind>> = {
  name: anything,
  strategy: anything,
  seed: ['a whole number', Number.isInteger],
  maxDepth: aCount,
  stopOn: oneOf('first', 'never', 'critical', 'high', 'medium', 'low'),
  only: names,
  except: names,
  audit: aCount,
  shrink: anything,
  normalize: anything,
  actionTimeout: aCount,
  maxMarks: aCount,
  replay: anything,
  corpus: anything,
  journey: anything,
  write: names,
  onProgress: anything,
  signal: anything,
}

const GROUPS: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  budget: {
    time: ['a time from 0 ms up', (given) => typeof given === 'string' || aCount[1](given)],
    steps: aCount,
    states: aCount,
  },
  oracles: Object.fromEntries(Object.keys(LEVELS).map((name) => [name, oneOf('error', 'warn', 'off')])),
  coverageGoal: { actions: aShare, transitions: aShare },
}

const aFunction: Kind = ['a function', (given) => typeof given === 'function']
const anObject: Kind = ['an object', (given) => typeof given === 'object' && given !== null]

/** What a model has, and each of its actions and invariants. */
const MODEL: Readonly<Record<string, Kind>> = { actions: anObject, invariants: anObject }
const ACTION: Readonly<Record<string, Kind>> = {
  params: anObject,
  samples: aCount,
  when: aFunction,
  run: aFunction,
  ensure: aFunction,
  traits: anObject,
  maxPerPath: aCount,
  weight: aCount,
  tags: names,
}
const TRAITS: Readonly<Record<string, Kind>> = { readonly: anything, idempotent: anything }
const INVARIANT: Readonly<Record<string, Kind>> = {
  check: aFunction,
  severity: oneOf('critical', 'high', 'medium', 'low'),
  message: anything,
}

/** Throws `BAD_ARGUMENT` for a part of a model that is misspelt: without its rules, an exploration passes every state. */
export function checkModel(model: object): void {
  checkEach('', model, MODEL)
  const { actions, invariants } = model as Readonly<Record<string, object | undefined>>
  for (const [name, action] of Object.entries(actions ?? {})) {
    // An instance of a class may have members of its own.
    if (!isPlain(action)) continue
    checkEach(`actions.${name}.`, action, ACTION)
    const { traits } = action as { traits?: object }
    if (traits) checkEach(`actions.${name}.traits.`, traits, TRAITS)
  }
  for (const [name, invariant] of Object.entries(invariants ?? {})) {
    if (isPlain(invariant)) checkEach(`invariants.${name}.`, invariant, INVARIANT)
  }
}

/** Throws `BAD_ARGUMENT` for an option that is misspelt, and for one that would let an exploration pass that saw nothing. */
export function checkOptions(options: object): void {
  for (const [name, given] of Object.entries(options) as [string, unknown][]) {
    if (given === undefined) continue
    const group = Object.hasOwn(GROUPS, name) ? GROUPS[name] : undefined
    if (group) checkEach(`${name}.`, Object(given) as object, group)
    else checkEach('', { [name]: given }, OPTIONS, Object.keys(GROUPS))
  }
}

function checkEach(
  prefix: string,
  options: object,
  kinds: Readonly<Record<string, Kind>>,
  others: readonly string[] = [],
): void {
  for (const [name, given] of Object.entries(options) as [string, unknown][]) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
    if (kind && (given === undefined || kind[1](given))) continue
    throw new VenomError(
      'BAD_ARGUMENT',
      kind
        ? `${prefix}${name} is ${inspect(given, { depth: 1 })}, and must be ${kind[0]}.\n` +
            'An exploration that goes by it would see nothing, or never end, without a word.\n' +
            `Give ${kind[0]}, or leave ${prefix}${name} out for what is usual.`
        : `There is no option "${prefix}${name}" of an exploration.\n` +
            'A misspelt option would do nothing, without a word.\n' +
            `These are the options: ${[...Object.keys(kinds), ...others].map((known) => prefix + known).join(', ')}.`,
    )
  }
}
