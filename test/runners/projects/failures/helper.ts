import { expect } from 'vitest'

export function isTwo(value: unknown): void {
  expect(value).toBe(2)
}
