import { branch, checkpoint, journey, step } from './world'

journey('shop', () => { // here
  step('one', () => {})
  checkpoint('there')
  branch('main line', () => void step('two', () => {}))
  step('three', () => {})
})
