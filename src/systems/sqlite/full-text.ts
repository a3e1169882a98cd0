import type { Change, Row } from '../../rollbackable.ts'
import type { Catalogue } from './catalogue.ts'
import type { Connection } from './connection.ts'

/** How the tables behind full-text tables are told: the one with the text under the name of its table, the index not at all. */
export interface FullText {
  isHidden(table: string): boolean
  shown(change: Change): Change
}

/** The tables that FTS3, FTS4 and FTS5 keep their index in, by the end of their names. */
const INDEX_TABLES = ['_data', '_idx', '_docsize', '_config', '_segments', '_segdir', '_stat']

/** Finds the full-text tables of two moments. */
export function fullTextTables(moments: readonly Catalogue[], present: Connection): FullText {
  const hidden = new Set<string>()
  const contents = new Map<string, { readonly table: string; readonly columns: readonly string[] }>()
  for (const { entries } of moments) {
    for (const { name, sql } of entries.values()) {
      if (!/^create\s+virtual\s+table\b.*?\busing\s+["'`[]?fts[345]\b/is.test(sql ?? '')) continue
      for (const end of INDEX_TABLES) hidden.add(name + end)
      contents.set(`${name}_content`, { table: name, columns: columnsOf(present, name) })
    }
  }
  return {
    isHidden: (table) => hidden.has(table),
    shown(change) {
      const content = contents.get(change.table ?? '')
      if (!content) return change
      const row = (stored: Row): Row => textOf(stored, content.columns)
      return {
        table: content.table,
        inserted: change.inserted.map(row),
        updated: change.updated.map(({ key, before, after }) => ({
          key: row(key ?? {}),
          before: row(before),
          after: row(after),
        })),
        deleted: change.deleted.map(row),
      }
    },
  }
}

function columnsOf(present: Connection, table: string): string[] {
  const names = present.rows("select name from pragma_table_xinfo(?, 'main') where hidden = 0", table)
  return names.map(([name]) => String(name))
}

/** Its columns are called `id` (FTS5) or `docid`, and `c0`, `c1` … with the user's name after it in FTS3 and FTS4. */
function textOf(stored: Row, columns: readonly string[]): Row {
  return Object.fromEntries(
    Object.entries(stored).map(([name, value]) => {
      const [, number] = /^c(\d+)/.exec(name) ?? []
      if (number === undefined) return ['rowid', value]
      return [columns[Number(number)] ?? name, value]
    }),
  )
}
