import { branch, step } from './world'

branch('lonely', () => { // here
  step('one', () => {})
})
