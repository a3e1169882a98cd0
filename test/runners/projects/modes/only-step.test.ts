import { branch, checkpoint, did, journey, step } from './world'

journey('one step', () => {
  step('a step', did('shared with the only step'))
  checkpoint('here')
  branch('through it', () => {
    step.only('its step', did('the only step'))
    checkpoint('after it')
    branch('on the left', () => {
      step('left', did('left of the only step'))
    })
    branch('on the right', () => {
      step('right', did('right of the only step'))
    })
  })
  branch('not through it', () => {
    step('its step', did('another step'))
  })
})
