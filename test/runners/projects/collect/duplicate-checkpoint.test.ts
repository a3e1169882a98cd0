import { checkpoint, journey, step } from './world'

journey('shop', () => {
  step('one', () => {})
  checkpoint('there')
  step('two', () => {})
  checkpoint('there') // here
})
