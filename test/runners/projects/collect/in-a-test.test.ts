import { test } from 'vitest'
import { journey, step } from './world'

test('a test', () => {
  journey('inside', () => void step('one', () => {})) // here
})
