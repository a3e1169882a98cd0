import { beforeEach } from 'vitest'
import { branch, checkpoint, did, journey, step, store, trace } from './world'

beforeEach(() => trace(`reading hook finds ${[...store.keys()].join(' ')}`))

journey('a hook reads', () => {
  step('one', did('read one'))
  checkpoint('here')
  branch('left', () => void step('left', did('read left')))
  branch('right', () => void step('right', did('read right')))
})
