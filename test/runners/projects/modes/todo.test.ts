import { branch, checkpoint, did, journey, step } from './world'

journey.todo('a journey to write')

journey('todos', () => {
  step('a step', did('before todos'))
  checkpoint('here')
  branch.todo('a branch to write')
  branch('with a step to write', () => {
    step('its step', did('before a step to write'))
    step.todo('to write')
    step('after it', did('after a step to write'))
  })
  branch('written', () => {
    step('its step', did('beside todos'))
  })
})
