import { aFunction, checkEach, type Given, type Kind } from '../options.ts'
import { isPlain } from './canonical.ts'
import { LEVELS } from './findings.ts'

const EXPLORATION: Given = {
  of: ' of an exploration',
  means: 'An exploration that goes by it would see nothing, or never end, without a word.',
}

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
  checkEach(model, MODEL, EXPLORATION)
  const { actions, invariants } = model as Readonly<Record<string, object | undefined>>
  for (const [name, action] of Object.entries(actions ?? {})) {
    // An instance of a class may have members of its own.
    if (!isPlain(action)) continue
    checkEach(action, ACTION, { ...EXPLORATION, prefix: `actions.${name}.` })
    const { traits } = action as { traits?: object }
    if (traits) checkEach(traits, TRAITS, { ...EXPLORATION, prefix: `actions.${name}.traits.` })
  }
  for (const [name, invariant] of Object.entries(invariants ?? {})) {
    if (isPlain(invariant)) checkEach(invariant, INVARIANT, { ...EXPLORATION, prefix: `invariants.${name}.` })
  }
}

/** Throws `BAD_ARGUMENT` for an option that is misspelt, and for one that would let an exploration pass that saw nothing. */
export function checkOptions(options: object): void {
  for (const [name, given] of Object.entries(options) as [string, unknown][]) {
    if (given === undefined) continue
    const group = Object.hasOwn(GROUPS, name) ? GROUPS[name] : undefined
    if (group) checkEach(Object(given) as object, group, { ...EXPLORATION, prefix: `${name}.` })
    else checkEach({ [name]: given }, OPTIONS, { ...EXPLORATION, others: Object.keys(GROUPS) })
  }
}
