import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isVenomError } from '../../../src/index.ts'
import { isBackendError, type SqlBackend, type SqlHandle } from '../../../src/kit/index.ts'
import { describeServer } from '../../servers/server.ts'
import { BetterSqlite3Backend } from './backends/better-sqlite3.ts'
import { LibsqlBackend } from './backends/libsql.ts'
import { MysqlBackend } from './backends/mysql.ts'
import { NodeSqliteBackend } from './backends/node-sqlite.ts'
import { PostgresBackend } from './backends/postgres.ts'
import { betterSqlite3App, fileStore, mysqlStore, nodeSqliteApp, postgresStore, type Store } from './stores.ts'

// Named so that words in the server's messages mislead: a duplicate in "connections" is no trouble with a connection.
const TABLES = [
  'create table connections (id int primary key, deadlock_timeout int not null, amount int check (amount > 0))',
  'create table child (id int primary key, parent int references connections (id))',
]
const MYSQL_TABLES = [
  TABLES[0]!,
  'create table child (id int primary key, parent int, foreign key (parent) references connections (id))',
]

/** What each database says in its own way, and we in one. */
const EVERYWHERE: Readonly<Record<string, readonly [sql: string, error: object]>> = {
  'a duplicate key': ['insert into connections values (1, 1, 1)', { code: 'INTEGRITY', constraint: 'unique' }],
  'a NULL where none may be': [
    'insert into connections values (2, null, 1)',
    { code: 'INTEGRITY', constraint: 'not null' },
  ],
  'a parent that is not there': ['insert into child values (1, 77)', { code: 'INTEGRITY', constraint: 'foreign key' }],
  'a parent that has a child': [
    'delete from connections where id = 1',
    { code: 'INTEGRITY', constraint: 'foreign key' },
  ],
  'a broken CHECK': ['insert into connections values (2, 1, -1)', { code: 'INTEGRITY', constraint: 'check' }],
  'a syntax error': ['selct 1', { family: 'query', code: 'QUERY' }],
  'a missing table': ['select * from transactions', { family: 'query', code: 'QUERY' }],
  'a missing column': ['select timeout from connections', { family: 'query', code: 'QUERY' }],
}

function everywhere(backend: () => SqlBackend<never>): void {
  for (const [what, [sql, error]] of Object.entries(EVERYWHERE)) {
    test(what, async () => {
      const thrown = await backend()
        .execute(sql)
        .catch((it: unknown) => it)
      expect(thrown).toMatchObject({ ...error, name: 'VenomError', retryable: false, cause: expect.any(Error) })
      expect((thrown as Error).message).toContain(`\n  in: ${sql}\n`)
    })
  }

  test('an error says neither parameters nor a password, and is of both brands', async () => {
    const [one, two, three] = [1, 2, 3].map((index) => backend().dialect.placeholder(index))
    const sql = `insert into connections values (${one}, ${two}, ${three})`
    const thrown = await backend()
      .execute(sql, [1, 314159, 1])
      .catch((it: unknown) => it)
    expect(isVenomError(thrown) && isBackendError(thrown) && isBackendError(thrown, 'integrity', 'lock')).toBe(true)
    expect(isBackendError(thrown, 'query')).toBe(false)
    expect((thrown as Error).message).not.toContain('314159')
  })

  test('after an error the connection is of use', async () => {
    for (let i = 0; i < 8; i += 1) await expect(backend().execute('selct 1')).rejects.toThrow()
    expect(await backend().query('select count(*) as n from child')).toHaveLength(1)
  })
}

/** A backend on a database of its own, with the tables above. */
function prepared(open: () => Promise<{ store: Store; make: (url: string) => SqlBackend<never> }>, tables = TABLES) {
  const at: { store?: Store; backend?: SqlBackend<never>; make?: (url: string) => SqlBackend<never> } = {}
  beforeAll(async () => {
    const { store, make } = await open()
    await store.fresh()
    at.store = store
    at.make = make
    at.backend = make(store.url)
    await at.backend.connect()
    for (const sql of tables) await at.backend.execute(sql)
    await at.backend.execute('insert into connections values (1, 1, 1), (5, 1, 1)')
    await at.backend.execute('insert into child values (9, 1)')
  })
  afterAll(async () => {
    await at.backend?.disconnect()
    await at.store?.dispose()
  })
  return { backend: () => at.backend!, make: (url: string) => at.make!(url), url: () => at.store!.url }
}

/** Two transactions that take the same two rows in another order. */
async function deadlock(backend: SqlBackend<never>): Promise<unknown> {
  const take = (tx: SqlHandle, id: number): Promise<unknown> =>
    tx.execute(`update connections set amount = amount + 1 where id = ${id}`)
  let [firstHas, secondHas] = [(): void => {}, (): void => {}]
  const [first, second] = [new Promise<void>((go) => (firstHas = go)), new Promise<void>((go) => (secondHas = go))]
  const results = await Promise.allSettled([
    backend.transaction(async (tx) => (await take(tx, 1), firstHas(), await second, take(tx, 5))),
    backend.transaction(async (tx) => (await take(tx, 5), secondHas(), await first, take(tx, 1))),
  ])
  return results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
}

describeServer('postgres', (server) => {
  const { backend, make, url } = prepared(async () => ({
    store: await postgresStore(server, 'venomqa_kit_test_errors'),
    make: (at) => new PostgresBackend(at) as never,
  }))
  everywhere(backend)

  test.each([
    ['a bad cast', `select 'x'::int`, { family: 'conversion', code: 'CONVERSION' }],
    ['a number out of range', 'select 2147483648::int', { code: 'CONVERSION' }],
    ['what this user may not do', 'select * from public.child', { code: 'MISSING_GRANT' }],
    ['a time-out of the server', 'select pg_sleep(5)', { code: 'TIMED_OUT', retryable: true }],
    ['a write in a transaction that only reads', 'create table x ()', { code: 'READ_ONLY' }],
  ])('%s', async (_, sql, error) => {
    const failed = backend().transaction(async (tx) => {
      await tx.execute('set local statement_timeout = 20')
      if (sql.includes('public.')) await tx.execute('set local role pg_monitor')
      else await tx.execute('set transaction read only')
      await tx.execute(sql)
    })
    await expect(failed).rejects.toMatchObject(error)
  })

  test('a deadlock, in which one of the two wins', async () => {
    expect(await deadlock(backend())).toEqual([
      expect.objectContaining({ family: 'lock', code: 'DEADLOCK', retryable: true }),
    ])
  })

  test('a lock that is not given', async () => {
    await backend().transaction(async (tx) => {
      await tx.execute('update child set id = 9')
      const locked = backend().execute('select * from child for update nowait')
      await expect(locked).rejects.toMatchObject({ family: 'lock', code: 'LOCKED', retryable: true })
    })
  })

  test('a serialization failure', async () => {
    const outcome = backend().transaction(
      async (tx) => {
        await tx.query('select * from connections')
        await backend().execute('update connections set amount = 7 where id = 5')
        await tx.execute('update connections set amount = 8 where id = 5')
      },
      { isolation: 'repeatable read' },
    )
    await expect(outcome).rejects.toMatchObject({ family: 'transaction', code: 'SERIALIZATION', retryable: true })
  })

  test('a statement that is not answered in time is given up with its connection', async () => {
    const hasty = new PostgresBackend(`${url()}?queryTimeoutMs=100`)
    await hasty.connect()
    await expect(hasty.execute('select pg_sleep(30)')).rejects.toMatchObject({
      family: 'operational',
      code: 'TIMED_OUT',
    })
    expect(await hasty.query('select 1 as one')).toEqual([{ one: 1 }])
    await hasty.disconnect()
  })

  test('a connection that the server ended, and the next statement has another', async () => {
    const lost = backend().transaction(async (tx) => {
      const [{ pid } = { pid: 0 }] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
      await backend().execute('select pg_terminate_backend($1)', [pid])
      await tx.execute('select 1')
    })
    await expect(lost).rejects.toMatchObject({ family: 'connection', code: 'CONNECTION_REFUSED', retryable: true })
    expect(await backend().query('select 1 as one')).toEqual([{ one: 1 }])
  })

  unreachable(make, url, { user: 'nobody_of_that_name' })
})

for (const [name, timedOut] of [
  [
    'mysql',
    'select /*+ max_execution_time(20) */ count(*) from information_schema.columns a, information_schema.columns b, information_schema.columns c',
  ],
  ['mariadb', 'set statement max_statement_time = 0.02 for select sleep(5)'],
] as const) {
  describeServer(name, (server) => {
    const { backend, make, url } = prepared(
      async () => ({
        store: await mysqlStore(server, 'venomqa_kit_test_errors'),
        make: (at) => new MysqlBackend(at) as never,
      }),
      MYSQL_TABLES,
    )
    everywhere(backend)

    test.each([
      ['a bad cast', `insert into child values ('x', null)`, { family: 'conversion', code: 'CONVERSION' }],
      ['a number out of range', 'insert into child values (2147483648, null)', { code: 'CONVERSION' }],
      ['a time-out of the server', timedOut, { code: 'TIMED_OUT', retryable: true }],
    ])('%s', async (_, sql, error) => {
      await expect(backend().execute(sql)).rejects.toMatchObject(error)
    })

    test('a deadlock, in which one of the two wins', async () => {
      expect(await deadlock(backend())).toEqual([
        expect.objectContaining({ family: 'lock', code: 'DEADLOCK', retryable: true }),
      ])
    })

    test('a lock that is not given', async () => {
      await backend().transaction(async (tx) => {
        await tx.execute('update child set parent = null where id = 9')
        const locked = backend().execute('select * from child for update nowait')
        await expect(locked).rejects.toMatchObject({ family: 'lock', code: 'LOCKED', retryable: true })
      })
    })

    test('a lock that is not given in the time of the server', async () => {
      await backend().transaction(async (tx) => {
        await tx.execute('update child set parent = null where id = 9')
        const waits = backend().transaction(async (other) => {
          await other.execute('set session innodb_lock_wait_timeout = 1')
          await other.execute('delete from child where id = 9')
        })
        await expect(waits).rejects.toMatchObject({ family: 'lock', code: 'LOCKED', retryable: true })
      })
    })

    test('a write in a transaction that only reads', async () => {
      const write = backend().transaction((tx) => tx.execute('delete from child'), { readOnly: true })
      await expect(write).rejects.toMatchObject({ family: 'operational', code: 'READ_ONLY' })
    })

    unreachable(make, url, { user: 'nobody', password: 's3cret' })
  })
}

describe('better-sqlite3', () => {
  const { backend, url } = prepared(async () => ({
    store: fileStore(betterSqlite3App),
    make: (at) => new BetterSqlite3Backend(`${at}?poolSize=2`) as never,
  }))
  everywhereWithForeignKeys(backend)

  test('a lock that is not given', async () => {
    await backend().transaction(async (tx) => {
      await tx.execute('delete from child')
      await expect(backend().execute('delete from child')).rejects.toMatchObject({ family: 'lock', code: 'LOCKED' })
    })
  })

  test('a value of another type in a STRICT table', async () => {
    await backend().execute('create table typed (n integer) strict')
    await expect(backend().execute(`insert into typed values ('x')`)).rejects.toMatchObject({ code: 'CONVERSION' })
  })

  test('a parameter that is nothing the driver can send', async () => {
    const failed = backend().execute('select ?', [Symbol('x')])
    await expect(failed).rejects.toMatchObject({ family: 'conversion', code: 'CONVERSION' })
  })

  test('a file that cannot be opened', async () => {
    const nowhere = new BetterSqlite3Backend('file:/nowhere/at/all.db')
    await expect(nowhere.connect()).rejects.toThrow(/directory does not exist/)
    expect(nowhere.isConnected).toBe(false)
    expect(url()).toContain('app.db')
  })
})

describe('node:sqlite', () => {
  const { backend } = prepared(async () => ({
    store: fileStore(nodeSqliteApp),
    make: (at) => new NodeSqliteBackend(at) as never,
  }))
  everywhereWithForeignKeys(backend)

  test('a parent whose children may not go is a foreign key, though SQLite has it as a trigger of its own', async () => {
    await backend().execute('create table strict (parent int references connections (id) on delete restrict)')
    await backend().execute('insert into strict values (5)')
    const refused = backend().execute('delete from connections where id = 5')
    await expect(refused).rejects.toMatchObject({ code: 'INTEGRITY', constraint: 'foreign key' })
  })
})

describe('libsql', () => {
  const { backend } = prepared(async () => ({
    store: fileStore(betterSqlite3App),
    make: (at) => new LibsqlBackend(at) as never,
  }))
  everywhereWithForeignKeys(backend)
})

test('a fault of the backend itself stays what it is', async () => {
  class Faulty extends BetterSqlite3Backend {
    protected override run(): never {
      throw new TypeError('statement is not a function')
    }
  }
  const backend = new Faulty(':memory:')
  await backend.connect()
  await expect(backend.execute('select 1')).rejects.toThrow(new TypeError('statement is not a function'))
  await backend.disconnect()
})

function everywhereWithForeignKeys(backend: () => SqlBackend<never>): void {
  beforeAll(async () => void (await backend().query('pragma foreign_keys = on')))
  everywhere(backend)
}

function unreachable(
  make: (url: string) => SqlBackend<never>,
  url: () => string,
  login: { user: string; password?: string },
): void {
  test.each<[string, (at: URL) => void, object]>([
    ['a server that does not run', (at) => (at.port = '1'), { code: 'CONNECTION_REFUSED', retryable: true }],
    [
      'a login that is wrong',
      (at) => Object.assign(at, { username: login.user, password: login.password ?? '' }),
      { code: 'CONNECTION_REFUSED', retryable: false, message: expect.not.stringContaining('s3cret') },
    ],
    ['a database that is not there', (at) => (at.pathname = '/no_such_test'), { code: 'NOT_FOUND' }],
  ])('%s', async (_, change, error) => {
    const at = new URL(url())
    change(at)
    await expect(make(at.href).connect()).rejects.toMatchObject({ family: 'connection', ...error })
  })
}
