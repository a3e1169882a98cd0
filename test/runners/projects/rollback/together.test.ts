import { expect, test as plain } from 'vitest'
import { branch, checkpoint, did, journey, step, store, test } from './world'

journey('first journey', () => {
  step('one', did('j1'))
  checkpoint('here')
  branch('left', () => void step('left', did('j2')))
  branch('right', () => void step('right', did('j3')))
})
plain('a test of Vitest itself', () => expect([...store.keys()]).toEqual([]))
test('a test of the world', ({ db }) => {
  expect([...db.keys()]).toEqual([])
  db.set('x', '1')
})
journey('second journey', () => void step('one', did('j4')))
journey('third journey', () => void step('one', did('j5')))
plain('a last test', () => expect([...store.keys()]).toEqual([]))
