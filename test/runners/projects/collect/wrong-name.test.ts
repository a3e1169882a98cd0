import { journey, step } from './world'

journey('shop', () => {
  // @ts-expect-error the name is missing
  step(() => {}) // here
})
