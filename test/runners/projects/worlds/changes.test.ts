import { expect } from 'vitest'
import { branch, checkpoint, journey, step, test } from './world'

const keys = (changes: { db: readonly { key?: string }[] }): unknown[] => changes.db.map(({ key }) => key)

journey('changes', () => {
  step('one', async ({ db, changes }) => {
    db.set('one', '1')
    expect(keys(await changes())).toEqual(['one'])
  })
  checkpoint('here')
  branch('left', () => {
    step('two', async ({ db, changes }) => {
      db.set('two', '2')
      expect(keys(await changes())).toEqual(['two'])
    })
    checkpoint('left')
    branch('three', () => {
      step('three', async ({ db, changes }) => {
        db.set('three', '3')
        expect(keys(await changes())).toEqual(['three'])
      })
    })
    branch('four', () => {
      step('four', async ({ db, changes }) => {
        db.set('four', '4')
        expect(keys(await changes())).toEqual(['four'])
      })
    })
  })
  branch('right', () => {
    step('five', async ({ db, changes }) => {
      db.set('five', '5')
      expect(keys(await changes())).toEqual(['five'])
    })
    step('six, with a retry', { retry: 1 }, async ({ db, changes }) => {
      db.set('six', '6')
      expect(keys(await changes())).toEqual(['five', 'six'])
    })
  })
})

test('a plain test', async ({ db, changes }) => {
  expect(keys(await changes())).toEqual([])
  db.set('x', '1')
  expect(keys(await changes())).toEqual(['x'])
})
