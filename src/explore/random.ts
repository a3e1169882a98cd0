/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** At least 0 and less than 1. */
  next(): number
  /** A whole number from 0 to `end - 1`. */
  below(end: number): number
}

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state are plenty for choosing among actions. */
export function random(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { next, below: (end) => Math.floor(next() * end) }
}

/** A seed made of a seed and a text, such as the state that parameters are drawn for. */
export function seedOf(seed: number, text: string): number {
  let mixed = seed ^ 0x811c9dc5
  for (let i = 0; i < text.length; i++) mixed = Math.imul(mixed ^ text.charCodeAt(i), 0x01000193)
  return mixed | 0
}
