import { type Observation, observation } from '../../rollbackable.ts'
import { type Connection, type Query, quoted, type SqliteValue } from './connection.ts'
import { inMain, tablesOf } from './tables.ts'

/** A table and how it is read. */
interface Readable {
  readonly name: string
  readonly isVirtual: boolean
  readonly columns: readonly Column[]
  readonly read: Query
}

interface Column {
  readonly name: string
  /** Whether it may hold an INTEGER and a REAL. */
  readonly isFree: boolean
}

const SCHEMA = `select sql from main.sqlite_schema where sql is not null and name not like 'sqlite\\_%' escape '\\' order by type, name`

/**
 * All rows of all tables and the schema, in an order that does not depend on how they got there. Equal if and only if
 * the data is equal: an INTEGER and a REAL of the same value differ where a column may hold either. Rows are told by
 * their columns, so the rowids of a table without an `integer primary key` are not part of it.
 *
 * Counters of AUTOINCREMENT are in `metadata`: they say what was once there. It reads every row; the statements for that
 * are kept as long as the schema is the same.
 */
export class Observer {
  readonly connection: Connection
  readonly #readSchema: Query
  readonly #readVersion: Query
  #schema: readonly string[] | undefined
  #tables: readonly Readable[] = []
  #readCounters: Query | undefined

  constructor(connection: Connection) {
    this.connection = connection
    this.#readSchema = connection.query(SCHEMA)
    this.#readVersion = connection.query('pragma user_version')
  }

  look(): Observation {
    const { connection } = this
    const isOurs = !connection.inTransaction
    if (isOurs) connection.exec('begin')
    try {
      const schema = this.#readSchema().map(([sql]) => String(sql))
      if (schema.length !== this.#schema?.length || schema.some((sql, i) => sql !== this.#schema?.[i])) {
        this.#prepare(schema)
      }
      const tables: Record<string, unknown> = {}
      const unreadable: string[] = []
      for (const table of this.#tables) {
        try {
          tables[table.name] = rowsOf(table)
        } catch (error) {
          // A module that only the application has loaded: its rows are in tables of their own beside it.
          if (!table.isVirtual) throw error
          unreadable.push(table.name)
        }
      }
      const version = Number(this.#readVersion()[0]?.[0])
      const counters = Object.fromEntries((this.#readCounters?.() ?? []).map(([name, seq]) => [name, Number(seq)]))
      return observation(
        'sqlite',
        { schema, version, tables },
        { counters, ...(unreadable.length > 0 && { unreadable }) },
      )
    } finally {
      if (isOurs) connection.exec('commit')
    }
  }

  #prepare(schema: readonly string[]): void {
    const { connection } = this
    this.#tables = tablesOf(connection).map(({ name, isVirtual }) => readable(connection, name, isVirtual))
    const counts = connection.value("select 1 from main.sqlite_schema where name = 'sqlite_sequence'") !== undefined
    this.#readCounters = counts
      ? connection.query('select name, seq from main.sqlite_sequence order by name')
      : undefined
    this.#schema = schema
  }
}

function readable(connection: Connection, name: string, isVirtual: boolean): Readable {
  try {
    const columns = connection
      .rows("select name, type from pragma_table_xinfo(?, 'main') where hidden <> 1", name)
      .map(([column, type]) => ({ name: String(column), isFree: type === '' || /BLOB|ANY/i.test(String(type)) }))
    const select = columns.map((column, i) => `${quoted(column.name)} as c${i}`).join(', ')
    return { name, isVirtual, columns, read: connection.query(`select ${select} from ${inMain(name)}`) }
  } catch (error) {
    const fail = (): never => {
      throw error
    }
    return { name, isVirtual, columns: [], read: fail }
  }
}

function rowsOf({ columns, read }: Readable): Record<string, unknown>[] {
  return read()
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
