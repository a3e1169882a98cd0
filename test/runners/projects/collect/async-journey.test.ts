import { journey, step } from './world'

journey('shop', async () => { // here
  await Promise.resolve()
  step('late', () => {})
})
