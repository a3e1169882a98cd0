import { type Observation, observation } from '../../rollbackable.ts'
import { type Connection, quoted, type SqliteValue } from './connection.ts'
import { inMain, tablesOf } from './tables.ts'

/**
 * All rows of all tables and the schema, in an order that does not depend on how they got there. Equal if and only if
 * the data is equal: an INTEGER and a REAL of the same value differ where a column may hold either. Rows are told by
 * their columns, so the rowids of a table without an `integer primary key` are not part of it.
 *
 * Counters of AUTOINCREMENT are in `metadata`: they say what was once there. It reads every row.
 */
export function observe(connection: Connection): Observation {
  const isOurs = !connection.inTransaction
  if (isOurs) connection.exec('begin')
  try {
    const tables: Record<string, unknown> = {}
    const unreadable: string[] = []
    for (const { name, isVirtual } of tablesOf(connection)) {
      try {
        tables[name] = rowsOf(connection, name)
      } catch (error) {
        // A module that only the application has loaded: its rows are in tables of their own beside it.
        if (!isVirtual) throw error
        unreadable.push(name)
      }
    }
    const version = Number(connection.value('pragma user_version'))
    return observation(
      'sqlite',
      { schema: schemaOf(connection), version, tables },
      { counters: countersOf(connection), ...(unreadable.length > 0 && { unreadable }) },
    )
  } finally {
    if (isOurs) connection.exec('commit')
  }
}

function schemaOf(connection: Connection): string[] {
  const objects = connection.rows(
    "select sql from main.sqlite_schema where sql is not null and name not like 'sqlite\\_%' escape '\\' order by type, name",
  )
  return objects.map(([sql]) => String(sql))
}

function rowsOf(connection: Connection, table: string): Record<string, unknown>[] {
  const columns = connection
    .rows("select name, type from pragma_table_xinfo(?, 'main') where hidden <> 1", table)
    .map(([name, type]) => ({ name: String(name), isFree: type === '' || /BLOB|ANY/i.test(String(type)) }))
  const select = columns.map(({ name }, i) => `${quoted(name)} as c${i}`).join(', ')
  const rows = connection.rows(`select ${select} from ${inMain(table)}`)
  return rows
    .map((row) => ({ row, order: row.map(orderOf).join('\0') }))
    .toSorted((one, other) => (one.order < other.order ? -1 : Number(one.order > other.order)))
    .map(({ row }) => Object.fromEntries(row.map((value, i) => [columns[i]!.name, shown(value, columns[i]!.isFree)])))
}

/** Sorts whole numbers as numbers; anything else only needs to have one place. */
function orderOf(value: SqliteValue): string {
  if (value === null) return '0'
  if (typeof value === 'bigint') return `1${value < 0n ? '-' : '0'}${String(value + 2n ** 63n).padStart(20, '0')}`
  if (typeof value === 'number') return `2${value}`
  return typeof value === 'string' ? `3${value}` : `4${Buffer.from(value).toString('hex')}`
}

/** A whole REAL looks like an INTEGER in JavaScript. */
function shown(value: SqliteValue, isFree: boolean): unknown {
  if (typeof value === 'number') return isFree && Number.isInteger(value) ? { real: value } : value
  if (typeof value !== 'bigint') return value
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
}

function countersOf(connection: Connection): Record<string, unknown> {
  if (connection.value("select 1 from main.sqlite_schema where name = 'sqlite_sequence'") === undefined) return {}
  return Object.fromEntries(
    connection
      .rows('select name, seq from main.sqlite_sequence order by name')
      .map(([name, seq]) => [name, Number(seq)]),
  )
}
