import { expectTypeOf, test } from 'vitest'
import { journey, step } from './world'

test('refs', () => {
  journey('typed', () => {
    const ref = step('a number', () => 1)
    expectTypeOf(ref.value).toEqualTypeOf<number>()
  })
})

test('a mistake', () => {
  journey('typed wrongly', () => {
    const ref = step('a number', () => 1)
    expectTypeOf(ref.value).toEqualTypeOf<string>() // here: mistake
  })
})
