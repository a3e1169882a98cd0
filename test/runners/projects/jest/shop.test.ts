import { afterAll, beforeEach, describe, expect, jest, test as jestTest } from '@jest/globals'
import { branch, checkpoint, did, journey, step, store, test, trace, useRollback } from './world'

afterAll(() => trace(`left ${[...store.keys()].join(' ')}`))

journey('snapshots', () => {
  const shared = step('shared', ({ db, expect }) => {
    db.set('shared', 'done')
    expect([...db.keys()]).toMatchSnapshot()
    return { size: db.size }
  })
  checkpoint('here')
  branch('left', () => void step('its step', ({ expect }) => expect(shared.value).toMatchSnapshot()))
  branch('right', () => void step('its step', ({ expect }) => expect(shared.value).toMatchSnapshot()))
})

journey('assertions', () => {
  step('promises one', () => {
    expect.assertions(1)
    expect(1).toBe(1)
  })
  checkpoint('here')
  branch('sound', () => void step('none', () => {}))
  branch('too few', () => {
    step('promises two', () => {
      expect.assertions(2)
      expect(1).toBe(1)
    })
  })
})

journey('clock', () => {
  step('is frozen', () => void jest.useFakeTimers())
  checkpoint('frozen')
  branch('goes on', () => void step('its step', did('frozen'), { timeout: 1000 }))
  step('is free again', () => void jest.useRealTimers())
})

journey('skips at run time', () => {
  step('not here', ({ skip }) => skip('no such feature'))
})

test('a test is rolled back', ({ db }) => {
  expect(db.size).toBe(0)
  db.set('test', 'done')
})
test.each([1, 2])('case %d is rolled back', ({ db }, n) => {
  expect(db.size).toBe(0)
  db.set(`case ${n}`, 'done')
})
test.failing('a failing test is rolled back', ({ db }) => {
  db.set('failing', 'done')
  throw new Error('as wanted')
})
test('a slow test', async ({ db }) => {
  await new Promise((resolve) => setTimeout(resolve, 120))
  db.set('late', 'write')
}, 40)
test('the test after a slow one sees nothing of it', ({ db }) => expect([...db.keys()]).toEqual([]))
test.todo('a test to write')

describe('hooks', () => {
  const world = useRollback()
  beforeEach(() => void world.db.set('hook', 'done'))
  jestTest('a plain test', () => expect([...world.db.keys()]).toEqual(['hook']))
  jestTest('another plain test', () => expect([...world.db.keys()]).toEqual(['hook']))
})

describe('a hook that writes', () => {
  beforeEach(() => void store.set('seed', 'done'))
  journey('seeded', () => {
    step('a step', did('seeded'))
    checkpoint('here')
    branch('left', () => void step('left', did('left')))
    branch('right', () => void step('right', did('right')))
  })
})
