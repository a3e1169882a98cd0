import { type Connection, quoted } from './connection.ts'
import { asOne } from './tables.ts'

/** One row of sqlite_schema that was written by the user. */
interface SchemaObject {
  readonly type: string
  readonly name: string
  readonly sql: string
}

/** The database to copy from, while it is attached. */
const PAST = 'venomqa_past'

/**
 * Makes the content of the main database that of the file `past`, by SQL in one transaction: schema, rows with their
 * rowids, AUTOINCREMENT counters, versions. The connection and its prepared statements stay as they are.
 */
export function replaceContent(connection: Connection, past: string): void {
  const keys = connection.value('pragma foreign_keys')
  const checks = connection.value('pragma ignore_check_constraints')
  connection.exec('pragma foreign_keys = off; pragma ignore_check_constraints = on')
  connection.exec(`attach '${past.replaceAll("'", "''")}' as ${PAST}`)
  try {
    if (hasVirtual(connection, 'main') || hasVirtual(connection, PAST)) replaceUndefended(connection)
    else asOne(connection, () => replace(connection))
  } finally {
    connection.exec(`detach ${PAST}`)
    connection.exec(`pragma foreign_keys = ${String(keys)}; pragma ignore_check_constraints = ${String(checks)}`)
  }
}

/** The tables behind a virtual table may be written by nobody else, and it may remember what was in them. */
function replaceUndefended(connection: Connection): void {
  connection.exec('pragma writable_schema = on')
  const wasDefended = connection.value('pragma writable_schema') === 0n
  connection.exec('pragma writable_schema = off')
  if (wasDefended) connection.undefended(true)
  try {
    asOne(connection, () => replace(connection))
    connection.exec('pragma writable_schema = reset')
  } finally {
    if (wasDefended) connection.undefended(false)
  }
}

function replace(connection: Connection): void {
  const past = objectsIn(connection, PAST)
  const wanted = new Set(past.map(identity))
  // Triggers would act on what is copied.
  const isKept = (object: SchemaObject): boolean => object.type !== 'trigger' && wanted.has(identity(object))
  for (const object of objectsIn(connection, 'main').toReversed()) {
    if (!isKept(object)) connection.exec(`drop ${object.type} if exists main.${quoted(object.name)}`)
  }
  // Virtual tables make the tables behind them.
  for (const type of ['virtual', 'table']) {
    for (const object of missing(connection, past)) {
      if (object.type === 'table' && (type === 'table' || isVirtual(object))) connection.exec(object.sql)
    }
  }
  for (const table of past.filter((object) => object.type === 'table' && !isVirtual(object)))
    copyRows(connection, table.name)
  for (const table of ['sqlite_sequence', 'sqlite_stat1', 'sqlite_stat4']) copyInternal(connection, table)
  for (const object of missing(connection, past)) connection.exec(object.sql)
  for (const name of ['user_version', 'application_id']) {
    connection.exec(`pragma main.${name} = ${String(connection.value(`pragma ${PAST}.${name}`))}`)
  }
}

/** In an order in which they can be made: tables, indices, views, triggers. */
function objectsIn(connection: Connection, database: string): SchemaObject[] {
  const rows = connection.rows(
    `select type, name, sql from ${database}.sqlite_schema where sql is not null and name not like 'sqlite\\_%' escape '\\' ` +
      "order by case type when 'table' then 1 when 'index' then 2 when 'view' then 3 else 4 end, rowid",
  )
  return rows.map(([type, name, sql]) => ({ type: String(type), name: String(name), sql: String(sql) }))
}

function missing(connection: Connection, past: readonly SchemaObject[]): SchemaObject[] {
  const there = new Set(objectsIn(connection, 'main').map(identity))
  return past.filter((object) => !there.has(identity(object)))
}

function identity({ type, name, sql }: SchemaObject): string {
  return JSON.stringify([type, name, sql])
}

function isVirtual({ sql }: SchemaObject): boolean {
  return /^create\s+virtual\b/i.test(sql)
}

function hasVirtual(connection: Connection, database: string): boolean {
  return objectsIn(connection, database).some(isVirtual)
}

function copyRows(connection: Connection, table: string): void {
  const info = connection.rows("select name, type, pk from pragma_table_xinfo(?, 'main') where hidden = 0", table)
  const names = info.map(([name]) => String(name))
  const key = info.filter(([, , pk]) => pk !== 0n)
  const hasIndex =
    connection.value("select 1 from pragma_index_list(?, 'main') where origin = 'pk'", table) !== undefined
  const isAlias = key.length === 1 && !hasIndex && /^integer$/i.test(String(key[0]![1]))
  const isWithoutRowid = connection.value("select wr from pragma_table_list(?) where schema = 'main'", table) === 1n
  const taken = new Set(names.map((name) => name.toLowerCase()))
  const rowid = ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name))
  const columns = names.map(quoted)
  if (rowid !== undefined && !isAlias && !isWithoutRowid) columns.unshift(rowid)
  connection.exec(`delete from main.${quoted(table)}`)
  const list = columns.join(', ')
  connection.exec(`insert into main.${quoted(table)} (${list}) select ${list} from ${PAST}.${quoted(table)}`)
}

/** SQLite makes these itself, and lets their rows be written. */
function copyInternal(connection: Connection, table: string): void {
  const [isThere, was] = ['main', PAST].map(
    (database) => connection.value(`select 1 from ${database}.sqlite_schema where name = '${table}'`) !== undefined,
  )
  if (isThere) connection.exec(`delete from main.${table}`)
  if (isThere && was) connection.exec(`insert into main.${table} select * from ${PAST}.${table}`)
}
