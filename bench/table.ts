import { styleText } from 'node:util'
import { milliseconds, type Judged, type Timing } from './row.ts'

const head = ['', 'work', 'way', 'median ms', 'min ms', 'figure', 'goal', '']
const numbers = new Set(['median ms', 'min ms', 'figure', 'goal'])

/** The rows as text for people: one line a way, ours first. Where a peer is faster, the row says so. */
export function table(rows: readonly Judged[]): string {
  const body = rows.flatMap((row) => [ours(row), ...peers(row), ...floor(row)])
  const widths = head.map((name, column) => Math.max(name.length, ...body.map((line) => line[column]?.length ?? 0)))
  const align = (line: readonly string[]): string =>
    widths
      .map((width, column) => (numbers.has(head[column] ?? '') ? padStart : padEnd)(line[column] ?? '', width))
      .join('  ')
  return [styleText('dim', align(head)), ...body.map(align)].map((line) => line.trimEnd()).join('\n')
}

function ours(row: Judged): string[] {
  const figure = `${number(row.value)}${row.unit}`
  return [row.id ?? '', row.work, row.ours.name, ...times(row.ours.ms), figure, goal(row), verdict(row)]
}

function peers(row: Judged): string[][] {
  return Object.entries(row.peers).map(([name, ms]) => {
    return ['', '', name, ...times(ms), '', '', name === row.fastestPeer ? 'the fastest peer' : '']
  })
}

function floor({ floor }: Judged): string[][] {
  return floor === undefined ? [] : [['', '', floor.name, ...times(floor.ms), '', '', 'the floor']]
}

function verdict({ correct, holds, loses }: Judged): string {
  if (!correct) return 'WRONG CONTENT'
  if (holds !== null) return holds ? 'holds' : 'DOES NOT HOLD'
  return loses ? 'A PEER IS FASTER' : ''
}

/** `"≥ 50×"`. */
export function goal({ goal, unit }: Judged): string {
  if (goal === undefined) return ''
  return 'atLeast' in goal ? `≥ ${goal.atLeast}${unit}` : `≤ ${goal.atMost}${unit}`
}

function times(ms: Timing | number): [string, string] {
  return [number(milliseconds(ms)), typeof ms === 'number' ? '' : number(ms.min)]
}

/** Three digits that count, all before the point: 0.0412, 3.14, 2002. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return '-'
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}

function padStart(text: string, width: number): string {
  return text.padStart(width)
}

function padEnd(text: string, width: number): string {
  return text.padEnd(width)
}
