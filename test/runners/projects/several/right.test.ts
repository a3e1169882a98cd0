import { inject } from 'vitest'
import { branch, checkpoint, did, journey, step, trace } from './world'

journey('right journey', () => {
  step('one', did('right'))
  checkpoint('here')
  branch('a', () => void step('a', did('right-a')))
  branch('b', () => void step('b', did('right-b')))
})
trace(`run ${inject('venomqa:run').runId}`)
