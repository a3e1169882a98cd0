import { journey, step } from './world'

journey('shop', () => {
  // @ts-expect-error a step needs a body
  step('one') // here
})
