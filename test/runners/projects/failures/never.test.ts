import { defineWorld } from 'venomqa/vitest'
import { memory } from 'venomqa/memory'
import { store, trace } from './world'

const { branch, checkpoint, journey, step, test } = defineWorld({ systems: { db: memory(store) }, grace: 60 })

const traces = (what: string) => (): void => trace(what)

journey('never', () => {
  step('a step', traces('before never'))
  checkpoint('here')
  branch('ends', () => {
    step('hangs', { timeout: 40 }, () => new Promise(() => {})) // here: hangs
  })
  branch('comes next', () => void step('its step', traces('next after never'))) // here: next
  branch('comes later', () => void step('its step', traces('later after never')))
})

journey('another', () => void step('a step', traces('another after never')))

test('a plain test', () => traces('plain after never')())
test('a second plain test', () => traces('plain after never')())
