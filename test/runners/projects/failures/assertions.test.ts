import { expect } from 'vitest'
import { branch, checkpoint, journey, step } from './world'

journey('assertions', () => {
  step('keeps its promise', ({ expect }) => {
    expect.assertions(2)
    expect(1).toBe(1)
    expect(2).toBe(2)
  })
  step('has some', () => {
    expect.hasAssertions()
    expect(1).toBe(1)
  })
  checkpoint('here')
  branch('asserts nothing itself', () => {
    step('nothing', () => {})
  })
  branch('too few', () => {
    step('promises two', ({ expect }) => {
      expect.assertions(2) // here: too few
      expect(1).toBe(1)
    })
    checkpoint('after too few')
    branch('one', () => void step('its step', () => {}))
    branch('two', () => void step('its step', () => {}))
  })
  branch('too many', () => {
    step('promises one', () => {
      expect.assertions(1) // here: too many
      expect(1).toBe(1)
      expect(1).toBe(1)
    })
  })
  branch('none', () => {
    step('promises some', ({ expect }) => {
      expect.hasAssertions() // here: none
    })
    step('asserts', ({ expect }) => {
      expect(1).toBe(1)
    })
  })
  branch('those of others do not count', () => {
    step('one', () => {
      expect(1).toBe(1)
    })
    step('two', () => {
      expect.assertions(0)
    })
    step('three', ({ expect }) => {
      expect.assertions(1)
      expect(1).toBe(1)
    })
  })
})

journey('no assertions', () => {
  step('a step', () => {})
  checkpoint('here')
  branch('none at all', () => void step('nothing', () => {}))
})

journey('mixed expects', () => {
  step('asserts', () => {
    expect(1).toBe(1)
  })
  checkpoint('here')
  branch('takes its own expect and asserts nothing', () => void step('a', ({ expect: _ }) => {}))
  branch('takes it again', () => void step('b', ({ expect: _ }) => {}))
})
