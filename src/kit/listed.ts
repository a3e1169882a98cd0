import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { placeOf } from '../changes.ts'
import type { Change } from '../rollbackable.ts'

type Entries = Readonly<Record<string, string>>
type Kind = 'inserted' | 'updated' | 'deleted'

interface Listed {
  readonly kind: Kind
  /** Every text that the listing shows, wherever the system puts it. */
  readonly texts: readonly string[]
}

/**
 * Asserts that `changes` lists exactly what makes `after` of `before`: one row for each entry that was inserted,
 * updated or deleted, which shows its key and its values, and nothing else. Where a row shows them is the system's affair.
 */
export function assertListed(changes: readonly Change[], before: Entries, after: Entries): void {
  const listed = changes.flatMap(rowsOf)
  for (const { kind, texts } of expected(before, after)) {
    const at = listed.findIndex((row) => row.kind === kind && texts.every((text) => row.texts.includes(text)))
    if (at < 0) {
      const inWords = texts.map((text) => JSON.stringify(text)).join(', ')
      assert.fail(`changes() does not list as ${kind}: ${inWords}\nIt lists: ${inspect(changes, { depth: 6 })}`)
    }
    listed.splice(at, 1)
  }
  assert.deepEqual(listed, [], 'changes() lists what did not change')
}

function expected(before: Entries, after: Entries): Listed[] {
  const rows: Listed[] = []
  for (const key of Object.keys({ ...before, ...after })) {
    const [was, is] = [before[key], after[key]]
    if (was === is) continue
    if (was === undefined) rows.push({ kind: 'inserted', texts: [key, is!] })
    else if (is === undefined) rows.push({ kind: 'deleted', texts: [key, was] })
    else rows.push({ kind: 'updated', texts: [key, was, is] })
  }
  return rows
}

function rowsOf(change: Change): Listed[] {
  const place = placeOf(change)
  const listed = (kind: Kind) => (row: unknown) => ({ kind, texts: [place, ...textsOf(row)] })
  return [
    ...change.inserted.map(listed('inserted')),
    ...change.updated.map(listed('updated')),
    ...change.deleted.map(listed('deleted')),
  ]
}

function textsOf(value: unknown): string[] {
  if (Buffer.isBuffer(value)) return [value.toString()]
  if (value instanceof Map) return [...value].flatMap(textsOf)
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(textsOf)
  return [String(value)]
}
