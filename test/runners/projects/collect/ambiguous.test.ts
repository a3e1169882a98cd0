import { branch, checkpoint, journey, step } from './world'

journey('shop', () => {
  step('one', () => {})
  checkpoint('there')
  step('two', () => {})
  step('three', () => {})
  branch('unclear', () => { // here
    step('four', () => {})
  })
})
