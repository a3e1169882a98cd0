import { describe, expect } from 'vitest'
import { branch, checkpoint, did, journey, step } from './world'

describe('outer', () => {
  journey('shop', () => {
    step('sign up', (world) => {
      did('signup')(world)
      expect({ user: 1 }).toMatchSnapshot()
      expect({ user: 2 }).toMatchSnapshot()
      expect({ mail: 1 }).toMatchSnapshot('mail')
    })
    checkpoint('signed up')
    branch('buy', () => {
      step('order', (world) => {
        did('order')(world)
        world.expect({ order: 1 }).toMatchSnapshot()
      })
      checkpoint('ordered')
      branch('pay', () => {
        step('pay', ({ expect }) => {
          expect({ paid: 1 }).toMatchSnapshot()
          expect({ inline: 1 }).toMatchInlineSnapshot()
        })
      })
      branch('cancel', () => {
        step('cancel', async ({ expect }) => {
          expect({ cancelled: 1 }).toMatchSnapshot()
          await expect('the whole file').toMatchFileSnapshot('cancel.txt')
        })
      })
    })
    branch('leave', () => {
      step('leave', ({ expect }) => {
        expect(() => {
          throw new Error('left')
        }).toThrowErrorMatchingSnapshot()
      })
    })
  })
})
