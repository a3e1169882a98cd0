import { setTimeout as sleep } from 'node:timers/promises'
import { branch, checkpoint, did, journey, step, trace } from './world'

journey('timeouts', () => {
  step('a step', did('t'))
  checkpoint('here')
  branch('too slow', () => {
    step('writes late', { timeout: 40 }, async ({ signal, db }) => { // here: late
      signal.addEventListener('abort', () => trace(`aborted: ${(signal.reason as Error).message.split('\n')[0]}`))
      await sleep(150)
      db.set('late', 'write')
      trace('wrote late')
    })
  })
  branch('right after it', () => {
    step('sees nothing of it', did('after late'))
  })
  branch('stops by its signal', () => {
    step('listens', ({ signal }) => sleep(5000, undefined, { signal }), 40) // here: signal
  })
  branch('in time', () => {
    step('is quick', { timeout: 1000 }, async ({ signal }) => {
      await sleep(1)
      trace(`quick, aborted: ${signal.aborted}`)
    })
  })
})
