import { aFunction, checkEach, type Given, type Kind } from '../options.ts'
import { isPlain } from './canonical.ts'
import { LEVELS, SEVERITIES } from './findings.ts'

const EXPLORATION: Given = {
  of: ' of an exploration',
  means: 'An exploration that goes by it would see nothing, or never end, without a word.',
}

const anything: Kind = ['anything', () => true]
const aText: Kind = ['a text', (given) => typeof given === 'string']
const aSwitch: Kind = ['true or false', (given) => typeof given === 'boolean']
const anObject: Kind = ['an object', (given) => Object(given) === given && !Array.isArray(given)]
const aCount: Kind = ['a number from 0 up', (given) => typeof given === 'number' && given >= 0]
const aShare: Kind = ['a number from 0 to 1', (given) => aCount[1](given) && (given as number) <= 1]
const names: Kind = ['an array of names', Array.isArray]
const oneOf = (...words: readonly string[]): Kind => [
  `one of ${words.join(', ')}`,
  (given) => words.includes(given as string),
]

/** What each option of an exploration must be, in words, and whether something is that. */
const OPTIONS: Readonly<Record<string, Kind>> = {
  name: aText,
  strategy: ['a name, or an object with kind or next(frontier)', (given) => aText[1](given) || anObject[1](given)],
  seed: ['a whole number', Number.isInteger],
  maxDepth: aCount,
  budget: anObject,
  stopOn: oneOf('first', 'never', ...SEVERITIES),
  only: names,
  except: names,
  oracles: anObject,
  audit: aCount,
  shrink: aSwitch,
  normalize: ['a function or an array of those', (given) => [given].flat().every((one) => typeof one === 'function')],
  actionTimeout: aCount,
  maxMarks: aCount,
  coverageGoal: anObject,
  replay: aText,
  corpus: ['the path of a folder', aText[1]],
  journey: anObject,
  write: names,
  onProgress: aFunction,
  signal: ['an AbortSignal', (given) => anObject[1](given) && 'aborted' in (given as object)],
}

/** The same for what is in those that are objects. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  budget: {
    time: ['a time from 0 ms up', (given) => aText[1](given) || aCount[1](given)],
    steps: aCount,
    states: aCount,
  },
  oracles: Object.fromEntries(Object.keys(LEVELS).map((name) => [name, oneOf('error', 'warn', 'off')])),
  coverageGoal: { actions: aShare, transitions: aShare },
  journey: { world: aText, model: aText, folder: aText },
}

/** The same for the strategies that have options. */
const STRATEGIES: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  walk: { length: aCount, swarm: aSwitch },
  hybrid: { slack: aCount },
  mcts: { exploration: aCount, reward: aFunction },
}

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
const TRAITS: Readonly<Record<string, Kind>> = { readonly: aSwitch, idempotent: aSwitch }
const INVARIANT: Readonly<Record<string, Kind>> = {
  check: aFunction,
  severity: oneOf(...SEVERITIES),
  message: anything,
}

/** Throws `BAD_ARGUMENT` for a part of a model that is misspelt: without its rules, an exploration passes every state. */
export function checkModel(model: { readonly actions?: object; readonly invariants?: object }): void {
  checkEach(model, MODEL, EXPLORATION)
  for (const [name, action] of partsOf(model.actions)) {
    checkEach(action, ACTION, { ...EXPLORATION, prefix: `actions.${name}.` })
    const { traits } = action as { traits?: object }
    if (traits) checkEach(traits, TRAITS, { ...EXPLORATION, prefix: `actions.${name}.traits.` })
  }
  for (const [name, invariant] of partsOf(model.invariants)) {
    checkEach(invariant, INVARIANT, { ...EXPLORATION, prefix: `invariants.${name}.` })
  }
}

/** Those that are written as objects: an instance of a class may have members of its own. */
function partsOf(all: object = {}): [string, object][] {
  return Object.entries(all).filter(([, part]) => Object(part) === part && isPlain(part as object))
}

/** Throws `BAD_ARGUMENT` for an option that is misspelt, and for one that would let an exploration pass that saw nothing. */
export function checkOptions(options: object): void {
  checkEach(options, OPTIONS, EXPLORATION)
  const { strategy, ...others } = options as Readonly<Record<string, unknown>>
  for (const [name, kinds] of Object.entries(GROUPS)) {
    checkEach(Object(others[name] ?? {}) as object, kinds, { ...EXPLORATION, prefix: `${name}.` })
  }
  const { kind } = Object(strategy) as { kind?: string }
  if (kind !== undefined && kind in STRATEGIES) {
    checkEach(strategy as object, { kind: anything, ...STRATEGIES[kind] }, { ...EXPLORATION, prefix: 'strategy.' })
  }
}
