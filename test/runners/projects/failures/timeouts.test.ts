import { setTimeout as sleep } from 'node:timers/promises'
import { branch, checkpoint, did, journey, step, store, trace } from './world'

journey('timeouts', () => {
  step('a step', did('t'))
  checkpoint('here')
  branch('too slow', () => {
    step('writes late', { timeout: 40 }, async ({ signal, db }) => { // here: late
      signal.addEventListener('abort', () => trace(`aborted with ${(signal.reason as Error).message.split('\n')[0]}`))
      await sleep(150)
      db.set('late', 'write')
      trace('wrote late')
    })
  })
  branch('right after it', () => {
    step('sees nothing of it', did('after late'))
  })
  branch('stops by its signal', () => {
    step('listens', { timeout: 40 }, ({ signal }) => sleep(5000, undefined, { signal }))
  })
  branch('number', () => {
    step('has a number', () => sleep(5000, undefined, { ref: false }).catch(() => {}), 40)
  })
})

journey('after the one that never ends', () => {
  step('a step', did('after never'))
  checkpoint('here')
  branch('b', () => void step('b', () => void trace(`b with ${[...store.keys()].join(' ')}`)))
})
