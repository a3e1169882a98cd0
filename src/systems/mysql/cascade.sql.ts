import type { ForeignKey } from './catalog.ts'
import type { Server } from './server.ts'
import { list, name } from './sql.ts'
import { type Image, logged, type Places, type Tracked, type Tracking } from './tracked.ts'

/** Rows that a foreign key is about to change, as the tail of a select: the rows of `alias`. */
interface Rows {
  readonly table: Tracked
  readonly alias: string
  readonly from: string
  readonly where: string
  /** The foreign keys that led here. */
  readonly path: readonly ForeignKey[]
}

/** What the triggers of a parent must do when the columns change that a foreign key refers to, a statement each. */
interface Update {
  readonly references: readonly string[]
  readonly before: readonly string[]
  /** Once the foreign key has done its work: rows that have another key now. */
  readonly after: readonly string[]
}

/** So many ways down to the same few tables would make a trigger slower than remembering those tables whole. */
const MANY = 100

/** More rows than a table can have. https://dev.mysql.com/doc/refman/9.0/en/select.html */
const ALL = '18446744073709551615'

/** The types whose values MariaDB keeps out of tables in memory. JSON is one of them. */
const BLOBS = /blob|text|geometry|point|string|polygon|geomcollection/

/** Rules by which a foreign key changes no rows. */
export const HARMLESS: readonly string[] = ['RESTRICT', 'NO ACTION']

/**
 * Foreign keys change rows without firing their triggers, so the trigger of the parent remembers them all beforehand:
 * children, their children, and so on.
 *
 * It may remember more than will change: that a row was as it is now is never wrong.
 */
export class Cascades {
  readonly flavour: Server['flavour']
  readonly #places: Places
  readonly #tracking: Tracking
  readonly #foreignKeys: readonly ForeignKey[]
  #aliases = 0

  constructor(flavour: Server['flavour'], places: Places, tracking: Tracking, foreignKeys: readonly ForeignKey[]) {
    this.flavour = flavour
    this.#places = places
    this.#tracking = tracking
    this.#foreignKeys = foreignKeys.filter(({ child, parent }) => tracking.has(child) && tracking.has(parent))
  }

  /** What a BEFORE DELETE trigger of `table` must do, a statement each. */
  onDelete(table: string): readonly string[] {
    this.#aliases = 0
    const keys = this.#childrenOf(table, ({ onDelete }) => onDelete)
    const statements = keys.flatMap((key) => this.#follow(this.#first(key), key.onDelete === 'CASCADE'))
    return statements.length > MANY ? this.#everythingBelow(table) : statements
  }

  /** What the triggers of `table` must do before and after an update, for each foreign key whose columns change. */
  onUpdate(table: string): readonly Update[] {
    this.#aliases = 0
    return this.#childrenOf(table, ({ onUpdate }) => onUpdate).map((key) => {
      const { references } = key
      const [then, now] = [this.#updated(this.#first(key)), this.#updated(this.#first(key, 'NEW')).filter(isMoved)]
      return {
        references,
        // Who refers to the new value already is remembered too, so that it is not taken for one who comes to.
        before: [...then, ...now].map((rows) => this.#remember(rows)),
        after: now.map((rows) => this.#remember(rows, 0)),
      }
    })
  }

  #childrenOf(parent: string, rule: (key: ForeignKey) => string): readonly ForeignKey[] {
    return this.#foreignKeys.filter((key) => key.parent === parent && !HARMLESS.includes(rule(key)))
  }

  /** The statements for these rows and for what depends on them. */
  #follow(rows: Rows, deleted: boolean): readonly string[] {
    const table = rows.table.table.name
    if (!deleted) return this.#updated(rows).map((below) => this.#remember(below))
    const keys = this.#childrenOf(table, ({ onDelete }) => onDelete)
    const own = keys.filter((key) => key.child === table && key.onDelete === 'CASCADE')
    if (own.length > 0 && rows.table.key.length === 0) return this.#everythingBelow(table)
    const all = own.length > 0 ? this.#closed(rows, own) : rows
    const next = keys.filter((key) => !own.includes(key))
    const seen = rows.path.map(({ parent }) => parent)
    if (next.some((key) => key.onDelete === 'CASCADE' && seen.includes(key.child))) return this.#everythingBelow(table)
    return [
      this.#remember(all),
      ...next.flatMap((key) => this.#follow(this.#joined(all, key), key.onDelete === 'CASCADE')),
    ]
  }

  /** These rows, of which a foreign key changes columns, and those of which it changes columns in turn. */
  #updated(rows: Rows): readonly Rows[] {
    const table = rows.table.table.name
    const changed = rows.path.at(-1)!.columns
    const next = this.#childrenOf(table, ({ onUpdate }) => onUpdate).filter(({ references }) =>
      references.some((column) => changed.includes(column)),
    )
    if (next.some((key) => rows.path.includes(key))) return this.#allBelow(table)
    return [rows, ...next.flatMap((key) => this.#updated(this.#joined(rows, key)))]
  }

  /** The children of the row that the trigger fires for: of what it was, or of what it becomes. */
  #first(key: ForeignKey, row: 'OLD' | 'NEW' = 'OLD'): Rows {
    const alias = this.#alias()
    return {
      table: this.#tracking.get(key.child)!,
      alias,
      from: `${this.#places.table(key.child)} AS ${alias}`,
      where: key.columns
        .map((column, i) => `${alias}.${name(column)} = ${row}.${name(key.references[i]!)}`)
        .join(' AND '),
      path: [key],
    }
  }

  /** The children of `rows`. */
  #joined(rows: Rows, key: ForeignKey): Rows {
    const alias = this.#alias()
    const on = key.columns.map((column, i) => `${alias}.${name(column)} = ${rows.alias}.${name(key.references[i]!)}`)
    return {
      table: this.#tracking.get(key.child)!,
      alias,
      from: `${rows.from} JOIN ${this.#places.table(key.child)} AS ${alias} ON ${on.join(' AND ')}`,
      where: rows.where,
      path: [...rows.path, key],
    }
  }

  /** `rows` and all that hang below them in the same table. */
  #closed(rows: Rows, own: readonly ForeignKey[]): Rows {
    const [tree, below, alias] = [this.#alias(), this.#alias(), this.#alias()]
    const table = this.#places.table(rows.table.table.name)
    const keys = rows.table.key.map(({ column }) => name(column.name))
    const needed = [...new Set([...keys, ...own.flatMap(({ references }) => references.map(name))])]
    const columns = (of: string): string => list(needed.map((column) => `${of}.${column}`))
    const levels = own.map((key) => {
      const on = key.columns.map((column, i) => `${below}.${name(column)} = ${tree}.${name(key.references[i]!)}`)
      return ` UNION SELECT ${columns(below)} FROM ${tree} JOIN ${table} AS ${below} ON ${on.join(' AND ')}`
    })
    const all = `WITH RECURSIVE ${tree} AS (SELECT ${columns(rows.alias)} FROM ${rows.from} WHERE ${rows.where}${levels.join('')})`
    const on = keys.map((column) => `${alias}.${column} = ${alias}k.${column}`).join(' AND ')
    return {
      table: rows.table,
      alias,
      from: `(${all} SELECT ${list(keys)} FROM ${tree}) AS ${alias}k JOIN ${table} AS ${alias} ON ${on}`,
      where: 'TRUE',
      path: rows.path,
    }
  }

  #everythingBelow(table: string): readonly string[] {
    return this.#allBelow(table).map((rows) => this.#remember(rows))
  }

  /** Where foreign keys of several tables run in a circle: all rows of all tables that can be reached. */
  #allBelow(table: string): readonly Rows[] {
    const reached = new Set([table])
    for (const parent of reached) {
      for (const { child } of this.#foreignKeys.filter((key) => key.parent === parent)) reached.add(child)
    }
    return [...reached].map((child) => {
      const alias = this.#alias()
      const from = `${this.#places.table(child)} AS ${alias}`
      return { table: this.#tracking.get(child)!, alias, from, where: 'TRUE', path: [] }
    })
  }

  /** Writes the rows into their log: that they were as they are, or that none with their keys was. */
  #remember({ table, alias, from, where }: Rows, was: 0 | 1 = 1): string {
    const log = this.#places.own(`u${table.number}`)
    const kept = was ? logged(table) : table.key
    const images = table.way === 'log' ? kept : []
    const into = list(['seq', 'was', ...images.map(({ as }) => as)])
    // A locking read sees what was committed since the snapshot of a long transaction, as the foreign key will. Without a
    // limit, MariaDB would take the session's: sql_select_limit.
    const tail = `FROM ${from} WHERE ${where} LIMIT ${table.way === 'copy' ? 1 : ALL} LOCK IN SHARE MODE`
    if (this.flavour === 'mysql') {
      const values = images.map(({ column }) => `${alias}.${name(column.name)}`)
      return `INSERT INTO ${log} (${into}) SELECT ${list(['UUID_SHORT()', String(was), ...values])} ${tail};`
    }
    // In MariaDB an INSERT … SELECT would hold the lock of the counter until the application's statement ends; and a loop
    // over a BLOB would be over a file, so those are read one by one.
    const keys = table.key.map(({ as }) => as)
    const isApart = ({ column, as }: Image): boolean => BLOBS.test(column.kind) && !keys.includes(as)
    const known = table.key.map(({ column, as }) => `b.${name(column.name)} = r.${as}`).join(' AND ')
    const apart = `FROM ${this.#places.table(table.table.name)} AS b WHERE ${known} LOCK IN SHARE MODE`
    const selected = images
      .filter((image) => !isApart(image))
      .map(({ column, as }) => `${alias}.${name(column.name)} AS ${as}`)
    const values = images.map((image) =>
      isApart(image) ? `(SELECT b.${name(image.column.name)} ${apart})` : `r.${image.as}`,
    )
    return (
      `FOR r IN (SELECT ${list(selected.length > 0 ? selected : ['1 AS c'])} ${tail}) DO ` +
      `INSERT INTO ${log} (${into}) VALUES (${list(['UUID_SHORT()', String(was), ...values])}); END FOR;`
    )
  }

  #alias(): string {
    return `t${++this.#aliases}`
  }
}

/** Whether a foreign key changes the keys of rows: then they are other rows afterwards. A generated column may follow. */
function isMoved({ table, path }: Rows): boolean {
  if (table.way === 'copy') return false
  const changed = path.at(-1)?.columns
  return table.key.some(({ column }) => column.generated || !changed || changed.includes(column.name))
}
