import { branch, checkpoint, journey, step } from './world'

journey('shop', () => {
  step('one', () => {})
  checkpoint('there')
  branch('later', async () => { // here
    step('two', () => {})
    await Promise.reject(new Error('nobody hears this'))
  })
})
