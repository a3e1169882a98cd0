import { inspect, isDeepStrictEqual } from 'node:util'
import type { Change, Row } from './rollbackable.ts'

/** How a change is called: its table, collection, index or key. */
export function placeOf(change: Change): string {
  return change.table ?? change.collection ?? change.index ?? change.key ?? '?'
}

/** A change as one line: `orders: 1 updated (status paid → refunded)`. */
export function summary(change: Change): string {
  const { inserted, updated, deleted } = change
  const parts: string[] = []
  if (inserted.length > 0) parts.push(`${inserted.length} inserted`)
  if (updated.length > 0) {
    const [only] = updated
    const detail = updated.length === 1 && only ? difference(only.before, only.after) : ''
    parts.push(`${updated.length} updated${detail && ` (${detail})`}`)
  }
  if (deleted.length > 0) parts.push(`${deleted.length} deleted`)
  return `${placeOf(change)}: ${parts.join(', ') || 'changed'}`
}

/** Changes as one line. */
export function summaries(changes: readonly Change[]): string {
  return changes.map(summary).join('; ')
}

const SHOWN_COLUMNS = 3
const SHOWN_CHARACTERS = 40

function difference(before: Row, after: Row): string {
  const columns = Object.keys({ ...before, ...after }).filter(
    (column) => !isDeepStrictEqual(before[column], after[column]),
  )
  const shown = columns
    .slice(0, SHOWN_COLUMNS)
    .map((column) => `${column} ${text(before[column])} → ${text(after[column])}`)
  if (columns.length > SHOWN_COLUMNS) shown.push(`and ${columns.length - SHOWN_COLUMNS} more`)
  return shown.join(', ')
}

function text(value: unknown): string {
  if (value === undefined) return 'none'
  const object = typeof value === 'object' && value !== null
  const whole = object ? inspect(value, { breakLength: Infinity }) : String(value).replace(/[\n\r\t]/g, escaped)
  return whole.length > SHOWN_CHARACTERS ? `${whole.slice(0, SHOWN_CHARACTERS - 1)}…` : whole
}

const escaped = (character: string): string => JSON.stringify(character).slice(1, -1)
