import type { Change } from '../../../src/rollbackable.ts'

/** Runs SQL as one connection of the application does. */
export interface Sql {
  exec(sql: string): Promise<unknown>
  all(sql: string): Promise<Record<string, unknown>[]>
}

/** Everything in a database that a rollback must bring back, as text. */
export interface Dump {
  readonly schema: readonly string[]
  readonly counters: string
  readonly version: string
  /** By table, then by what identifies a row, the row column by column. */
  readonly tables: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>
}

const USER = "name not like 'sqlite\\_%' escape '\\'"

/** Reads it by SQL alone: nothing here knows how a system goes back, or how it finds out what changed. */
export async function dump(sql: Sql): Promise<Dump> {
  const schema = (await sql.all(`select sql from sqlite_schema where sql is not null and ${USER} order by sql`)).map(
    ({ sql: text }) => String(text),
  )
  const [sequence] = await sql.all("select count(*) as n from sqlite_schema where name = 'sqlite_sequence'")
  const counters = sequence?.['n']
    ? JSON.stringify(await sql.all('select name, seq from sqlite_sequence order by name'))
    : ''
  const [version] = await sql.all('select user_version as v from pragma_user_version')
  const tables: Record<string, Record<string, Record<string, string>>> = {}
  const listed = await sql.all(
    `select name, type, wr from pragma_table_list where schema = 'main' and type in ('table', 'virtual') and ${USER}`,
  )
  for (const { name, type, wr } of listed) {
    const info = await sql.all(
      `select name, pk, hidden from pragma_table_xinfo('${String(name)}') where hidden in (0, 3)`,
    )
    const columns = info.map((column) => String(column['name']))
    const key = info.filter(({ pk }) => Number(pk) > 0).map((column) => String(column['name']))
    const values = columns.map((column, i) => `${tagged(`"${column.replaceAll('"', '""')}"`)} as c${i}`)
    if (!wr) values.push('rowid as r')
    const rows = await sql.all(`select ${values.join(', ')} from "${String(name)}"`)
    tables[String(name)] = Object.fromEntries(
      rows.map((row) => {
        const shown = Object.fromEntries(columns.map((column, i) => [column, String(row[`c${i}`])]))
        if (type === 'virtual') shown['rowid'] = `n${String(row['r'])}`
        // Two rows may have a key of NULL: then the rowid tells them apart.
        const isKeyed = key.length > 0 && !key.some((column) => shown[column] === 'null')
        const id = isKeyed ? key.map((column) => shown[column]).join('|') : `rowid ${String(row['r'])}`
        return [id, shown]
      }),
    )
  }
  return { schema, counters, version: String(version?.['v']), tables }
}

/** A value with its type; a whole REAL as an INTEGER, since JavaScript does not tell them apart. */
function tagged(column: string): string {
  return `case typeof(${column}) when 'null' then 'null' when 'text' then 't' || ${column} when 'blob' then 'b' || hex(${column})
    when 'integer' then 'n' || ${column} else 'n' || cast(cast(${column} as integer) as text) || case when ${column} = cast(${column} as integer) then '' else '.' || round(abs(${column} - cast(${column} as integer)) * 1000) end end`
}

type Listed = Record<string, string[]>

/** What `changes()` must list between two dumps: rows and no more. */
export function expectedChanges(before: Dump, after: Dump): Listed {
  const listed: Listed = {}
  for (const table of new Set([...Object.keys(before.tables), ...Object.keys(after.tables)])) {
    const [was, is] = [before.tables[table] ?? {}, after.tables[table] ?? {}]
    const lines: string[] = []
    for (const id of new Set([...Object.keys(was), ...Object.keys(is)])) {
      const [one, other] = [was[id], is[id]]
      if (!one) lines.push(`+ ${text(other!)}`)
      else if (!other) lines.push(`- ${text(one)}`)
      else {
        const names = [...new Set([...Object.keys(one), ...Object.keys(other)])].filter(
          (name) => one[name] !== other[name],
        )
        // A column that was added or dropped by ALTER TABLE changes no row.
        if (names.some((name) => name in one && name in other)) {
          lines.push(`~ ${text(only(one, names))} > ${text(only(other, names))}`)
        }
      }
    }
    if (lines.length > 0) listed[table] = lines.toSorted()
  }
  return listed
}

/** What `changes()` listed, in the same form. */
export function listedChanges(changes: readonly Change[]): Listed {
  const row = (values: Readonly<Record<string, unknown>>): string =>
    text(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, tag(value)])))
  return Object.fromEntries(
    changes
      .filter(({ table }) => table !== 'sqlite_schema')
      .map(({ table, inserted, updated, deleted }) => [
        table,
        [
          ...inserted.map((one) => `+ ${row(one)}`),
          ...deleted.map((one) => `- ${row(one)}`),
          ...updated.map(({ before, after }) => `~ ${row(before)} > ${row(after)}`),
        ].toSorted(),
      ]),
  )
}

function only(row: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (name in row ? [[name, row[name]!]] : [])))
}

function text(row: Readonly<Record<string, string>>): string {
  return Object.keys(row)
    .toSorted()
    .map((name) => `${name}=${row[name]}`)
    .join(' ')
}

function tag(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return `t${value}`
  if (Buffer.isBuffer(value)) return `b${value.toString('hex').toUpperCase()}`
  if (typeof value === 'bigint') return `n${value}`
  const number = value as number
  const whole = Math.trunc(number)
  return number === whole ? `n${whole}` : `n${whole}.${Math.round(Math.abs(number - whole) * 1000)}.0`
}
