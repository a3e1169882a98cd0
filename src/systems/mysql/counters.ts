import { firesForNothing } from './capture.sql.ts'
import type { Server } from './server.ts'
import type { Session, TextRow } from './session.ts'
import { list, text } from './sql.ts'
import type { Places, Tracked, Tracking } from './tracked.ts'

/** What the server counts about a table. */
export interface Counter {
  /** InnoDB's number of the table: another one after TRUNCATE, DROP and what builds the table anew. All of them for partitions. */
  readonly id: string
  /** The next generated id, undefined where there is none. */
  readonly next: bigint | undefined
}

/** What the server counts at one moment. */
export interface Counters {
  readonly tables: ReadonlyMap<string, Counter>
  /** The highest seq of each log by its number; a log that is not known to be old is not in here. */
  readonly logs: ReadonlyMap<number, bigint>
  /** How many statements of others changed a schema. */
  readonly ddl: number
  readonly truncates: number
}

/** Statements that change what tables, triggers and views there are. The server counts them for all databases together. */
const DDL = (
  'alter_table create_table drop_table rename_table truncate create_index drop_index optimize ' +
  'create_trigger drop_trigger create_view drop_view create_db drop_db alter_db'
).split(' ')
const DDL_COUNT = `SHOW GLOBAL STATUS WHERE Variable_name IN (${list(DDL.map((statement) => text(`Com_${statement}`)))})`

/** Reads what the server counts. It knows by which names InnoDB calls the tables. */
export class Counting {
  readonly #server: Server
  readonly #places: Places
  /** InnoDB's names of tables that are not letters, digits and underscores. */
  #files: ReadonlyMap<string, string> = new Map()
  #prefix: string | undefined

  constructor(server: Server, places: Places) {
    this.#server = server
    this.#places = places
  }

  /** Asks how InnoDB calls these tables, and has it load them all: it tells nothing of a table that nobody opened. */
  async learn(session: Session, tracking: Tracking): Promise<void> {
    const opening = [...tracking.values()].map((table) => firesForNothing(this.#places, table))
    // A table that is gone is found out by who looks for it.
    if (!(await session.allowed(...opening))) for (const sql of opening) await session.allowed(sql)
    const names = [...tracking.keys()]
    const odd = names.filter((table) => !isPlain(table))
    if (isPlain(this.#places.database)) this.#prefix = `${this.#places.database}/`
    if (odd.length === 0 && this.#prefix !== undefined) return
    const files =
      this.#server.flavour === 'mariadb'
        ? await this.#filesOfMariadb(session, odd)
        : await this.#filesOfMysql(session, this.#prefix === undefined ? names : odd)
    this.#files = new Map(files)
  }

  /** The statements that read everything, for `read`. */
  statements(): readonly string[] {
    const { tableStats } = this.#server
    const like = (prefix: string): string => text(`${prefix.replaceAll(/[|%_]/g, '|$&')}%`)
    return [
      `SELECT NAME AS name, TABLE_ID AS id, AUTOINC AS next FROM ${tableStats} ` +
        `WHERE NAME LIKE ${like(this.#prefix ?? '/')} ESCAPE '|' OR NAME LIKE ${like(`${this.#places.schema}/u`)} ESCAPE '|'`,
      DDL_COUNT,
    ]
  }

  /** What the statements told. Tables of which InnoDB did not tell enough are asked for one by one. */
  async read(
    session: Session,
    [stats, counts]: readonly (readonly TextRow[])[],
    tracking: Tracking,
  ): Promise<Counters> {
    const known = this.#told(stats!, tracking)
    const unsure = [...tracking.values()].filter(({ table }) => !isSure(table, known.get(table.name)))
    const tables = unsure.length === 0 ? known : new Map([...known, ...(await this.#ask(session, unsure))])
    return {
      tables,
      logs: logsIn(stats!, `${this.#places.schema}/u`),
      ddl: counts!.reduce((sum, row) => sum + Number(row['Value']), 0) - session.ddl,
      truncates: Number(counts!.find((row) => row['Variable_name'] === 'Com_truncate')?.['Value']),
    }
  }

  #told(stats: readonly TextRow[], tracking: Tracking): Map<string, Counter> {
    const names = new Map([...this.#files].map(([table, file]) => [file, table]))
    const tables = new Map<string, Counter>()
    for (const { name, id, next } of stats) {
      if (this.#prefix === undefined || !name!.startsWith(this.#prefix)) continue
      const file = name!.slice(this.#prefix.length)
      const table = names.get(file) ?? file
      if (tracking.has(table)) tables.set(table, { id: id!, next: next === '0' ? undefined : BigInt(next!) })
    }
    return tables
  }

  async #ask(session: Session, unsure: readonly Tracked[]): Promise<[string, Counter][]> {
    const { tables } = this.#server
    const opened = await Promise.all(unsure.map((tracked) => session.allowed(this.#open(tracked))))
    const there = unsure.filter((_, i) => opened[i])
    if (there.length === 0) return []
    const names = list(there.map(({ table }) => text(table.name)))
    const [generated, ids] = await session.run([
      `SELECT TABLE_NAME AS name, AUTO_INCREMENT AS next FROM information_schema.TABLES
        WHERE TABLE_SCHEMA = ${text(this.#places.database)} AND TABLE_NAME IN (${names})`,
      `SELECT NAME AS name, TABLE_ID AS id FROM ${tables} WHERE NAME LIKE ${text(`${this.#prefix ?? '/'}%`)} ORDER BY TABLE_ID`,
    ])
    return there.map(({ table }): [string, Counter] => {
      const file = `${this.#prefix}${this.#files.get(table.name) ?? table.name}`
      const own = ids!.filter(
        (row) => row['name'] === file || row['name']!.toLowerCase().startsWith(`${file.toLowerCase()}#p#`),
      )
      const next = generated!.find((row) => row['name'] === table.name)?.['next']
      return [table.name, { id: own.map((row) => row['id']).join(), next: next ? BigInt(next) : undefined }]
    })
  }

  #open({ table }: Tracked): string {
    return `SELECT 1 FROM ${this.#places.table(table.name)} LIMIT 1`
  }

  async #filesOfMariadb(session: Session, odd: readonly string[]): Promise<[string, string][]> {
    const file = (of: string): string => `CAST(CONVERT(${text(of)} USING filename) AS BINARY)`
    const [row] = await session.query(
      `SELECT ${list([this.#places.database, ...odd].map((of, i) => `${file(of)} AS f${i}`))}`,
    )
    this.#prefix = `${row!['f0']}/`
    return odd.map((table, i) => [table, row![`f${i + 1}`]!])
  }

  /** MySQL does not tell, so a lock on each table shows its number, and the number its name. */
  async #filesOfMysql(session: Session, tables: readonly string[]): Promise<[string, string][]> {
    const files: [string, string][] = []
    for (const table of tables) {
      const [, , locks] = await session.run([
        'START TRANSACTION',
        `SELECT 1 FROM ${this.#places.table(table)} LIMIT 1 LOCK IN SHARE MODE`,
        `SELECT t.NAME AS name FROM performance_schema.data_locks l
           JOIN ${this.#server.tables} t ON t.TABLE_ID = SUBSTRING_INDEX(SUBSTRING_INDEX(l.ENGINE_LOCK_ID, ':', 3), ':', -1)
          WHERE l.LOCK_TYPE = 'TABLE' AND l.OBJECT_SCHEMA = ${text(this.#places.database)} AND l.OBJECT_NAME = ${text(table)}
            AND l.THREAD_ID = PS_CURRENT_THREAD_ID()`,
        'COMMIT',
      ])
      const file = locks![0]?.['name']
      if (!file) continue
      const [database = '', own = ''] = file.split('/')
      this.#prefix = `${database}/`
      files.push([table, own.split('#')[0]!])
    }
    return files
  }
}

/** Whether a name is the same for InnoDB. */
function isPlain(identifier: string): boolean {
  return /^\w+$/.test(identifier)
}

function isSure({ partitioned, autoIncrement, engine }: Tracked['table'], told: Counter | undefined): boolean {
  return told !== undefined && !partitioned && engine === 'InnoDB' && (told.next !== undefined || !autoIncrement)
}

/** Logs that nobody opened since the server started have no counter: they count as new. */
function logsIn(stats: readonly TextRow[], prefix: string): Map<number, bigint> {
  const logs = new Map<number, bigint>()
  for (const row of stats) {
    if (row['name']!.startsWith(prefix) && row['next'] !== '0') {
      logs.set(Number(row['name']!.slice(prefix.length)), BigInt(row['next']!) - 1n)
    }
  }
  return logs
}
