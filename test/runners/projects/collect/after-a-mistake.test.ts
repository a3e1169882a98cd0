import { expect, test } from 'vitest'
import { journey, step, trace } from './world'

// What a mistake leaves behind must not leak into what comes after it.
test('mistakes are thrown', () => {})
try {
  journey('broken', () => {
    throw new Error('broken')
  })
} catch {
  trace('caught')
}
journey('sound', () => void step('one', () => trace('sound')))
test('outside again', () => expect(() => step('x', () => {})).toThrow('stands outside a journey'))
