import type { Row } from '../../rollbackable.ts'
import { named } from './changes.ts'
import type { Answer, Control } from './control.ts'
import { quoted } from './place.ts'

/** How many rows of a table are listed; a longer table is a count and a digest. */
const LISTED = 10_000

/** What a table holds: its rows in the order of its key, or a digest of them that needs no order. */
export type Content = readonly Row[] | { readonly rows: number; readonly digest: string }

/** What was read of a table, and how many lines its leaves had in the log then. */
interface Read {
  readonly content: Content
  readonly lines: number
}

/** A table as it is read: as SQL names it, and the columns by which its rows are put in order. */
export interface Readable {
  readonly name: string
  readonly key: readonly string[]
}

/** A table as it is shown, with the leaves that hold its rows. */
interface Shown extends Readable {
  readonly shown: string
  readonly leaves: readonly string[]
}

/**
 * What the tables hold, reading only those again that changed since they were read: the log says which.
 *
 * Between two marks the lines of a table in the log only grow. A mark takes them away, a rollback too; both say for
 * which tables.
 */
export class Observed {
  #tables: readonly Shown[] | undefined
  /** The version of the schema that the tables were listed in. */
  #shape: number | undefined
  readonly #read = new Map<string, Read>()
  readonly #atMark = new Map<number, ReadonlyMap<string, Read>>()

  async look(control: Control): Promise<Record<string, Content>> {
    const lines = await this.#lines(control)
    const tables = (this.#tables ??= await shownTables(control))
    const linesOf = ({ leaves }: Shown): number => leaves.reduce((sum, leaf) => sum + (lines.get(leaf) ?? 0), 0)
    const stale = tables.filter((table) => this.#read.get(table.shown)?.lines !== linesOf(table))
    const contents = await readTables(
      (text) => control.transaction(text, 'isolation level repeatable read read only'),
      stale,
    )
    for (const [i, table] of stale.entries()) {
      this.#read.set(table.shown, { content: contents[i]!, lines: linesOf(table) })
    }
    const look = Object.fromEntries(tables.map(({ shown }) => [shown, this.#read.get(shown)!.content]))
    // Tables that no mark has seen yet are not watched, so nothing would tell of their changes.
    if (this.#shape === undefined) this.forget()
    return look
  }

  /** A mark was taken, and took `moved` lines of each table out of the log. */
  marked(mark: number, moved: ReadonlyMap<string, number>): void {
    for (const { shown, leaves } of this.#tables ?? []) {
      const read = this.#read.get(shown)
      const gone = leaves.reduce((sum, leaf) => sum + (moved.get(leaf) ?? 0), 0)
      if (read?.lines === gone) this.#read.set(shown, { ...read, lines: 0 })
      else this.#read.delete(shown)
    }
    this.#atMark.set(mark, new Map(this.#read))
  }

  /** The state is back at a mark; these tables were touched since. */
  rolledBack(mark: number, touched: readonly string[]): void {
    const then = this.#atMark.get(mark)
    for (const { shown, leaves } of this.#tables ?? []) {
      if (!leaves.some((leaf) => touched.includes(leaf))) continue
      const read = then?.get(shown)
      if (read) this.#read.set(shown, read)
      else this.#read.delete(shown)
    }
    for (const later of this.#atMark.keys()) if (later > mark) this.#atMark.delete(later)
  }

  /** Nobody goes back to this mark. */
  released(mark: number): void {
    this.#atMark.delete(mark)
  }

  /** Nothing that was read holds any more: the schema changed, or somebody else was at work. */
  forget(): void {
    this.#tables = undefined
    this.#shape = undefined
    this.#read.clear()
    this.#atMark.clear()
  }

  async #lines(control: Control): Promise<Map<string, number>> {
    const rows = await control.query(
      `select rel, count(*) as n from venomqa.log group by rel
       union all select 0, shape from venomqa.about where not venomqa.schema_moved(shape)`,
      [],
      'venomqa_lines',
    )
    const lines = new Map(rows.map(({ rel, n }) => [rel!, Number(n)]))
    const shape = lines.get('0')
    if (shape === undefined || shape !== this.#shape) this.forget()
    this.#shape = shape
    return lines
  }
}

async function shownTables(control: Control): Promise<Shown[]> {
  const rows = await control.query(
    `select shown, root_name as name, (array_agg(key::text order by rel))[1] as key, to_json(array_agg(rel::text)) as leaves
     from venomqa.shown_tables group by shown, root_name order by shown`,
  )
  return rows.map(({ shown, name, key, leaves }) => ({
    shown: shown!,
    name: name!,
    key: JSON.parse(key ?? '[]'),
    leaves: JSON.parse(leaves ?? '[]'),
  }))
}

/** The contents of tables, in two round trips: the rows of short ones, then the digests of long ones. */
export async function readTables(
  run: (text: string) => Promise<readonly Answer[]>,
  tables: readonly Readable[],
): Promise<Content[]> {
  if (tables.length === 0) return []
  const rows = await run(
    tables
      .map(
        ({ name, key }) =>
          `select "venomqa$row".* from ${name} as "venomqa$row" order by ${orderOf(key)} limit ${LISTED + 1}`,
      )
      .join('; '),
  )
  const contents: Content[] = rows.map((answer) => answer.rows.map((row) => named(answer.fields, row)))
  const long = tables.flatMap((table, i) => (rows[i]!.rows.length > LISTED ? [{ table, i }] : []))
  if (long.length === 0) return contents
  const digests = await run(
    long
      .map(
        ({ table: { name } }) =>
          `select count(*), sum(hashtextextended(("venomqa$row".*)::text, 1)::numeric), sum(hashtextextended(("venomqa$row".*)::text, 2)::numeric)
           from ${name} as "venomqa$row"`,
      )
      .join('; '),
  )
  for (const [at, { i }] of long.entries()) {
    const [count, ...sums] = digests[at]!.rows[0]!
    contents[i] = { rows: Number(count), digest: sums.join(' ') }
  }
  return contents
}

function orderOf(key: readonly string[]): string {
  const columns = key.map((column) => `"venomqa$row".${quoted(column)}`)
  return [...columns, '("venomqa$row".*)::text collate "C"'].slice(0, columns.length || 1).join(', ')
}
