import { journey, step } from './world'

// @ts-expect-error each takes an array
journey.each(3)('case %d', () => { // here
  step('one', () => {})
})
