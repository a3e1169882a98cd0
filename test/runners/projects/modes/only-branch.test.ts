import { branch, checkpoint, did, journey, step } from './world'

journey('one branch', () => {
  step('a step', did('shared with the only branch'))
  checkpoint('here')
  branch.only('the only branch', () => {
    step('its step', did('the only branch'))
  })
  branch('the other branch', () => {
    step('its step', did('the other branch'))
  })
  step('a last step', did('past the only branch'))
})
