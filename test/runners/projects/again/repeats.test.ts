import { describe } from 'vitest'
import { branch, checkpoint, did, journey, step } from './world'

describe('repeated', { repeats: 2 }, () => {
  journey('repeats', () => {
    step('a step', did('repeated start'))
    checkpoint('here')
    branch('left', () => {
      step('left', did('left'))
      checkpoint('at the end')
    })
    branch('right', () => {
      step('right', did('right'))
    })
  })
  journey('one line', () => {
    step('one', did('one'))
    checkpoint('one done')
    step('two', did('two'))
  })
})

describe('with a time-out of its own', { timeout: 30, retry: 1 }, () => {
  journey('takes', () => {
    step('a step', did('x'))
    checkpoint('there')
    branch('too long', () => {
      step('waits', () => new Promise((resolve) => setTimeout(resolve, 60)))
    })
  })
})
