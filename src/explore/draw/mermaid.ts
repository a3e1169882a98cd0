import type { Graph } from '../graph.ts'
import { type DrawOptions, picture } from './picture.ts'

/** The graph as a Mermaid state diagram. */
export function toMermaid(graph: Graph, options: DrawOptions = {}): string {
  const { nodes, arrows, left } = picture(graph, options)
  const lines = [
    ...(nodes.length > 0 ? ['[*] --> s0'] : []),
    ...nodes.map(({ name }, i) => `s${i}: ${plain(name)}`),
    ...nodes.flatMap(({ broken }, i) =>
      broken.length > 0 ? [`note right of s${i}: ✗ ${broken.map(plain).join(', ')}`] : [],
    ),
    ...arrows.map(({ from, to, actions }) => `s${from} --> s${to}: ${actions.map(plain).join(', ')}`),
    ...(left > 0 ? [`%% ${left} more states are not drawn`] : []),
  ]
  return ['stateDiagram-v2', ...lines.map((line) => `  ${line}`), ''].join('\n')
}

/** Mermaid ends a label at these. */
function plain(text: string): string {
  return text.replaceAll(/[\n;#:]/g, ' ').replaceAll(/[<>{}[\]]/g, '')
}
