import { expect, test as plain } from 'vitest'
import { test } from './world'

plain('a plain test', () => {
  expect({ plain: 1 }).toMatchSnapshot()
})
test('a rolled back test', ({ expect }) => {
  expect({ rolled: 1 }).toMatchSnapshot()
})
