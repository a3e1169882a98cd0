import { types } from 'node:util'
import { canonical } from './canonical.ts'
import type { Graph } from './graph.ts'
import { isTime } from './normalize.ts'
import { membersOf } from './place.ts'
import { shortened } from './why.ts'

/** One place of what is observed that makes states new. */
export interface Culprit {
  /** As `drop()` takes it: `db.orders.*.token`. */
  readonly place: string
  /** What is another one each time: the value there, or the names of what is in it. */
  readonly what: 'values' | 'names'
  /** How many different ones were seen. */
  readonly count: number
  readonly example: string
  /** What takes it out, as code for `normalize`. */
  readonly normalize: string
}

/** That states became ever more, since what is observed keeps being new. */
export interface Explosion {
  readonly code: 'STATE_EXPLOSION'
  readonly states: number
  /** In how many of them the culprits were counted. */
  readonly sampled: number
  /** The worst first. */
  readonly culprits: readonly Culprit[]
  /** For people. */
  readonly text: string
}

/** Fewer states are no explosion, whatever is in them; where some were never reached again, a few tell enough. */
const LEAST_STATES = 50
const LEAST_WHEN_LOST = 10
/** How many of the transitions lead to a new state, at least. */
const LEAST_NEW = 1 / 3
/** How many states are looked at, evenly taken from all. */
const SAMPLE = 200
/** A place is to blame that had so many different values; where two of them grow beside each other, the root of all states. */
const LEAST_VALUES = 10
const SHOWN = 3

/** What was seen at one place of all states. */
interface Place {
  /** How often the place was there. */
  seen: number
  readonly values: Map<string, unknown>
  /** How many of the values were there in the first state: what is always there makes nothing new. */
  first: number
  readonly inner: Map<string, Place>
}

/** Why states became ever more; undefined where no place of them can be blamed. `isLost`: some could not be reached again. */
export function explosionOf({ states, transitions }: Graph, isLost: boolean): Explosion | undefined {
  if (states.length < (isLost ? LEAST_WHEN_LOST : LEAST_STATES)) return undefined
  if (!isLost && states.length < transitions * LEAST_NEW) return undefined
  const root = emptyPlace()
  const step = Math.max(1, states.length / SAMPLE)
  let sampled = 0
  for (let at = 0; at < states.length; at += step) {
    const data = states[Math.floor(at)]!.look?.data
    if (data === undefined) continue
    sampled += 1
    add(root, data, sampled === 1)
  }
  const found = culpritsIn(root, '', Math.max(LEAST_VALUES, Math.sqrt(sampled)))
  const culprits = found.toSorted((a, b) => b.count - a.count).slice(0, SHOWN)
  const [worst] = culprits
  if (!worst) return undefined
  const text = [
    `STATE_EXPLOSION: ${states.length} states in ${transitions} transitions, and no end in sight: what is observed keeps being new.`,
    ...culprits.map(
      ({ place, what, count, example }) =>
        `  ${place} had ${count} different ${what} in ${sampled} states, such as ${example}`,
    ),
    'A time, a token, a random id or a counter makes every state a new one, in which everything is tried again.',
    `If it does not matter, take it out: normalize: [${worst.normalize}]. If it does, bound it: \`when\` or maxPerPath of the action, or maxDepth.`,
  ].join('\n')
  return { code: 'STATE_EXPLOSION', states: states.length, sampled, culprits, text }
}

function emptyPlace(): Place {
  return { seen: 0, values: new Map(), first: 0, inner: new Map() }
}

function add(place: Place, value: unknown, isFirst: boolean): void {
  place.seen += 1
  const members = membersOf(value)
  if (members.length === 0) place.values.set(canonical(value), value)
  if (isFirst) place.first = place.values.size
  const isList = Array.isArray(value) || types.isSet(value)
  for (const [member, inside] of members) {
    const name = isList ? '*' : member
    const inner = place.inner.get(name) ?? emptyPlace()
    place.inner.set(name, inner)
    add(inner, inside, isFirst)
  }
}

function culpritsIn({ seen, values, first, inner }: Place, place: string, least: number): Culprit[] {
  const found: Culprit[] = []
  if (values.size - first >= least) {
    const normalize = [...values.values()].every(isTime) ? 'time()' : `drop('${place}')`
    found.push({ place, what: 'values', count: values.size, example: shortened([...values.keys()].at(-1)!), normalize })
  }
  const fleeting = [...inner].filter(([, at]) => at.seen < seen)
  if (fleeting.length >= least) {
    // With ever other names, what stands under each says nothing more.
    const normalize = '(data) => …, a function of yours that gives them names of their own'
    return [
      ...found,
      { place, what: 'names', count: fleeting.length, example: shortened(fleeting.at(-1)![0]), normalize },
    ]
  }
  for (const [name, at] of inner) found.push(...culpritsIn(at, place === '' ? name : `${place}.${name}`, least))
  return found
}
