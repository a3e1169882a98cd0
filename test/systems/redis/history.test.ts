import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { History, type Moment } from '../../../src/systems/redis/history.ts'
import type { Image } from '../../../src/systems/redis/image.ts'

type Step =
  | { readonly do: 'write'; readonly key: string; readonly value: number }
  | { readonly do: 'advance' }
  | { readonly do: 'return' | 'release'; readonly which: number }

const key = fc.constantFrom('a', 'b', 'c')
const which = fc.nat(20)
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), key, value: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.constant({ do: 'advance' as const }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('return' as const), which }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), which }) },
  ),
  { maxLength: 60, size: 'max' },
)

test('a tree of states is a set of copies, whatever is written, returned to and released', () => {
  fc.assert(
    fc.property(steps, (program) => follow(program)),
    { numRuns: 500 },
  )
})

/** The store is a Map; the model is a copy of it for each state. */
function follow(program: readonly Step[]): void {
  const store = new Map<string, Image>()
  const dirty = new Set<string>()
  const history = new History(new Map(), 0, null)
  let moments: { moment: Moment; copy: Map<string, Image> }[] = [{ moment: history.at, copy: new Map() }]
  for (const step of program) {
    if (step.do === 'write') {
      if (step.value === 0) store.delete(step.key)
      else store.set(step.key, image(step.value))
      dirty.add(step.key)
    } else if (step.do === 'advance') {
      const images = new Map([...dirty].map((name) => [name, store.get(name) ?? null]))
      moments.push({ moment: history.advance(images, 0, null), copy: new Map(store) })
      dirty.clear()
    } else {
      const chosen = moments[step.which % moments.length] as (typeof moments)[number]
      if (step.do === 'release') {
        if (chosen === moments[0]) continue
        moments = moments.filter((other) => other !== chosen)
        for (const name of history.release(chosen.moment)) dirty.add(name)
      } else {
        const between = history.between(chosen.moment)
        for (const name of dirty) if (!between.has(name)) between.set(name, history.present.get(name) ?? null)
        for (const [name, wanted] of between) {
          if (wanted) store.set(name, wanted)
          else store.delete(name)
        }
        history.arrive(chosen.moment)
        dirty.clear()
        assert.deepEqual(plain(store), plain(chosen.copy))
      }
    }
    const known = new Map(history.present)
    for (const name of dirty) known.delete(name)
    for (const [name, present] of known) assert.deepEqual(store.get(name), present, 'the present is not what is there')
  }
}

function image(value: number): Image {
  return { payload: Buffer.from([0, value]), deadline: null }
}

function plain(store: ReadonlyMap<string, Image>): Record<string, number | undefined> {
  return Object.fromEntries([...store].map(([name, { payload }]) => [name, payload[1]]))
}
