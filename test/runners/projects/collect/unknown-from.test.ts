import { branch, checkpoint, journey, step } from './world'

journey('shop', () => {
  step('one', () => {})
  checkpoint('paid')
  checkpoint('sent')
  branch('back', { from: 'payed' }, () => { // here
    step('two', () => {})
  })
})
