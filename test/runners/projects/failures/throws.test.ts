import { branch, checkpoint, did, journey, step, trace } from './world'

const one = new Error('thrown twice')

journey('throws', () => {
  step('a step', did('throws'))
  checkpoint('here')
  branch('a string', () => {
    step('fails', () => {
      throw 'no error at all'
    })
  })
  branch('undefined', () => {
    step('fails', () => {
      throw undefined
    })
  })
  branch('an object', () => {
    step('fails', () => Promise.reject({ status: 500, body: { a: 1 } }))
  })
  branch('a frozen error', () => {
    step('fails', () => {
      throw Object.freeze(new Error('frozen'))
    })
  })
  branch('an error without a message', () => {
    step('fails', () => {
      throw new RangeError()
    })
  })
  branch('an error', () => void step('fails', () => Promise.reject(one)))
  branch('the same error again', () => void step('fails', () => Promise.reject(one)))
  branch('an error of another realm', () => {
    step('fails', async () => {
      const { runInNewContext } = await import('node:vm')
      runInNewContext('throw new Error("elsewhere")')
    })
  })
})

journey('skips at run time', () => {
  step('a step', did('skips'))
  checkpoint('here')
  branch('always', () => {
    step('not here', ({ skip }) => {
      trace('not here')
      skip('no such feature on this machine')
    })
    checkpoint('after the skip')
    branch('one', () => void step('its step', did('one after a skip')))
    branch('two', () => void step('its step', did('two after a skip')))
  })
  branch('if', () => {
    step('not this time', ({ skip }) => {
      skip(false, 'does not hold')
      trace('went on')
    })
  })
})
