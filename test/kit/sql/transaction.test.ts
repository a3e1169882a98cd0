import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { messageOf } from '../../../src/errors.ts'
import { World } from '../../../src/index.ts'
import {
  BackendError,
  classify,
  isBackendError,
  type SqlBackend,
  sqliteDialect,
  TransactionManager,
} from '../../../src/kit/index.ts'
import { describeServer } from '../../servers/server.ts'
import { BetterSqlite3Backend } from './backends/better-sqlite3.ts'
import { LibsqlBackend } from './backends/libsql.ts'
import { MysqlBackend } from './backends/mysql.ts'
import { PlainBackend } from './backends/node-sqlite.ts'
import { PostgresBackend } from './backends/postgres.ts'
import { betterSqlite3App, fileStore, mysqlStore, postgresStore, type Store } from './stores.ts'

interface Given {
  readonly db: SqlBackend<never>
  readonly store: Store
}

describeServer('postgres', (url) => {
  const given = suite(
    () => postgresStore(url, 'venomqa_kit_test_tx'),
    (at) => new PostgresBackend(at) as never,
  )
  levels(given, 'show transaction_isolation', 'transaction_isolation')
  outside(given, (at) => new PostgresBackend(at, { way: 'savepoints' }) as never)

  test('an error that was caught does not become a COMMIT that the server makes a rollback of', async () => {
    const { db } = given()
    const outcome = db.transaction(async (tx) => {
      await tx.execute(`insert into kv values ('lost', '1')`)
      await tx.execute('selct 1').catch(() => {})
    })
    await expect(outcome).rejects.toMatchObject({ code: 'TRANSACTION', cause: { code: 'QUERY' } })
    expect(await db.query('select * from kv')).toEqual([])
  })

  test('a constraint that fails at the COMMIT leaves no transaction open', async () => {
    const { db } = given()
    await db.execute('alter table kv add constraint later unique (v) deferrable initially deferred')
    const outcome = db.transaction((tx) => tx.execute(`insert into kv values ('a', '1'), ('b', '1')`))
    await expect(outcome).rejects.toMatchObject({ code: 'INTEGRITY', constraint: 'unique' })
    expect(await db.query('select * from kv')).toEqual([])
  })

  test('when the rollback fails too, the first error is thrown and has the second', async () => {
    const { db } = given()
    const first = new Error('the step failed')
    const outcome = db.transaction(async (tx) => {
      const [{ pid } = { pid: 0 }] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
      await db.execute('select pg_terminate_backend($1)', [pid])
      throw first
    })
    await expect(outcome).rejects.toBe(first)
    expect(isBackendError((first as Error & { rollbackError?: unknown }).rollbackError, 'connection')).toBe(true)
    expect(await db.query('select 1 as one')).toEqual([{ one: 1 }])
  })
})

for (const name of ['mysql', 'mariadb']) {
  describeServer(name, (url) => {
    const given = suite(
      () => mysqlStore(url, 'venomqa_kit_test_tx'),
      (at) => new MysqlBackend(at) as never,
    )

    outside(given, (at) => new MysqlBackend(at, { way: 'savepoints' }) as never)

    // The server tells the level of the session only, so it is seen by what the transaction sees.
    test.each([
      ['read uncommitted', '2', '3'],
      ['read committed', '2', '2'],
      ['repeatable read', '1', '1'],
      [undefined, '1', '1'],
    ] as const)('%s', async (isolation, committed, uncommitted) => {
      const { db } = given()
      await db.execute(`insert into kv values ('a', '1')`)
      await db.transaction(
        async (tx) => {
          const value = async (): Promise<unknown> => (await tx.query('select v from kv'))[0]?.['v']
          expect(await value()).toBe('1')
          await db.execute(`update kv set v = '2'`)
          expect(await value()).toBe(committed)
          await db.transaction(async (other) => {
            await other.execute(`update kv set v = '3'`)
            expect(await value()).toBe(uncommitted)
          })
        },
        isolation === undefined ? {} : { isolation },
      )
    })

    const savepoints = (): SqlBackend<never> => new MysqlBackend(given().store.url, { way: 'savepoints' }) as never

    test('with savepoints: what commits by itself is noticed at once, and nothing more runs', async () => {
      const system = savepoints()
      await inWorld(system, 'off', async (world) => {
        const mark = await world.checkpoint('mark')
        await world.systems.db.execute(`insert into kv values ('kept for good', '1')`)
        await expect(world.systems.db.execute('create table made (x int)')).rejects.toThrow(/savepoint vq_\w+ is gone/)
        for (const next of [() => world.systems.db.execute('select 1'), () => world.checkpoint('next')]) {
          await expect(next()).rejects.toMatchObject({ code: 'MARK_LOST' })
        }
        await expect(world.rollback(mark)).rejects.toMatchObject({ code: 'MARK_LOST' })
        expect(world.tainted).toMatchObject({ code: 'MARK_LOST' })
        await expect(world.close()).rejects.toThrow(/is gone/)
      })
      expect(system.isConnected).toBe(false)
    })

    test('with savepoints: a COMMIT in a procedure is noticed', async () => {
      await given().db.execute('create procedure p() begin commit; end')
      await inWorld(savepoints(), 'first', async (world) => {
        await expect(world.systems.db.execute('call p()')).rejects.toMatchObject({ code: 'MARK_LOST' })
      })
    })

    test('with savepoints: the side that a deadlock ends has lost the world', async () => {
      const { db } = given()
      await db.execute(`insert into kv values ('a', '1'), ('b', '1')`)
      await inWorld(savepoints(), 'off', async (world) => {
        const ours = world.systems.db
        await ours.execute(`update kv set v = '2' where k = 'a'`)
        await db.transaction(async (tx) => {
          // It has written more, so that the server ends us.
          await tx.execute(`insert into kv select concat('x', seq.n), '1' from (${numbers(50)}) seq`)
          await tx.execute(`update kv set v = '3' where k = 'b'`)
          const waits = tx.execute(`update kv set v = '3' where k = 'a'`)
          await new Promise((resolve) => setTimeout(resolve, 100))
          await expect(ours.execute(`update kv set v = '2' where k = 'b'`)).rejects.toMatchObject({ code: 'DEADLOCK' })
          await waits
        })
        await expect(ours.execute('select 1')).rejects.toMatchObject({ code: 'MARK_LOST' })
      })
    })
  })
}

for (const [name, make] of [
  ['better-sqlite3', (at: string) => new BetterSqlite3Backend(at) as never],
  ['libsql', (at: string) => new LibsqlBackend(at) as never],
] as const) {
  describe(name, () => {
    suite(() => fileStore(betterSqlite3App), make)
  })
}

test('a connection whose rollback failed is not given to the next one', async () => {
  class Failing extends BetterSqlite3Backend {
    protected override async transact(...given: Parameters<BetterSqlite3Backend['transact']>): Promise<void> {
      if (given[1] === 'rollback') throw new Error('no rollback today')
      await super.transact(...given)
    }
  }
  const store = fileStore(betterSqlite3App)
  await store.fresh()
  const db = new Failing(store.url)
  await db.connect()
  const outcome = db.transaction(async (tx) => {
    await tx.execute(`insert into kv values ('a', '1')`)
    throw new Error('the step failed')
  })
  await expect(outcome).rejects.toMatchObject({
    message: 'the step failed',
    rollbackError: { message: 'no rollback today' },
  })
  expect(await db.query('select * from kv')).toEqual([])
  await db.transaction((tx) => tx.execute(`insert into kv values ('b', '1')`))
  await db.disconnect()
  await store.dispose()
})

describe('the manager by itself', () => {
  const open = () => {
    const db = new Database(':memory:')
    db.exec('create table t (x)')
    const run = (sql: string): unknown => db.exec(sql)
    const manager = new TransactionManager('sqlite', { run }, sqliteDialect('3.50.0'))
    const values = (): unknown[] => db.prepare('select x from t').pluck().all()
    return { db, manager, values, put: (x: number) => db.exec(`insert into t values (${x})`) }
  }

  test('goes back to a savepoint any number of times, and forgets those after it', async () => {
    const { manager, values, put } = open()
    await manager.begin()
    put(1)
    const first = await manager.savepoint()
    put(2)
    const second = await manager.savepoint()
    for (let i = 0; i < 3; i += 1) {
      put(3)
      await manager.rollbackTo(first)
      expect(values()).toEqual([1])
    }
    await expect(manager.rollbackTo(second)).rejects.toMatchObject({ code: 'MARK_LOST' })
    await manager.release(first)
    await expect(manager.rollbackTo(first)).rejects.toMatchObject({ code: 'MARK_LOST' })
    await manager.commit()
    expect(values()).toEqual([1])
  })

  test("an inner transaction never touches the outer one's savepoints", async () => {
    const { manager, values, put } = open()
    await manager.begin()
    const outer = await manager.savepoint()
    await manager.begin()
    put(1)
    const inner = await manager.savepoint()
    expect(inner.name).not.toBe(outer.name)
    await expect(manager.rollbackTo(outer)).rejects.toMatchObject({ code: 'MARK_LOST' })
    await manager.commit()
    expect([values(), manager.depth]).toEqual([[1], 1])
    await expect(manager.release(inner)).rejects.toMatchObject({ code: 'MARK_LOST' })
    await manager.rollbackTo(outer)
    await manager.rollback()
    expect([values(), manager.depth]).toEqual([[], 0])
  })

  test.each(['commit', 'rollback', 'savepoint'] as const)('refuses %s when no transaction is open', async (what) => {
    await expect(open().manager[what]()).rejects.toMatchObject({ code: 'TRANSACTION' })
  })

  test('a COMMIT behind its back is told when the savepoint is asked for', async () => {
    const { db } = open()
    const run = (sql: string): void => {
      try {
        db.exec(sql)
      } catch (cause) {
        throw new BackendError(classify(cause)!, messageOf(cause), { backend: 'sqlite', cause })
      }
    }
    const manager = new TransactionManager('sqlite', { run }, sqliteDialect('3.50.0'))
    await manager.begin()
    const savepoint = await manager.savepoint()
    db.exec('commit')
    await expect(manager.rollbackTo(savepoint)).rejects.toMatchObject({ code: 'MARK_LOST', family: 'transaction' })
  })
})

function suite(open: () => Promise<Store> | Store, make: (url: string) => SqlBackend<never>): () => Given {
  const at: { given?: Given } = {}
  beforeAll(async () => {
    const store = await open()
    at.given = { store, db: make(store.url) }
  })
  beforeEach(async () => {
    await at.given?.db.disconnect()
    await at.given?.store.fresh()
    await at.given?.db.connect()
  })
  afterAll(async () => {
    await at.given?.db.disconnect()
    await at.given?.store.dispose()
  })
  const given = (): Given => at.given!
  const keys = async (): Promise<unknown[]> => (await given().db.query('select k from kv order by k')).map(({ k }) => k)
  const put = (key: string): string => `insert into kv values ('${key}', '1')`

  test('a transaction is committed when its work returns, with what it returned', async () => {
    expect(await given().db.transaction(async (tx) => (await tx.execute(put('a'))).affectedRows)).toBe(1)
    expect(await keys()).toEqual(['a'])
  })

  test('a transaction is rolled back when its work throws, with the very error', async () => {
    const error = new Error('mine')
    const outcome = given().db.transaction(async (tx) => {
      await tx.execute(put('a'))
      throw error
    })
    await expect(outcome).rejects.toBe(error)
    expect([await keys(), 'rollbackError' in error]).toEqual([[], false])
  })

  test('inner transactions are undone by themselves', async () => {
    await given().db.transaction(async (tx) => {
      await tx.execute(put('a'))
      await tx.transaction(async (inner) => {
        await inner.execute(put('b'))
        await inner.transaction((innermost) => innermost.execute(put('c')))
        await inner.transaction((innermost) => innermost.execute('selct 1')).catch(() => {})
        await inner.execute(put('d'))
      })
      const failing = tx.transaction(async (inner) => {
        await inner.execute(put('e'))
        throw new Error('given up')
      })
      await expect(failing).rejects.toThrow('given up')
      await tx.execute(put('f'))
    })
    expect(await keys()).toEqual(['a', 'b', 'c', 'd', 'f'])
  })

  test('an outer rollback undoes what an inner transaction committed', async () => {
    const outcome = given().db.transaction(async (tx) => {
      await tx.transaction((inner) => inner.execute(put('a')))
      throw new Error('all of it')
    })
    await expect(outcome).rejects.toThrow('all of it')
    expect(await keys()).toEqual([])
  })

  test('only the innermost transaction may be used, and only until its end', async () => {
    let escaped: Promise<unknown> | undefined
    await given().db.transaction(async (tx) => {
      await tx.transaction(async () => {
        await expect(tx.execute(put('a'))).rejects.toThrow(/another one is open inside of it/)
      })
      escaped = new Promise((resolve) => setTimeout(resolve, 20)).then(() => tx.execute(put('b')))
      escaped.catch(() => {})
    })
    await expect(escaped).rejects.toThrow(/used after its end/)
    expect(await keys()).toEqual([])
  })

  test('an inner transaction cannot have another isolation level', async () => {
    const outcome = given().db.transaction((tx) => tx.transaction(async () => {}, { isolation: 'serializable' }))
    await expect(outcome).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })

  test.each(['begin', 'COMMIT', '/* so */ rollback', 'savepoint x', 'set autocommit = 0'])(
    '%s by hand is not sent',
    async (sql) => {
      const { db } = given()
      await expect(db.execute(sql)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
      await expect(db.transaction((tx) => tx.execute(sql))).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    },
  )
  return given
}

/** What no savepoint undoes. */
function outside(given: () => Given, make: (url: string) => SqlBackend<never>): void {
  test('with savepoints: what another connection commits is told when the rollback is verified', async () => {
    const { db, store } = given()
    await inWorld(make(store.url), 'first', async (world) => {
      expect(await world.systems.db.query('select * from kv')).toEqual([])
      const mark = await world.checkpoint('mark')
      await db.execute(`insert into kv values ('past us', '1')`)
      expect(await world.systems.db.query('select k from kv')).toEqual([{ k: 'past us' }])
      await expect(world.rollback(mark)).rejects.toMatchObject({ code: 'NOT_VERIFIED' })
    })
  })
}

/** A world that is closed however its body ends, since it holds locks. */
async function inWorld(
  db: SqlBackend<never>,
  verify: 'first' | 'off',
  body: (world: World<{ db: SqlBackend<never> }>) => Promise<void>,
): Promise<void> {
  const world = await World.open({ systems: { db }, verify })
  try {
    await body(world)
  } finally {
    await world.close().catch(() => {})
  }
}

/** The level that the server says a transaction has, and that the next one does not. */
function levels(given: () => Given, show: string, column: string): void {
  test.each(['read uncommitted', 'read committed', 'repeatable read', 'serializable'] as const)(
    '%s',
    async (isolation) => {
      const { db } = given()
      const level = async (options?: object): Promise<string> =>
        db.transaction(
          async (tx) =>
            String((await tx.query(show))[0]?.[column])
              .toLowerCase()
              .replace('-', ' '),
          options,
        )
      const usual = await level()
      expect(await level({ isolation })).toBe(isolation)
      expect(await level()).toBe(usual)
    },
  )
}

function numbers(count: number): string {
  return Array.from({ length: count }, (_, i) => `select ${i} as n`).join(' union all ')
}

describe('a database without savepoints', () => {
  test('refuses a transaction inside of another one, and the outer one goes on', async () => {
    const db = new PlainBackend(':memory:')
    await db.connect()
    await db.execute('create table kv (k text primary key, v text)')
    await db.transaction(async (tx) => {
      await tx.execute(`insert into kv values ('outer', '1')`)
      await expect(tx.transaction(() => undefined)).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringContaining('node:sqlite: this database has no savepoints'),
      })
    })
    expect(await db.query('select k from kv')).toEqual([{ k: 'outer' }])
    await db.disconnect()
  })

  test('is emptied in an order that its keys allow, or not at all', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plain-test-'))
    const db = new PlainBackend(`file:${join(folder, 'shop.db')}?poolSize=1`)
    await using world = await World.open({ systems: { db } })
    await db.query('pragma foreign_keys = on')
    await db.execute('create table a (id int primary key)')
    await db.execute('create table b (id int primary key references a (id))')
    await db.execute('create table c (id int primary key references b (id))')
    for (const table of ['a', 'b', 'c']) await db.execute(`insert into ${table} values (1)`)
    await expect(world.reset({ except: ['c'] })).rejects.toMatchObject({ code: 'INTEGRITY' })
    expect(await db.query('select id from a')).toEqual([{ id: 1 }])
    await world.reset()
    for (const table of ['a', 'b', 'c']) expect(await db.query(`select id from ${table}`)).toEqual([])
    await world.close({ keep: true })
    rmSync(folder, { recursive: true })
  })
})
