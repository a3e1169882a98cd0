import { defineWorld } from 'venomqa/vitest'
import { trace } from './world'

const open = (): never => {
  trace('tried to open')
  throw new Error('connection refused')
}
const { journey, step, checkpoint, branch } = defineWorld({ systems: { db: { open, checkpoint: () => 0, rollback: () => {} } } })

journey('refused', () => {
  step('a step', () => trace('ran'))
  checkpoint('here')
  branch('left', () => void step('left', () => trace('ran')))
  branch('right', () => void step('right', () => trace('ran')))
})
