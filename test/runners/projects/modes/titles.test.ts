import { describe, test } from 'vitest'
import { journey, step } from './world'

// The same cases named by Vitest and by us: the names must be the same.
const names: [title: string, cases: readonly unknown[]][] = [
  ['%s and %d', [['a', 1], ['b', 2.5]]],
  ['%i %f %j', [['1.9', '2.50', { a: 1 }]]],
  ['%o', [{ a: { b: { c: 1 } } }]],
  ['%O', [[['x', 1]]]],
  ['%#: %s', ['x', 'y']],
  ['%s only once', [['x', 'y']]],
  ['%$: %s', ['x', 'y']],
  ['$name $age', [{ name: 'ada', age: 36 }]],
  ['$tags $map $nothing', [{ tags: ['a'], map: { b: 1 }, nothing: null }]],
  ['%s', [null, undefined, 0, Number.NaN]],
  ['costs 5$ and 10%', ['x']],
]

for (const [i, [name, cases]] of names.entries()) {
  describe(`vitest ${i}`, () => test.each(cases as never)(name, () => {}))
  describe(`ours ${i}`, () => journey.each(cases as never)(name, () => void step('a step', () => {})))
}
