import { expect, test } from 'vitest'
import { titleOf } from '../../src/journey/title.ts'

// That these are the names which Vitest gives, too, is tested where Vitest runs: test/runners/vitest/modes.test.ts.
test.each<[title: string, args: readonly unknown[], becomes: string]>([
  ['%s and %d', ['a', 1], 'a and 1'],
  ['%i of %f', ['1.9', '2.50'], '1 of 2.5'],
  ['%j', [{ a: 1 }], '{"a":1}'],
  ['%o', [{ a: [1] }], '{ a: [ 1 ] }'],
  ['%s only', ['x', 'y'], 'x only'],
  ['%s and %s', ['x'], 'x and %s'],
  ['number %#', [], 'number 3'],
  ['number %$', [], 'number 4'],
  ['100%%', [], '100%'],
  ['100%', [], '100%'],
  ['$name is $age', [{ name: 'ada', age: 36 }], 'ada is 36'],
  ['$user.name', [{ user: { name: 'ada' } }], 'ada'],
  ['$user.nobody', [{ user: {} }], '$user.nobody'],
  ['$tags $none', [{ tags: ['a'], none: null }], "[ 'a' ] null"],
  ['$name', ['not an object'], '$name'],
  ['%s', [undefined], 'undefined'],
  ['%s', [Symbol('s')], 'Symbol(s)'],
])('%s', (title, args, becomes) => {
  expect(titleOf(title, args, 3)).toBe(becomes)
})
