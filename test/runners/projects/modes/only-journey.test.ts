import { did, journey, step } from './world'

journey.only('the only journey', () => {
  step('a step', did('the only one'))
})

journey('the other journey', () => {
  step('a step', did('the other one'))
})
