import { expect } from 'vitest'
import { branch, checkpoint, did, journey, step, store, trace } from './world'

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

journey('forgets', () => {
  step('a step', did('forgets'))
  checkpoint('here')
  branch('to await a write that comes in time', () => {
    step('does not wait', () => {
      void later(5).then(() => store.set('forgotten', 'write'))
    })
    step('takes longer', () => later(50))
  })
  branch('and the next path is clean', () => {
    step('looks', () => trace(`next path finds ${[...store.keys()].join(' ')}`))
  })
  branch('to await an assertion', () => {
    step('does not wait', () => {
      void expect(later(5).then(() => 1)).resolves.toBe(2) // here: forgotten
    })
    checkpoint('after it')
    branch('one', () => void step('its step', did('one')))
    branch('two', () => void step('its step', did('two')))
  })
  branch('an async helper', () => {
    step('rejects later', () => {
      void later(5).then(() => {
        throw new Error('unheard') // here: unheard
      })
    })
    step('takes longer', () => later(50))
  })
})
