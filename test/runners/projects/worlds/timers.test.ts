import { vi } from 'vitest'
import { branch, checkpoint, did, journey, step, test, trace } from './world'

journey('fake timers', () => {
  step('freezes the clock', { timeout: 2000, retry: 1 }, (world) => {
    vi.useFakeTimers({ now: new Date('2040-01-01') })
    did('frozen')(world)
  })
  checkpoint('frozen')
  branch('left', () => void step('left', (world) => did(`left in ${new Date().getFullYear()}`)(world)))
  branch('right', () => void step('right', (world) => did(`right in ${new Date().getFullYear()}`)(world)))
})
test('the fixture works under fake timers', ({ db }) => {
  trace(`fake: ${vi.isFakeTimers()}`)
  vi.useRealTimers()
  db.set('x', '1')
})
