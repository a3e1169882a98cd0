import { VenomError } from '../../errors.ts'
import type { Row } from '../../rollbackable.ts'
import type { Cell } from './btree.ts'
import { type Connection, type Driver, quoted } from './connection.ts'
import { type Encoding, type Stored, valuesOf } from './record.ts'

/** How the rows of a table are stored, and what identifies one. */
export interface Shape {
  readonly columns: readonly Column[]
  /** Which column each value of a record is, in the order of the record. */
  readonly stored: readonly Column[]
  /** The column that is the rowid by another name, which the record has as NULL. */
  readonly rowid: Column | undefined
  readonly hasRowid: boolean
  /** The columns of the primary key; none when only the rowid identifies a row. */
  readonly key: readonly Column[]
}

/** A column that is stored: all but those that are computed when they are read. */
export interface Column {
  readonly name: string
  readonly type: string
  /** Of affinity REAL, where a whole number is stored as an INTEGER to save space. */
  readonly isReal: boolean
  /** The default as SQL, for rows from before the column was added. */
  readonly otherwise: string | null
}

/** Finds out the shape of tables, and remembers it by their SQL. */
export class Shapes {
  readonly #known = new Map<string, Shape>()
  readonly #defaults = new Map<Column, Stored>()
  readonly #present: Connection
  readonly #driver: Driver

  /** `present` is a connection to the database as it is now. */
  constructor(present: Connection, driver: Driver) {
    this.#present = present
    this.#driver = driver
  }

  /** The shape of a table that is there now; of one from the past, when its SQL was another. */
  of(name: string, sql: string, isPresent: boolean): Shape {
    const known = this.#known.get(sql)
    if (known) return known
    const shape = isPresent ? shapeOf(this.#present, name) : this.#ofPast(name, sql)
    this.#known.set(sql, shape)
    return shape
  }

  /** A row as its stored values, column by column. */
  row({ stored, rowid }: Shape, cell: Cell, encoding: Encoding): Map<string, Stored> {
    const values = valuesOf(cell.payload, encoding)
    const row = new Map<string, Stored>()
    for (const [i, column] of stored.entries()) {
      const value = i < values.length ? values[i]! : this.#default(column)
      if (column === rowid) row.set(column.name, BigInt(cell.rowid))
      else row.set(column.name, exact(column, value))
    }
    return row
  }

  /** What the rows have in a column that was added after they were written. */
  added({ stored }: Shape, name: string): Stored | undefined {
    const column = stored.find((one) => one.name === name)
    return column && exact(column, this.#default(column))
  }

  #ofPast(name: string, sql: string): Shape {
    const scratch = this.#driver.open(':memory:')
    try {
      scratch.exec(sql)
      return shapeOf(scratch, name)
    } catch (cause) {
      throw new VenomError(
        'UNSUPPORTED',
        `sqlite: what changed in ${quoted(name)} cannot be told, since its schema changed and the former one cannot be read.\n` +
          'It uses functions or collations that only the application has.\n' +
          'Roll back before you ask for changes; the rollback itself is not concerned.',
        { cause },
      )
    } finally {
      scratch.close()
    }
  }

  /** What the rows from before a column was added have in it, converted as SQLite does. */
  #default(column: Column): Stored {
    if (column.otherwise === null) return null
    let value = this.#defaults.get(column)
    if (value === undefined) {
      const scratch = this.#driver.open(':memory:')
      scratch.exec(`create table t (c ${column.type} default (${column.otherwise})); insert into t default values`)
      value = scratch.value('select c from t') as Stored
      scratch.close()
      this.#defaults.set(column, value)
    }
    return value
  }
}

/** A whole number of a column of affinity REAL is stored as an INTEGER. */
function exact({ isReal }: Column, value: Stored): Stored {
  return isReal && typeof value === 'bigint' ? Number(value) : value
}

/** What a row looks like to a reader: an INTEGER is a number where that is exact. */
export function shown(row: ReadonlyMap<string, Stored>): Row {
  return Object.fromEntries([...row].map(([name, value]) => [name, plain(value)]))
}

/** A value as a reader expects it. */
export function plain(value: Stored): unknown {
  if (typeof value !== 'bigint') return value
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
}

/** Whether two values are the same, in type too. */
export function isSame(one: Stored | undefined, other: Stored | undefined): boolean {
  return Buffer.isBuffer(one) && Buffer.isBuffer(other) ? one.equals(other) : Object.is(one, other)
}

const VIRTUAL = 2n

function shapeOf(connection: Connection, name: string): Shape {
  const info = connection.rows("select name, type, pk, hidden, dflt_value from pragma_table_xinfo(?, 'main')", name)
  const all = info.map(([column, type, , , otherwise]) =>
    columnOf(String(column), String(type), otherwise as string | null),
  )
  const columns = all.filter((_, i) => info[i]![3] !== VIRTUAL)
  const key = all
    .map((column, i) => ({ column, at: Number(info[i]![2]) }))
    .filter(({ at }) => at > 0)
    .toSorted((a, b) => a.at - b.at)
    .map(({ column }) => column)
  const isWithoutRowid = connection.value("select wr from pragma_table_list(?) where schema = 'main'", name) === 1n
  const index = connection.value("select name from pragma_index_list(?, 'main') where origin = 'pk'", name) as
    | string
    | undefined
  if (isWithoutRowid) {
    const order = connection.rows("select cid from pragma_index_xinfo(?, 'main') order by seqno", index!)
    return { columns, stored: order.map(([cid]) => all[Number(cid)]!), rowid: undefined, hasRowid: false, key }
  }
  const [only] = key
  // An `integer primary key desc` is not the rowid, and has an index.
  const rowid = key.length === 1 && index === undefined && only?.type.toUpperCase() === 'INTEGER' ? only : undefined
  return { columns, stored: columns, rowid, hasRowid: true, key }
}

/** https://sqlite.org/datatype3.html#determination_of_column_affinity */
function columnOf(name: string, type: string, otherwise: string | null): Column {
  const isReal = /REAL|FLOA|DOUB/i.test(type) && !/INT|CHAR|CLOB|TEXT|BLOB/i.test(type)
  return { name, type, isReal, otherwise }
}
