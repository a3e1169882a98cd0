import { expect } from 'vitest'
import { branch, checkpoint, journey, step } from './world'

class Response {
  status = 200
}

journey('values', () => {
  const plain = step('plain data', () => ({ tags: ['a'] }))
  const live = step('a class instance', () => new Response())
  const listed = step.each([1, 2])('value %d', (_, n) => n * 10)
  checkpoint('here')
  branch('changes them', () => {
    step('pushes', () => {
      plain.value.tags.push('b')
      live.value.status = 500
      expect(plain.value.tags).toEqual(['a', 'b'])
    })
  })
  branch('meets copies of what is plain', () => {
    step('looks', () => {
      expect(plain.value.tags).toEqual(['a'])
      expect(live.value).toBeInstanceOf(Response)
      expect(live.value.status).toBe(500)
      expect(listed.map((one) => one.value)).toEqual([10, 20])
    })
  })
})

journey('ctx', () => {
  step('puts something in that cannot be copied', ({ ctx }) => {
    Object.assign(ctx, { response: new Response() })
  })
  checkpoint('cannot be taken') // here: ctx
  branch('left', () => void step('left', () => {}))
  branch('right', () => void step('right', () => {}))
})

journey('replaces ctx', () => {
  step('assigns', (world) => {
    ;(world as { ctx: unknown }).ctx = {} // here: assigns
  })
})
