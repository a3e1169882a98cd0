import { journey, step } from './world'

journey('shop', () => {
  step('one', () => {})
  throw new Error('of the body itself') // here
})
