import type { Modes } from './modes.ts'
import type { Session, TextRow } from './session.ts'
import { name, text } from './sql.ts'
import { bodyOf } from './trigger-body.ts'

/** A column. */
export interface Column {
  readonly name: string
  /** As it is declared: `varchar(20)`, `bigint(20) unsigned`. */
  readonly type: string
  /** The first word of it: `varchar`, `bigint`. */
  readonly kind: string
  readonly collation: { readonly charset: string; readonly name: string } | undefined
  /** Computed by the server, so never inserted. */
  readonly generated: boolean
}

/** A table of the database. */
export interface Table {
  readonly name: string
  readonly engine: string
  readonly partitioned: boolean
  readonly columns: readonly Column[]
  /** The columns by which a row is known: the primary key, else the first unique key without NULL. */
  readonly key: readonly string[] | undefined
  readonly autoIncrement: boolean
  /** The statement that makes it, without the counter. */
  readonly definition: string
  /** The same, equal for equal tables: MySQL adds the character set of a collation when it is given it again. */
  readonly shape: string
}

/** A foreign key between two tables of the database. */
export interface ForeignKey {
  readonly child: string
  readonly columns: readonly string[]
  readonly parent: string
  readonly references: readonly string[]
  readonly onDelete: string
  readonly onUpdate: string
}

/** A trigger, ours or the user's. */
export interface Trigger extends Modes {
  readonly name: string
  readonly table: string
  readonly event: string
  readonly timing: string
  /** The text of what it does. */
  readonly body: string
  readonly definer: string
}

/** What there is in the database. */
export interface Catalog {
  readonly tables: ReadonlyMap<string, Table>
  readonly foreignKeys: readonly ForeignKey[]
  /** In the order in which they fire. */
  readonly triggers: readonly Trigger[]
  readonly views: ReadonlyMap<string, string>
  /** MariaDB: tables that keep their history themselves. */
  readonly versioned: readonly string[]
  /** MariaDB: sequences. */
  readonly sequences: readonly string[]
}

/** The table that says: this is a test database. */
export const MARK = 'vq_mark'

/** Reads what there is in a database. Triggers of these names go without their body, which is the slowest to read. */
export async function catalogOf(session: Session, database: string, bodiless?: RegExp): Promise<Catalog> {
  const here = `TABLE_SCHEMA = ${text(database)}`
  const [tables, columns, keys, references, triggers, views] = await session.run([
    `SELECT TABLE_NAME AS name, TABLE_TYPE AS type, ENGINE AS engine, CREATE_OPTIONS AS options
       FROM information_schema.TABLES WHERE ${here} ORDER BY TABLE_NAME`,
    `SELECT TABLE_NAME AS \`table\`, COLUMN_NAME AS name, COLUMN_TYPE AS type, DATA_TYPE AS kind, CHARACTER_SET_NAME AS charset,
            COLLATION_NAME AS collation, EXTRA AS extra, GENERATION_EXPRESSION AS expression
       FROM information_schema.COLUMNS WHERE ${here} ORDER BY TABLE_NAME, ORDINAL_POSITION`,
    `SELECT TABLE_NAME AS \`table\`, INDEX_NAME AS name, COLUMN_NAME AS \`column\`, NULLABLE AS nullable
       FROM information_schema.STATISTICS WHERE ${here} AND NON_UNIQUE = 0
      ORDER BY TABLE_NAME, INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX`,
    `SELECT k.TABLE_NAME AS child, k.CONSTRAINT_NAME AS name, k.COLUMN_NAME AS \`column\`, k.REFERENCED_TABLE_NAME AS parent,
            k.REFERENCED_COLUMN_NAME AS referenced, r.DELETE_RULE AS onDelete, r.UPDATE_RULE AS onUpdate
       FROM information_schema.KEY_COLUMN_USAGE k
       JOIN information_schema.REFERENTIAL_CONSTRAINTS r
         ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.TABLE_NAME = k.TABLE_NAME AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME
      WHERE k.${here} AND r.CONSTRAINT_SCHEMA = ${text(database)} AND k.REFERENCED_TABLE_SCHEMA = ${text(database)}
      ORDER BY k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION`,
    `SELECT TRIGGER_NAME AS name, EVENT_OBJECT_TABLE AS \`table\`, EVENT_MANIPULATION AS event, ACTION_TIMING AS timing,
            DEFINER AS definer, SQL_MODE AS sqlMode, CHARACTER_SET_CLIENT AS charset,
            COLLATION_CONNECTION AS collation
       FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ${text(database)}
      ORDER BY EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER`,
    `SELECT TABLE_NAME AS name, VIEW_DEFINITION AS definition FROM information_schema.VIEWS WHERE ${here} ORDER BY TABLE_NAME`,
  ])
  const bases = tables!.filter(
    ({ type, name }) => (type === 'BASE TABLE' || type === 'SYSTEM VERSIONED') && name !== MARK,
  )
  const definitions = await session.run(bases.map((row) => `SHOW CREATE TABLE ${name(database)}.${name(row['name']!)}`))
  const read = triggers!.filter((row) => !bodiless?.test(row['name']!))
  const texts = await session.run(read.map((row) => `SHOW CREATE TRIGGER ${name(database)}.${name(row['name']!)}`))
  const bodies = new Map(read.map((row, i) => [row, bodyOf(texts[i]![0]!['SQL Original Statement']!)]))
  const written = triggers!.map((row) => ({ ...row, body: bodies.get(row) ?? '' }) as unknown as Trigger)
  const columnsOf = grouped(columns!, ({ table }) => table!)
  const keysOf = grouped(keys!, ({ table }) => table!)
  return {
    tables: new Map(
      bases.map((row, i): [string, Table] => {
        const table = row['name']!
        const definition = withoutCounter(definitions[i]![0]!['Create Table']!)
        const own = columnsOf.get(table) ?? []
        return [
          table,
          {
            name: table,
            engine: row['engine'] ?? '',
            partitioned: /\bpartitioned\b/.test(row['options'] ?? ''),
            columns: own.map(columnOf),
            key: keyOf(keysOf.get(table) ?? []),
            autoIncrement: own.some(({ extra }) => /auto_increment/i.test(extra ?? '')),
            definition,
            shape: definition.replaceAll(/ CHARACTER SET \w+ COLLATE /g, ' COLLATE '),
          },
        ]
      }),
    ),
    foreignKeys: foreignKeysOf(references!),
    triggers: written,
    views: new Map(views!.map((row) => [row['name']!, row['definition']!])),
    versioned: tables!.filter(({ type }) => type === 'SYSTEM VERSIONED').map((row) => row['name']!),
    sequences: tables!.filter(({ type }) => type === 'SEQUENCE').map((row) => row['name']!),
  }
}

function columnOf(row: TextRow): Column {
  const { charset, collation } = row
  return {
    name: row['name']!,
    // MariaDB hides COMPRESSED in a comment.
    type: row['type']!.replaceAll(/\s*\/\*.*?\*\//g, ''),
    kind: row['kind']!.toLowerCase(),
    collation: charset && collation ? { charset, name: collation } : undefined,
    generated: Boolean(row['expression']),
  }
}

function keyOf(rows: readonly TextRow[]): readonly string[] | undefined {
  const keys = grouped(rows, (row) => row['name']!)
  for (const columns of keys.values()) {
    // A key over an expression has no column; NULL is never equal to itself.
    if (columns.every(({ column, nullable }) => column !== null && nullable !== 'YES'))
      return columns.map((row) => row['column']!)
  }
  return undefined
}

function foreignKeysOf(rows: readonly TextRow[]): readonly ForeignKey[] {
  return [...grouped(rows, (row) => `${row['child']}\0${row['name']}`).values()].map((columns) => {
    const [first] = columns
    return {
      child: first!['child']!,
      columns: columns.map((row) => row['column']!),
      parent: first!['parent']!,
      references: columns.map((row) => row['referenced']!),
      onDelete: first!['onDelete']!,
      onUpdate: first!['onUpdate']!,
    }
  })
}

/** The rows of each key, in their order. */
function grouped<T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const row of rows) {
    const group = groups.get(keyOf(row))
    if (group) group.push(row)
    else groups.set(keyOf(row), [row])
  }
  return groups
}

/** The counter is no part of what a table is: it moves with every insert. */
function withoutCounter(definition: string): string {
  return definition.replace(/\) ENGINE=(\w+) AUTO_INCREMENT=\d+/, ') ENGINE=$1')
}
