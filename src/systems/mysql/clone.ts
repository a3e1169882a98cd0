import { isVenomError } from '../../errors.ts'
import type { Table } from './catalog.ts'
import { makeTrigger } from './guard.ts'
import { inModes, type Modes } from './modes.ts'
import { foreignAuthor, isForeignAuthor } from './refusal.ts'
import type { Session, TextRow } from './session.ts'
import { list, name, text } from './sql.ts'
import { seen } from './state.ts'
import { isInnodb } from './tracked.ts'

/**
 * Makes a database that is like another: tables with their rows and counters, foreign keys, triggers, views, routines,
 * MariaDB's sequences. Rows never leave the server. Events are left out: they would run by themselves.
 *
 * `mark` is the first statement that runs in it. The session uses the new database afterwards. Answers with what must be
 * told.
 */
export async function clone(session: Session, from: string, to: string, mark: string): Promise<readonly string[]> {
  // With their own database in use, definitions are written down without its name.
  await session.run([`USE ${name(from)}`])
  const { catalog } = await seen(session, from)
  const [tables, views] = [[...catalog.tables.values()], [...catalog.views.keys()]]
  const [[database], ...shown] = (await session.run([
    `SHOW CREATE DATABASE ${name(from)}`,
    ...tables.map((table) => `SHOW CREATE TABLE ${name(table.name)}`),
    ...views.map((view) => `SHOW CREATE VIEW ${name(view)}`),
  ])) as [[TextRow], ...[TextRow][]]
  const routines = await routinesOf(session, from)
  const sequences = await sequencesOf(session, catalog.sequences)

  await session.run([database['Create Database']!.replace(name(from), () => name(to)), `USE ${name(to)}`, mark])
  await session.run([
    ...sequences,
    ...shown.slice(0, tables.length).map(([row]) => moved(row['Create Table']!, from, to)),
    'SET SESSION unique_checks = 0',
    // A server with GTIDs takes tables of other engines into no transaction.
    ...tables.filter((table) => !isInnodb(table)).map((table) => filled(table, from)),
    'START TRANSACTION',
    ...tables.filter(isInnodb).map((table) => filled(table, from)),
    'COMMIT',
    'SET SESSION unique_checks = 1',
  ])
  for (const trigger of catalog.triggers) await makeTrigger(session, trigger)
  const readable = routines.filter(({ statement }) => statement !== '')
  for (const routine of readable) await make(session, routine)
  const broken = await makeViews(
    session,
    shown.slice(tables.length).map(([row], i) => ({
      name: views[i]!,
      statement: moved(row['Create View']!, from, to),
      sqlMode: '',
      charset: row['character_set_client']!,
      collation: row['collation_connection']!,
    })),
  )
  const unread = routines.filter((routine) => !readable.includes(routine))
  const naming = [...catalog.triggers.map((trigger) => ({ ...trigger, statement: trigger.body })), ...readable].filter(
    ({ statement }) => names(statement, from),
  )
  return [
    ...unread.map((it) => `mysql: this user may not read ${it.name} of ${from}, so ${to} has none.`),
    ...broken.map((view) => `mysql: the view ${view} of ${from} cannot be used, so ${to} has none.`),
    ...naming.map(
      (it) => `mysql: ${it.name} names the database ${from}, and does so in ${to} too: what it writes there stays.`,
    ),
  ]
}

function filled({ name: table, columns }: Table, from: string): string {
  const own = list(columns.filter(({ generated }) => !generated).map((column) => name(column.name)))
  return `INSERT INTO ${name(table)} (${own}) SELECT ${own} FROM ${name(from)}.${name(table)}`
}

interface Definition extends Modes {
  readonly name: string
  readonly statement: string
}

/** Functions, procedures and MariaDB's packages. */
async function routinesOf(session: Session, database: string): Promise<readonly Definition[]> {
  const rows = await session.query(
    `SELECT ROUTINE_TYPE AS type, ROUTINE_NAME AS name FROM information_schema.ROUTINES
      WHERE ROUTINE_SCHEMA = ${text(database)} ORDER BY ROUTINE_TYPE, ROUTINE_NAME`,
  )
  const shown = await session.run(rows.map((row) => `SHOW CREATE ${row['type']} ${name(row['name']!)}`))
  return shown.map(([row], i) => ({
    name: rows[i]!['name']!,
    statement: Object.entries(row!).find(([column]) => column.startsWith('Create '))![1] ?? '',
    sqlMode: row!['sql_mode']!,
    charset: row!['character_set_client']!,
    collation: row!['collation_connection']!,
  }))
}

/** What makes MariaDB's sequences, each where it stands: numbers that the server holds in its memory are skipped. */
async function sequencesOf(session: Session, sequences: readonly string[]): Promise<readonly string[]> {
  const results = await session.run(
    sequences.flatMap((sequence) => [
      `SHOW CREATE SEQUENCE ${name(sequence)}`,
      `SELECT next_not_cached_value AS next FROM ${name(sequence)}`,
    ]),
  )
  return sequences.flatMap((sequence, i) => [
    results[2 * i]![0]!['Create Table']!,
    `SELECT SETVAL(${name(sequence)}, ${results[2 * i + 1]![0]!['next']}, 0)`,
  ])
}

/** Makes a view or a routine in the name of its author. Throws `MISSING_GRANT`. */
async function make(session: Session, definition: Definition): Promise<void> {
  try {
    await inModes(session, definition, definition.statement)
  } catch (error) {
    if (!isForeignAuthor(error)) throw error
    throw foreignAuthor(
      `${definition.name} belongs to another account, and this user may not make it for that one.`,
      'A database for a worker has the views, routines and triggers of yours, each in the name of its author.',
      error,
    )
  }
}

/** Makes views, those that others need first. Answers with those that cannot be made. */
async function makeViews(session: Session, views: readonly Definition[]): Promise<readonly string[]> {
  const left: Definition[] = []
  for (const view of views) {
    try {
      await make(session, view)
    } catch (error) {
      if (isVenomError(error)) throw error
      left.push(view)
    }
  }
  return left.length === 0 || left.length === views.length ? left.map((view) => view.name) : makeViews(session, left)
}

const PART = /'(?:[^'\\]|\\.|'')*'|(?:`(?:[^`]|``)*`\.?)+\(?|\w+|[^]/g
const QUOTED = /`(?:[^`]|``)*`/g

/** What a name of a table or sequence follows. */
const BEFORE = ['from', 'join', 'straight_join', 'nextval', 'lastval', 'setval']

/**
 * A definition as the server writes it, with another database in the place of `from`: where a table, a column with its
 * table or a function is named with it. A table may have that name, too.
 */
export function moved(definition: string, from: string, to: string): string {
  const old = `${name(from)}.`
  let before = ''
  return definition.replaceAll(PART, (part) => {
    const isDatabase =
      part.startsWith(old) && (part.match(QUOTED)?.length === 3 || part.endsWith('(') || BEFORE.includes(before))
    if (/^\w/.test(part)) before = part.toLowerCase()
    else if (!/^[\s(]/.test(part)) before = ''
    return isDatabase ? `${name(to)}.${part.slice(old.length)}` : part
  })
}

/** Whether a text of a user names the database. */
function names(statement: string, database: string): boolean {
  return [`${name(database)}.`, `${database}.`].some((it) => statement.toLowerCase().includes(it.toLowerCase()))
}
