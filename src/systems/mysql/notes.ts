import { errno } from './refusal.ts'
import type { Session } from './session.ts'
import { text } from './sql.ts'
import type { Places } from './tracked.ts'

/** What outlives us in our schema, for a run that comes after a crash. */
export type Note = 'run' | 'tracking' | 'mark' | 'guards'

/** Reads a note, undefined where there is none. */
export async function readNote<T>(session: Session, { own }: Places, note: Note): Promise<T | undefined> {
  try {
    const [row] = await session.query(`SELECT note FROM ${own('notes')} WHERE id = ${text(note)}`)
    return row?.['note'] ? (JSON.parse(row['note'], reviver) as T) : undefined
  } catch (error) {
    if (NOT_THERE.includes(errno(error))) return undefined
    throw error
  }
}

/** The table or its schema is not there. */
const NOT_THERE = [1146, 1049]

/** The statement that writes a note. */
export function writeNote({ own }: Places, note: Note, value: unknown): string {
  return `REPLACE INTO ${own('notes')} VALUES (${text(note)}, ${text(JSON.stringify(value, replacer))})`
}

/** The statement that takes a note away. */
export function dropNote({ own }: Places, note: Note): string {
  return `DELETE FROM ${own('notes')} WHERE id = ${text(note)}`
}

function replacer(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return { bigint: String(value) }
  return value instanceof Map ? { map: [...value] } : value
}

function reviver(_: string, value: unknown): unknown {
  if (Array.isArray(value)) return value
  const { bigint, map } = Object(value) as { readonly bigint?: string; readonly map?: [unknown, unknown][] }
  if (bigint !== undefined) return BigInt(bigint)
  return map === undefined ? value : new Map(map)
}
