import { describe, test } from 'vitest'
import { branch, checkpoint, journey as trip, step } from './world'

trip('shop', () => {
  step('sign up', () => {})
  checkpoint('signed up')
  branch('buy', () => {
    step('order', () => {})
    checkpoint('ordered')
    branch('pay', () => {
      step('pay', () => {})
    })
    branch.each(['card', 'cash'])('pay by %s', (how) => {
      step(`pay by ${how}`, () => {})
    })
    branch.todo('invoice')
  })
  branch.skip('leave', { from: 'signed up' }, () => {
    step('leave', () => {})
  })
})

trip('one line', () => {
  step('a step', () => {})
})

trip.each([1, 2])('case %d', () => {
  step('a step', () => {})
})

describe('outer', () => {
  trip('inside', () => {
    step('a step', () => {})
  })
  test('a plain test', () => {})
})
