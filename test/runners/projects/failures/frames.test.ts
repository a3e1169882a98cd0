import { expect } from 'vitest'
import { isTwo } from './helper'
import { branch, checkpoint, did, journey, step, test } from './world'

journey('frames', () => {
  step('a step', did('frames'))
  checkpoint('here')
  branch('an assertion', () => {
    step('fails', ({ db }) => {
      expect(db.size).toBe(7) // here: assertion
    })
  })
  branch('after an await', () => {
    step('fails', async ({ expect }) => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      expect({ a: 1 }).toEqual({ a: 2 }) // here: await
    })
  })
  branch('in a helper', () => {
    step('fails', () => {
      isTwo(1) // here: helper
    })
  })
  branch('a rejection', () => {
    step('fails', async () => {
      await expect(Promise.resolve(1)).rejects.toThrow('x') // here: rejects
    })
  })
  branch('with a cause', () => {
    step('fails', () => {
      throw new Error('outer', { cause: new Error('inner') }) // here: cause
    })
  })
  branch('a ref off its path', () => {
    const ref = step('later', () => {
      return ref.value // here: ref
    })
  })
  branch('after writing', () => {
    step('writes', ({ db }) => {
      db.set('frames', 'changed')
      db.set('new', 'x')
      throw new TypeError('it broke') // here: wrote
    })
  })
})

test('a plain test', ({ db }) => {
  expect(db.size).toBe(9) // here: plain
})
