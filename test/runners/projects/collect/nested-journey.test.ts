import { journey, step } from './world'

journey('shop', () => {
  step('one', () => {})
  journey('inner', () => { // here
    step('two', () => {})
  })
})
