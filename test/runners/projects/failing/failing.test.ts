import { existsSync, writeFileSync } from 'node:fs'
import { afterAll } from 'vitest'
import { branch, checkpoint, did, journey, step, store, trace } from './world'

afterAll(() => trace(`left ${[...store.keys()].join(' ')}`))

/** Fails until the file `mended` is there. */
function broken(what: string) {
  return (world: Parameters<ReturnType<typeof did>>[0]): void => {
    did(what)(world)
    if (!existsSync('mended')) throw new Error(`${what} is broken`)
  }
}

journey('first', () => {
  step('a step', did('first'))
  checkpoint('here')
  branch('works', () => {
    step('its step', did('works'))
  })
  branch('breaks', () => {
    step('its step', broken('breaks'))
  })
  branch('comes after', () => {
    step('its step', did('comes after'))
  })
})

journey('second', () => {
  step('a step', did('second'))
})
