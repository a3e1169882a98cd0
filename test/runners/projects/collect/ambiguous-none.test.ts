import { branch, journey, step } from './world'

journey('shop', () => {
  step('one', () => {})
  branch('unclear', () => { // here
    step('four', () => {})
  })
})
