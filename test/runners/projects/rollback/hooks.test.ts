import { beforeAll, beforeEach, describe, test } from 'vitest'
import { store, trace, useRollback } from './world'

describe('in its scope', () => {
  const world = useRollback()
  beforeAll(() => void store.set('seeded', '1'))
  beforeEach(() => {
    world.db.set('before', '1')
    world.ctx.log.push('before')
  })
  test('one', () => void world.db.set('one', '1'))
  test('two', () => trace(`useRollback finds ${[...store.keys()].join(' ')}, ${world.ctx.log.join(' ')}`))
})
describe('outside', () => {
  test('three', () => trace(`outside finds ${[...store.keys()].join(' ')}`))
})
