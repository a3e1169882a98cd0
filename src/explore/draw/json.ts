import type { ExploreReport } from '../report.ts'

/** The report and the whole graph as JSON. What JSON cannot hold becomes text. */
export function toJson(report: ExploreReport): string {
  const { graph, maxDepth, ...rest } = report
  const states = graph.states.map(({ number, id, depth, broken, look }) => ({
    number,
    id,
    depth,
    broken,
    observed: look?.raw,
  }))
  const transitions = graph.states.flatMap(({ number, out }) =>
    [...out.values()].map(({ to, call: { action, params }, outcome, status }) => ({
      from: number,
      to: to.number,
      action,
      params,
      outcome,
      status,
    })),
  )
  const plain = { ...rest, maxDepth: Number.isFinite(maxDepth) ? maxDepth : null, graph: { states, transitions } }
  return `${JSON.stringify(plain, (_, value: unknown) => jsonable(value), 1)}\n`
}

function jsonable(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), item as unknown]))
  return value instanceof Set ? [...value] : value
}
