import { branch, checkpoint, did, journey, step } from './world'

journey.skip('a skipped journey', () => {
  step('a step', did('a skipped journey'))
})

journey('skips', () => {
  step('a step', did('before skips'))
  checkpoint('here')
  branch.skip('a skipped branch', () => {
    step('its step', did('a skipped branch'))
    checkpoint('deeper')
    branch('below a skipped branch', () => {
      step('its step', did('below a skipped branch'))
    })
  })
  branch('with a skipped step', () => {
    step.skip('not now', did('a skipped step'))
    checkpoint('after the skipped step')
    branch('depends on it', () => {
      step('its step', did('depends on a skipped step'))
    })
    step('depends on it as well', did('depends on a skipped step as well'))
  })
  branch('without', () => {
    step('its step', did('beside skips'))
  })
})
