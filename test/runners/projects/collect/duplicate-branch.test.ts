import { branch, checkpoint, journey, step } from './world'

journey('shop', () => {
  step('one', () => {})
  checkpoint('there')
  branch('same', () => void step('two', () => {}))
  branch('same', () => void step('two', () => {})) // here
})
