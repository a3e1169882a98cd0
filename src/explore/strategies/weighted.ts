import type { Call } from '../graph.ts'

/** How often random strategies choose an action, compared with the others. */
export type WeightOf = (action: string) => number

/** One of `calls`, by the weights of their actions. */
export function weighted(calls: readonly Call[], weightOf: WeightOf, random: { next(): number }): Call | undefined {
  const sum = calls.reduce((total, { action }) => total + weightOf(action), 0)
  let left = random.next() * sum
  for (const call of calls) {
    left -= weightOf(call.action)
    if (left < 0) return call
  }
  return calls.at(-1)
}
