import { journey, step } from './world'

journey('shop', () => {
  step('', () => {}) // here
})
