import type { Call } from '../graph.ts'

/** A call as pictures show it: without brackets where it has no parameters. */
export function labelOf({ key }: Call): string {
  return key.replace(/\(\)$/, '')
}
