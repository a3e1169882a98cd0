import { branch, checkpoint, journey, step } from './world'

journey('shop', () => {
  step('one', () => {})
  checkpoint('there')
  branch.each([1, 2])('a case', () => void step('two', () => {})) // here
})
