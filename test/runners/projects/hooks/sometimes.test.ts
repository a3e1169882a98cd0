import { beforeEach } from 'vitest'
import { branch, checkpoint, did, journey, step, store } from './world'

let tests = 0
beforeEach(() => {
  if (++tests === 2) store.set('sometimes', 'wrote')
})

journey('a hook writes sometimes', () => {
  step('one', did('sometimes one'))
  checkpoint('here')
  branch('left', () => void step('left', did('sometimes left')))
  branch('right', () => void step('right', did('sometimes right'))) // here: HOOK_WROTE
  branch('third', () => void step('third', did('sometimes third')))
})
