import { branch, checkpoint, journey, step } from './world'

journey('shop', () => {
  step('one', () => {})
  checkpoint('there')
  branch('b', { retry: -1 }, () => { // here
    step('two', () => {})
  })
})
