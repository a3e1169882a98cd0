import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ColumnSize, mysqlTypes, postgresTypes, type SqlBackend, sqliteTypes } from '../../../src/kit/index.ts'
import { describeServer } from '../../servers/server.ts'
import { BetterSqlite3Backend } from './backends/better-sqlite3.ts'
import { LibsqlBackend } from './backends/libsql.ts'
import { MysqlBackend } from './backends/mysql.ts'
import { PostgresBackend } from './backends/postgres.ts'
import { betterSqlite3App, fileStore, mysqlStore, postgresStore, type Store } from './stores.ts'

const two = (n: number): string => String(n).padStart(2, '0')
const day = fc.date({ min: new Date('1000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
const date = day.map((it) => it.toISOString().slice(0, 10))
const micros = fc.integer({ min: 1, max: 999_999 }).map((n) => String(n).padStart(6, '0'))
const time = fc.tuple(fc.nat(23), fc.nat(59), fc.nat(59)).map((parts) => parts.map(two).join(':'))
const text = fc.string({ unit: 'grapheme' }).filter((it) => !it.includes('\0'))
const key = fc.string({ minLength: 1 }).filter((it) => it !== '__proto__' && !it.includes('\0'))

/** Values of each type that every database has, with what they are as a column. */
const VALUES: Readonly<Record<string, readonly [fc.Arbitrary<unknown>, ColumnSize]>> = {
  boolean: [fc.boolean(), {}],
  integer: [fc.integer(), {}],
  bigint: [fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), {}],
  float: [fc.double({ noDefaultInfinity: true, noNaN: true }).filter((it) => !Object.is(it, -0)), {}],
  decimal: [
    fc
      .tuple(fc.integer({ min: 1 }), fc.nat(999_999))
      .map(([whole, part]) => `${whole}.${String(part).padStart(6, '0')}`),
    { precision: 20, scale: 6 },
  ],
  text: [text, {}],
  varchar: [text.filter((it) => it.length <= 50), { length: 200 }],
  date: [date, {}],
  json: [
    fc.dictionary(
      key,
      fc.oneof(
        text,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(fc.integer()),
        fc.bigInt({ min: 2n ** 60n, max: 2n ** 62n }),
      ),
    ),
    {},
  ],
  uuid: [fc.uuid(), {}],
  bytes: [fc.uint8Array().map((it) => Buffer.from(it)), {}],
}

/** A column as the driver has it. */
const asItIs = { column: () => '', toDatabase: (value: unknown) => value, fromDatabase: (raw: unknown) => raw }

function law(
  backend: () => SqlBackend<never>,
  more: Readonly<Record<string, readonly [fc.Arbitrary<unknown>, ColumnSize]>>,
): void {
  const all = { ...VALUES, ...more }

  test('every type is tried', () => {
    expect(new Set([...Object.keys(all), 'raw'])).toEqual(new Set(backend().types.names))
  })

  test.each(Object.entries(all))('%s: what was read, written again, is the same', async (type, [values, size]) => {
    const db = backend()
    const table = db.dialect.quote(`law of ${type}`)
    const { types } = db
    await db.execute(`create table ${table} (x ${types.column(type, size)})`)
    // As the driver has it: without a type, a value goes and comes as it is.
    const write = `insert into ${table} (x) values (${db.dialect.placeholder(1)})`
    const stored = async (value: unknown): Promise<unknown> => {
      await db.execute(`delete from ${table}`)
      await db.execute(write, [value])
      const [row] = await db.query(`select x from ${table}`, [], { columnTypes: { x: 'raw' } })
      return row?.['x']
    }
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const raw = await stored(types.toDatabase(value, type))
        const read = types.fromDatabase(raw, type)
        expect(read).toEqual(value)
        expect(await stored(types.toDatabase(read, type))).toEqual(raw)
        const [row] = await db.query(`select x from ${table}`, [], { columnTypes: { x: type } })
        expect(row).toEqual({ x: value })
      }),
      { numRuns: 25 },
    )
  })

  test('values whose type is not named go by what accepts them', async () => {
    const db = backend()
    const given = [true, 7, 2n ** 62n, 0.5, 'text', { a: [1, null] }, Buffer.from([0, 255]), null]
    const names = ['boolean', 'integer', 'bigint', 'float', 'text', 'json', 'bytes', 'text']
    const columns = names.map((name, i) => `c${i} ${db.types.column(name)}`)
    await db.execute(`create table several (${columns.join(', ')})`)
    const places = given.map((_, i) => db.dialect.placeholder(i + 1))
    await db.execute(`insert into several values (${places.join(', ')})`, given)
    const columnTypes = Object.fromEntries(names.map((name, i) => [`c${i}`, name]))
    const [row] = await db.query('select * from several', [], { columnTypes })
    expect(Object.values(row ?? {})).toEqual(given)
  })
}

function on(open: () => Promise<Store> | Store, make: (url: string) => SqlBackend<never>): () => SqlBackend<never> {
  const at: { store?: Store; db?: SqlBackend<never> } = {}
  beforeAll(async () => {
    at.store = await open()
    await at.store.fresh()
    const db = make(at.store.url)
    at.db = Object.assign(db, { types: db.types.with('raw', asItIs) })
    await at.db.connect()
  })
  afterAll(async () => {
    await at.db?.disconnect()
    await at.store?.dispose()
  })
  return () => at.db!
}

describeServer('postgres', (url) => {
  const db = on(
    () => postgresStore(url, 'venomqa_kit_test_types'),
    (at) => new PostgresBackend(at) as never,
  )
  law(db, {
    time: [fc.tuple(time, micros).map((it) => it.join('.').replace(/0+$/, '')), {}],
    datetime: [fc.tuple(date, time, micros).map(([d, t, u]) => `${d} ${t}.${u}`.replace(/0+$/, '') + '+00'), {}],
  })

  test('what a double has beside numbers', async () => {
    const { types } = db()
    for (const value of [NaN, Infinity, -Infinity, -0]) {
      const [row] = await db().query('select $1::float8 as x', [types.toDatabase(value, 'float')])
      expect(row).toEqual({ x: value })
    }
  })
})

for (const name of ['mysql', 'mariadb']) {
  describeServer(name, (url) => {
    const db = on(
      () => mysqlStore(url, 'venomqa_kit_test_types'),
      (at) => new MysqlBackend(at) as never,
    )
    law(db, { time: [time, {}], datetime: [fc.tuple(date, time, micros).map(([d, t, u]) => `${d} ${t}.${u}`), {}] })
  })
}

for (const [name, make] of [
  ['better-sqlite3', (at: string) => new BetterSqlite3Backend(at) as never],
  ['libsql', (at: string) => new LibsqlBackend(at) as never],
] as const) {
  describe(name, () => {
    const db = on(() => fileStore(betterSqlite3App), make)
    law(db, { time: [time, {}], datetime: [fc.tuple(date, time, micros).map(([d, t, u]) => `${d} ${t}.${u}`), {}] })
  })
}

describe('a registry', () => {
  test('writes the sizes of columns', () => {
    expect(postgresTypes().column('decimal', { precision: 10, scale: 2 })).toBe('numeric(10, 2)')
    expect(mysqlTypes().column('varchar', { length: 20 })).toBe('varchar(20)')
    expect(() => sqliteTypes().column('money')).toThrow(/"money" is not a type[^]*These are the types: boolean/)
  })

  test('knows what drivers call its types', () => {
    expect([postgresTypes().nameOf('1700'), sqliteTypes().nameOf('BOOLEAN'), sqliteTypes().nameOf('INT (11)')]).toEqual(
      ['decimal', 'boolean', 'integer'],
    )
  })

  test('takes one more type, and stays as it was', () => {
    const types = postgresTypes()
    const money = {
      column: () => 'bigint',
      toDatabase: (euros: number) => String(Math.round(euros * 100)),
      fromDatabase: (raw: unknown) => Number(raw) / 100,
    }
    expect(types.with('money', money).fromDatabase('1250', 'money')).toBe(12.5)
    expect(() => types.fromDatabase('1250', 'money')).toThrow(/is not a type/)
  })

  test.each([
    ['boolean', 'yes', /is not true or false/],
    ['integer', 1.5, /is not a whole number/],
    ['integer', '9007199254740993', /Read it as 'bigint'/],
    ['bigint', 'x', /is not a whole number/],
    ['datetime', new Date(Number.NaN), /is not a moment/],
    ['datetime', {}, /is not text/],
    ['bytes', 'x', /is not bytes/],
  ])('refuses to guess %s of %s', (type, value, message) => {
    for (const types of [postgresTypes(), mysqlTypes(), sqliteTypes()]) {
      expect(() => types.toDatabase(value, type)).toThrow(message)
    }
  })

  test('refuses undefined, and what the driver made less exact', () => {
    expect(() => postgresTypes().toDatabase(undefined)).toThrow(/NULL is written null/)
    expect(() => postgresTypes().fromDatabase(new Date(), 'datetime')).toThrow(/neither microseconds/)
  })
})
