import type { State, Transition } from '../graph.ts'
import { escaped } from './escaped.ts'
import { labelOf } from './label.ts'

const COLUMN = 150
const ROW = 30
const WIDTH = 84
const HEIGHT = 20

interface Place {
  readonly x: number
  readonly y: number
}

/** States as a picture, a column for each depth: every state is a link to `#s7`, every arrow tells its actions to a pointer. */
export function toSvg(states: readonly State[]): string {
  const places = placesOf(states)
  const arrows = new Map<string, { readonly line: string; readonly actions: string[] }>()
  for (const { out } of places.keys()) {
    for (const transition of out.values()) {
      const line = lineOf(transition, places)
      if (line === undefined) continue
      const arrow = arrows.get(line) ?? { line, actions: [] }
      arrow.actions.push(labelOf(transition.call))
      arrows.set(line, arrow)
    }
  }
  const [width, height] = (['x', 'y'] as const).map((axis) =>
    Math.max(0, ...[...places.values()].map((at) => at[axis])),
  )
  return `<svg viewBox="0 0 ${width! + WIDTH + 4} ${height! + HEIGHT + 4}" width="${width! + WIDTH + 4}" role="img" aria-label="the states and the actions between them">
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>
${[...arrows.values()].map(({ line, actions }) => `<path class="arrow" d="${line}"><title>${escaped(actions.join(', '))}</title></path>`).join('\n')}
${[...places].map(([state, place]) => box(state, place)).join('\n')}
</svg>`
}

/** Beside each other those of one depth, in the order of the states that they were found from: so fewer arrows cross. */
function placesOf(states: readonly State[]): ReadonlyMap<State, Place> {
  const places = new Map<State, Place>()
  const heightOf = ({ via }: State): number => (via && places.get(via.from)?.y) ?? 0
  const columns: State[][] = []
  for (const state of states) (columns[state.depth] ??= []).push(state)
  for (const [depth, column = []] of columns.entries()) {
    for (const [i, state] of column.toSorted((a, b) => heightOf(a) - heightOf(b)).entries()) {
      places.set(state, { x: 2 + depth * COLUMN, y: 2 + i * ROW })
    }
  }
  return places
}

/** Forward straight, back or to the same depth in a bow. What changes nothing has no arrow. */
function lineOf({ from, to }: Transition, places: ReadonlyMap<State, Place>): string | undefined {
  const [start, end] = [places.get(from), places.get(to)]
  if (!start || !end || from === to) return undefined
  const [y, z] = [start.y + HEIGHT / 2, end.y + HEIGHT / 2]
  if (end.x > start.x) {
    const middle = (start.x + WIDTH + end.x) / 2
    return `M${start.x + WIDTH} ${y}C${middle} ${y} ${middle} ${z} ${end.x} ${z}`
  }
  const bow = start.x + WIDTH + 24
  return `M${start.x + WIDTH} ${y}C${bow} ${y} ${bow} ${z} ${end.x + WIDTH} ${z}`
}

function box({ number, broken }: State, { x, y }: Place): string {
  const name = `state ${number}`
  const told = broken.length > 0 ? `${name}: ✗ ${broken.join(', ')}` : name
  return `<a href="#s${number}"${broken.length > 0 ? ' class="broken"' : ''}><title>${escaped(told)}</title><rect x="${x}" y="${y}" width="${WIDTH}" height="${HEIGHT}" rx="6"/><text x="${x + WIDTH / 2}" y="${y + 14}">${name}</text></a>`
}
