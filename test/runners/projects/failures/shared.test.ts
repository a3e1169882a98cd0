import { branch, checkpoint, did, journey, step, trace } from './world'

journey('shared', () => {
  step('a step', did('shared'))
  checkpoint('here')
  branch('sound', () => {
    step('its step', did('sound'))
  })
  branch('rotten', () => {
    step('breaks', () => {
      trace('breaks')
      throw new Error('the shared step broke') // here: shared
    })
    checkpoint('never taken')
    branch('one', () => void step('its step', did('one')))
    branch('two', () => {
      step('its step', did('two'))
      checkpoint('deeper')
      branch('three', () => void step('its step', did('three')))
    })
    step('past them', did('past'))
  })
  branch('sound as well', () => {
    step('its step', did('sound too'))
  })
})
