import { describe, test } from 'vitest'
import { conformance } from '../../src/kit/index.ts'
import { immutable, memory } from '../../src/systems/memory/index.ts'

describe('memory(map)', () => {
  conformance(test, () => {
    const map = new Map<string, string>()
    const write = {
      put: (key: string, value: string): void => void map.set(key, value),
      remove: (key: string): void => void map.delete(key),
    }
    return { system: memory(map), ...write, other: write, all: () => Object.fromEntries(map) }
  })
})

describe('memory({ get, set })', () => {
  conformance(test, () => {
    let state: Record<string, string> = {}
    return {
      system: memory({ get: () => state, set: (value) => (state = value) }),
      put: (key, value) => void (state[key] = value),
      remove: (key) => void delete state[key],
      all: () => state,
    }
  })
})

describe('immutable({ get, set })', () => {
  conformance(test, () => {
    let state: Readonly<Record<string, string>> = {}
    return {
      system: immutable({ get: () => state, set: (value) => (state = value) }),
      put: (key, value) => void (state = { ...state, [key]: value }),
      remove: (key) => {
        const { [key]: _, ...rest } = state
        state = rest
      },
      all: () => state,
    }
  })
})
