import { branch, checkpoint, did, journey, step } from './world'

journey.skipIf(true)('skipIf(true)', () => {
  step('a step', did('skipIf(true)'))
})
journey.runIf(true)('runIf(true)', () => {
  step('a step', did('runIf(true)'))
})
journey('conditions', () => {
  step.skipIf(false)('a step', did('skipIf(false)'))
  checkpoint('here')
  branch.runIf(false)('runIf(false)', () => {
    step('its step', did('runIf(false)'))
  })
  branch('a step', () => {
    step.runIf(0)('runs only if', did('step.runIf(0)'))
  })
  branch.skipIf('')('skipIf(empty)', () => {
    step('its step', did('skipIf(empty)'))
  })
})
