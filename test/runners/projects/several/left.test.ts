import { inject } from 'vitest'
import { branch, checkpoint, did, journey, step, trace } from './world'

journey('left journey', () => {
  step('one', did('left'))
  checkpoint('here')
  branch('a', () => void step('a', did('left-a')))
  branch('b', () => void step('b', did('left-b')))
})
trace(`run ${inject('venomqa:run').runId}`)
