import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { sqlite } from '../src/systems/sqlite/index.ts'
import { App, type AppConnection } from '../test/systems/sqlite/app.ts'
import type { Bench, Block } from './bench.ts'
import type { Timing } from './row.ts'

type Database = InstanceType<typeof BetterSqlite3>
type Way = Pick<Block, 'run'> & { readonly close: () => unknown }

/**
 * How long it takes to undo what another process changed in a SQLite file, while that process stays connected: winding
 * back the log, against putting a saved copy back in three ways. After every rollback that process compares the content.
 */
export async function run({ quick, measure, row, scratch }: Bench): Promise<void> {
  const folder = scratch()
  const app = App.start('better-sqlite3')
  try {
    for (const megabytes of quick ? [1, 10] : [1, 10, 100]) {
      const path = join(folder, `bench-${megabytes}.db`)
      const rows = make(path, megabytes)
      const few = quick ? 3 : Math.max(5, Math.round(60 / megabytes))
      for (const wanted of [1, 100, 10_000]) {
        const changed = Math.min(wanted, rows)
        const timed = async (start: () => Promise<Way>, runs = few, stays = true): Promise<Timing> => {
          const work = new Work(app, path, rows, changed, stays)
          await work.begin()
          const way = await start()
          const timing = await measure({
            runs,
            warmUp: 2,
            before: () => work.change(),
            run: way.run,
            after: () => work.check(),
          })
          await way.close()
          await work.end()
          return timing
        }
        row({
          ...(megabytes === 100 && wanted === 1 && { id: 'P4a', goal: { atLeast: 500 } }),
          ...(megabytes === 100 && wanted === 10_000 && { id: 'P4b', goal: { atLeast: 5 } }),
          work: `${megabytes} MB file, ${changed.toLocaleString('en')} ${changed === 1 ? 'row' : 'rows'} changed`,
          ours: { name: 'wal', ms: await timed(() => log(path), quick ? 15 : 61) },
          peers: {
            'copy the file, open it anew (other connections are lost)': await timed(() => file(path), few, false),
            'backup API into the open file': await timed(() => backup(path)),
            'SQL delete and insert': await timed(() => sql(path)),
          },
          correct: true,
        })
      }
    }
  } finally {
    await app.kill()
  }
}

/** What the other process does around each rollback. Where its connection cannot stay open, it connects for that. */
class Work {
  readonly #app: App
  readonly #path: string
  readonly #change: string
  readonly #stays: boolean
  #connection: AppConnection | undefined
  #found = ''

  constructor(app: App, path: string, rows: number, count: number, stays: boolean) {
    this.#app = app
    this.#path = path
    // Rows that are spread over the whole table, in one transaction.
    const spread = `with recursive i(n) as (select 0 union all select n + 1 from i where n + 1 < ${count}) select 1 + n * ${rows} / ${count} from i`
    this.#change = `update t set a = a + 1, b = '${'y'.repeat(90)}' where id in (${spread})`
    this.#stays = stays
  }

  async begin(): Promise<void> {
    this.#found = await this.#connected(content)
  }

  change(): Promise<void> {
    return this.#connected(async (connection) => void (await connection.run(this.#change)))
  }

  async check(): Promise<void> {
    if ((await this.#connected(content)) !== this.#found) throw new Error('the content is not what it was')
  }

  async end(): Promise<void> {
    await this.#connection?.close()
  }

  async #connected<T>(work: (connection: AppConnection) => Promise<T>): Promise<T> {
    this.#connection ??= await this.#app.open(this.#path)
    const result = await work(this.#connection)
    if (this.#stays) return result
    await this.#connection.close()
    this.#connection = undefined
    return result
  }
}

/** A table of about 230 bytes a row with an index, and one with blobs. Returns how many rows the first has. */
function make(path: string, megabytes: number): number {
  const db = new BetterSqlite3(path)
  db.pragma('journal_mode = wal')
  db.pragma('synchronous = off')
  db.exec(
    'create table t (id integer primary key, a int, b text, c real); create index ti on t (a); create table u (k text primary key, v blob)',
  )
  const rows = Math.round((megabytes * 1e6) / 230)
  const [t, u] = [db.prepare('insert into t values (?, ?, ?, ?)'), db.prepare('insert into u values (?, ?)')]
  db.transaction(() => {
    for (let id = 1; id <= rows; id++) {
      t.run(id, (id * 7919) % 100_003, 'x'.repeat(80 + (id % 60)), id / 3)
      if (id % 5 === 0) u.run(`k${id}`, Buffer.alloc(100, id))
    }
  })()
  db.pragma('wal_checkpoint(truncate)')
  db.close()
  return rows
}

async function content(connection: AppConnection): Promise<string> {
  return JSON.stringify(
    await connection.all('select count(*) as n, sum(a) as a, sum(length(b)) as b, sum(c) as c from t'),
  )
}

/** Our way. */
async function log(path: string): Promise<Way> {
  const db = sqlite(path)
  await db.open({ id: '1', runner: 'none', runId: 'bench', notice: () => undefined })
  const mark = await db.checkpoint('bench')
  // A run of tests rolls back often; the first times are those of a program that was just started.
  for (let i = 0; i < 500; i++) {
    db.handle.exec('update u set k = k where rowid = 1')
    await db.rollback(mark)
  }
  return { run: () => db.rollback(mark), close: () => db.close() }
}

async function backup(path: string): Promise<Way> {
  const copy = `${path}.backup`
  const live = open(path)
  await live.backup(copy)
  live.close()
  const saved = open(copy)
  return {
    run: async () => void (await saved.backup(path, { progress: () => 0x7fff_ffff })),
    close: () => {
      saved.close()
      rmSync(copy)
    },
  }
}

async function sql(path: string): Promise<Way> {
  const db = open(path)
  const saved = { t: db.prepare('select * from t').raw().all(), u: db.prepare('select * from u').raw().all() }
  const [t, u] = [db.prepare('insert into t values (?, ?, ?, ?)'), db.prepare('insert into u values (?, ?)')]
  const restore = db.transaction(() => {
    db.exec('delete from t; delete from u')
    for (const values of saved.t) t.run(values)
    for (const values of saved.u) u.run(values)
  })
  return { run: () => restore(), close: () => db.close() }
}

/** Nobody may have the file open while it is replaced. */
async function file(path: string): Promise<Way> {
  const copy = `${path}.copy`
  copyFileSync(path, copy)
  let db = open(path)
  return {
    run: () => {
      db.close()
      copyFileSync(copy, path)
      for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true })
      db = open(path)
      db.prepare('select 1 from t').get()
    },
    close: () => {
      db.close()
      rmSync(copy)
    },
  }
}

function open(path: string): Database {
  const db = new BetterSqlite3(path)
  db.pragma('synchronous = normal')
  return db
}
