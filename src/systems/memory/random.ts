import { memory, type MemorySystem } from './memory.ts'

/** Random values that come again after a rollback. */
export interface Random {
  /** From 0 up to, but not, 1. */
  number(): number
  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number
  /** In the form of a version 4 UUID. */
  uuid(): string
}

/** How random values are drawn. */
export interface RandomOptions {
  /** Also draws what `Math.random()` gives in this process while the world is open. Default false. */
  readonly global?: boolean
}

/**
 * Random values from a seed: the same in each run, and after a rollback the same again.
 *
 * With values that are new each time, exploration never meets a state twice.
 */
export function random(seed: number, { global = false }: RandomOptions = {}): MemorySystem<number, Random> {
  let state = seed | 0
  const number = (): number => {
    const [value, next] = mulberry32(state)
    state = next
    return value
  }
  const integer = (min: number, max: number): number => min + Math.floor(number() * (max - min + 1))
  const handle: Random = {
    number,
    integer,
    uuid: () =>
      'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replace(/[xy]/g, (letter) =>
        (letter === 'x' ? integer(0, 15) : integer(8, 11)).toString(16),
      ),
  }
  const system = memory({
    get: () => state,
    set(value: number) {
      state = value
    },
  })
  if (!global) return { ...system, way: 'random: the state of the generator', handle }
  let real: typeof Math.random | undefined
  return {
    ...system,
    way: 'random: the state of the generator, which Math.random() draws from',
    handle,
    open() {
      real = Math.random
      Math.random = number
    },
    close() {
      if (real && Math.random === number) Math.random = real
      real = undefined
    },
  }
}

/** The next value and state of the generator mulberry32 of Tommy Ettinger, in the public domain. */
function mulberry32(state: number): readonly [value: number, next: number] {
  const next = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(next ^ (next >>> 15), next | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return [((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32, next]
}
