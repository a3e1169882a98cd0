import type { Graph } from '../graph.ts'
import { type DrawOptions, picture } from './picture.ts'

/** The graph in the language of Graphviz. */
export function toDot(graph: Graph, options: DrawOptions = {}): string {
  const { nodes, arrows, left } = picture(graph, options)
  const quoted = (text: string): string =>
    `"${text.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`)}"`
  return [
    'digraph states {',
    '  node [shape=box, style=rounded, fontname="sans-serif"]',
    ...nodes.map(({ name, broken }, i) => {
      const label = broken.length > 0 ? `${name}\n✗ ${broken.join(', ')}` : name
      return `  s${i} [label=${quoted(label)}${broken.length > 0 ? ', color=red' : ''}]`
    }),
    ...arrows.map(({ from, to, actions }) => `  s${from} -> s${to} [label=${quoted(actions.join('\n'))}]`),
    ...(left > 0 ? [`  // ${left} more states are not drawn`] : []),
    '}',
    '',
  ].join('\n')
}
