import { journey, step } from './world'

journey('shop', () => {
  step('one', () => {
    step('two', () => {}) // here
  })
})
