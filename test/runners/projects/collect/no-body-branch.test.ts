import { branch, checkpoint, journey, step } from './world'

journey('shop', () => {
  step('one', () => {})
  checkpoint('there')
  // @ts-expect-error a branch needs a body
  branch('nothing', { from: 'there' }) // here
})
