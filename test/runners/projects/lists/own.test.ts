import { memory } from 'venomqa/memory'
import { defineWorld } from 'venomqa/vitest'

const { journey, step, checkpoint, branch: fork, test } = defineWorld({ systems: { db: memory(new Map<string, string>()) } })

journey('own world', () => {
  step('a step', () => {})
  checkpoint('here')
  fork('a branch', () => {
    step('its step', () => {})
  })
})

test('with its fixture', ({ db }) => void db)
