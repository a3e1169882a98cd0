import type { Graph, State } from '../graph.ts'
import { labelOf } from './label.ts'

/** How a graph is drawn. */
export interface DrawOptions {
  /** States with the same answer are one: thousands of states become a picture that people can read. */
  readonly groupBy?: (observed: Readonly<Record<string, unknown>>) => string
  /** How many groups are drawn at most, the nearest first. Default 200. */
  readonly max?: number
}

/** A graph reduced to what is drawn. */
export interface Picture {
  readonly nodes: readonly { readonly name: string; readonly states: number; readonly broken: readonly string[] }[]
  /** By the places of the nodes. Arrows that lead back to where they start are left out when nodes are groups. */
  readonly arrows: readonly { readonly from: number; readonly to: number; readonly actions: readonly string[] }[]
  /** States that are not drawn. */
  readonly left: number
}

const DRAWN = 200

/** Groups the states of a graph. */
export function picture(graph: Graph, { groupBy, max = DRAWN }: DrawOptions = {}): Picture {
  const nodes: { name: string; states: number; broken: Set<string> }[] = []
  const places = new Map<string, number>()
  const placeOf = new Map<State, number>()
  let left = 0
  for (const state of graph.states.toSorted((a, b) => a.depth - b.depth)) {
    const name = groupBy ? groupBy(state.look?.raw ?? {}) : `state ${state.number}`
    let place = places.get(name)
    if (place === undefined && nodes.length < max) {
      place = nodes.push({ name, states: 0, broken: new Set() }) - 1
      places.set(name, place)
    }
    if (place === undefined) {
      left += 1
      continue
    }
    const node = nodes[place]!
    node.states += 1
    for (const rule of state.broken) node.broken.add(rule)
    placeOf.set(state, place)
  }
  const arrows = new Map<string, { from: number; to: number; actions: Set<string> }>()
  for (const [state, from] of placeOf) {
    for (const transition of state.out.values()) {
      const to = placeOf.get(transition.to)
      if (to === undefined || (from === to && (groupBy || transition.outcome === 'rejected'))) continue
      const key = `${from} ${to}`
      const arrow = arrows.get(key) ?? { from, to, actions: new Set() }
      arrows.set(key, arrow)
      arrow.actions.add(labelOf(transition.call))
    }
  }
  return {
    nodes: nodes.map(({ name, states, broken }) => ({ name, states, broken: [...broken] })),
    arrows: [...arrows.values()].map(({ from, to, actions }) => ({ from, to, actions: [...actions] })),
    left,
  }
}
