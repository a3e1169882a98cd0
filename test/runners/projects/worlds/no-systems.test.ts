import { defineWorld } from 'venomqa/vitest'

const { journey, step, checkpoint, branch, test } = defineWorld({ systems: {} })

journey('no systems', () => {
  step('a step', () => {})
  checkpoint('here')
  branch('left', () => void step('left', () => {}))
  branch('right', () => void step('right', () => {}))
})
test('no systems for a plain test', () => {})
