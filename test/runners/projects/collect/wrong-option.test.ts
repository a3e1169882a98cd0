import { journey, step } from './world'

journey('shop', () => {
  // @ts-expect-error the option is called timeout
  step('one', { timout: 3 }, () => {}) // here
})
