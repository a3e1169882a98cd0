import { branch, journey, step } from './world'

journey('shop', () => {
  step('one', () => {})
  branch('back', { from: 'paid' }, () => { // here
    step('two', () => {})
  })
})
