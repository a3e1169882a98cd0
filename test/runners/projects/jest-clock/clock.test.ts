import { expect, jest } from '@jest/globals'
import { defineWorld } from 'venomqa/jest'
import { clock } from 'venomqa/memory'

const { journey, step, checkpoint, branch } = defineWorld({
  systems: { clock: clock(jest, { now: '2026-12-24T18:00:00Z' }) },
})

journey('Christmas', () => {
  step('the eve', () => expect(new Date().toISOString()).toBe('2026-12-24T18:00:00.000Z'))
  checkpoint('eve')
  branch('a day later', () => {
    step('it is Christmas', async ({ clock }) => {
      await clock.advance(86_400_000)
      expect(new Date().getDate()).toBe(25)
    })
  })
  branch('still the eve', () => {
    step('timers are real', async () => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      expect(clock(jest).handle.now().toISOString()).toBe('2026-12-24T18:00:00.000Z')
    })
  })
})
