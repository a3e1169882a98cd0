import { expect } from 'vitest'
import { branch, checkpoint, did, journey, step, trace } from './world'

journey('soft', () => {
  step('a step', did('soft'))
  checkpoint('here')
  branch('in a shared step', () => {
    step('fails softly', ({ expect }) => {
      trace('fails softly')
      expect.soft(1).toBe(2) // here: soft
      expect.soft('a').toBe('b') // here: soft two
    })
    step('goes on', did('goes on'))
    checkpoint('after it')
    branch('one', () => void step('its step', did('one')))
    branch('two', () => void step('its step', did('two')))
  })
  branch('with the global expect', () => {
    step('fails softly', () => {
      expect.soft(3).toBe(4) // here: soft global
    })
    step('goes on', did('goes on globally'))
  })
  branch('sound', () => void step('its step', did('sound')))
})
