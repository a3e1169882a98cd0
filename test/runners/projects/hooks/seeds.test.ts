import { afterAll, beforeAll, describe, expect } from 'vitest'
import { branch, checkpoint, journey, step, store, test, trace } from './world'

const found = (what: string) => (): void => trace(`${what} finds ${[...store.keys()].join(' ')}`)
const adds = (what: string) => (): void => {
  found(what)()
  store.set(what, 'done')
}

describe('seeded', () => {
  beforeAll(() => void store.set('seed', '1'))
  afterAll(() => void store.delete('seed'))

  journey('in a describe', () => {
    step('one', adds('s1'))
    checkpoint('here')
    branch('left', () => void step('left', adds('s2')))
    branch('right', () => void step('right', adds('s3')))
  })
  test('a plain test', ({ db }) => {
    adds('plain')()
    expect(db.get('seed')).toBe('1')
  })
  describe('deeper', () => {
    beforeAll(() => void store.set('deep', '1'))
    afterAll(() => void store.delete('deep'))
    journey('in a describe in a describe', () => {
      step('one', adds('d1'))
      checkpoint('here')
      branch('left', () => void step('left', adds('d2')))
      branch('right', () => void step('right', adds('d3')))
    })
    journey('of one line', () => void step('one', adds('d4')))
  })
})

journey('without the seed', () => {
  step('one', adds('w1'))
})
