import { beforeEach } from 'vitest'
import { defineWorld } from 'venomqa/vitest'
import { trace } from './world'

// A system of three members cannot tell what a hook changed.
let list: string[] = []
const { journey, step, checkpoint, branch } = defineWorld({
  systems: { list: { checkpoint: () => [...list], rollback: (mark: unknown) => void (list = [...(mark as string[])]) } },
})
const adds = (what: string) => (): void => {
  trace(`${what} blindly after ${list.join(' ')}`)
  list.push(what)
}

beforeEach(() => void list.push('hook'))

journey('blind', () => {
  step('one', adds('b1'))
  checkpoint('here')
  branch('left', () => void step('left', adds('b2')))
  branch('right', () => void step('right', adds('b3')))
})
