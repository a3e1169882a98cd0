import BetterSqlite3 from 'better-sqlite3'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mysqlDialect, postgresDialect, sqliteDialect, versionOf } from '../../../src/kit/index.ts'

const postgres = postgresDialect('PostgreSQL 15.14 (Debian 15.14-0+deb12u1) on x86_64-pc-linux-gnu')
const mysql = mysqlDialect('9.7.4')
const sqlite = sqliteDialect('3.53.0')

describe('names', () => {
  test('are quoted with what is in them, and lead through schemas', () => {
    expect(postgres.quote('sales', 'a"b')).toBe('"sales"."a""b"')
    expect(mysql.quote('sales', 'a`b')).toBe('`sales`.`a``b`')
    expect(sqlite.quote("x'; drop table orders; --")).toBe(`"x'; drop table orders; --"`)
  })

  test('any name is one name for a real parser', () => {
    const db = new BetterSqlite3(':memory:')
    const name = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => !text.includes('\0') && !/^sqlite_/i.test(text))
    fc.assert(
      fc.property(name, (given) => {
        db.exec(`create table ${sqlite.quote(given)} (x)`)
        expect(db.prepare('select name from sqlite_schema').pluck().all()).toEqual([given])
        db.exec(`drop table ${sqlite.quote(given)}`)
      }),
    )
    db.close()
  })

  test('that the server would cut are refused', () => {
    expect(postgres.quote('x'.repeat(63))).toHaveLength(65)
    expect(() => postgres.quote('x'.repeat(64))).toThrow(/it has 64 bytes, and may have 63/)
    expect(() => postgres.quote('é'.repeat(32))).toThrow(/64 bytes/)
    expect(mysql.quote('é'.repeat(64))).toHaveLength(66)
    expect(() => mysql.quote('é'.repeat(65))).toThrow(/65 characters/)
  })

  test.each([[], [''], ['a\0b']])('that no server takes are refused: %j', (...path: string[]) => {
    expect(() => postgres.quote(...path)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
  })
})

describe('a transaction begins', () => {
  test('with the level after it in PostgreSQL, before it in MySQL', () => {
    expect(postgres.begin({ isolation: 'repeatable read', readOnly: true })).toEqual([
      'begin',
      'set transaction isolation level repeatable read',
      'set transaction read only',
    ])
    expect(mysql.begin({ isolation: 'read committed', readOnly: true })).toEqual([
      'set transaction isolation level read committed',
      'start transaction read only',
    ])
    expect(sqlite.begin({ isolation: 'serializable' })).toEqual(['begin immediate'])
  })

  test('never at another level than the one that was asked for', () => {
    expect(() => sqlite.begin({ isolation: 'read committed' })).toThrow(/These are its levels: serializable/)
    expect(() => sqlite.begin({ readOnly: true })).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  })
})

describe('the version of the server', () => {
  test.each([
    ['PostgreSQL 18.1 on x86_64', 18, 1],
    ['9.7.4', 9, 7],
    ['5.5.5-10.11.14-MariaDB-0+deb12u2', 10, 11],
    ['3.53.0', 3, 53],
    ['16beta1', 16, 0],
  ])('%s', (text, major, minor) => expect(versionOf(text)).toEqual({ text, major, minor }))

  test('decides what can be done', () => {
    expect(mysqlDialect('8.4.0').supports.returning).toBe(false)
    expect(mysqlDialect('5.5.5-10.4.2-MariaDB').supports.returning).toBe(false)
    expect(mysqlDialect('10.11.14-MariaDB').supports.returning).toBe(true)
    expect(sqliteDialect('3.34.1').supports.returning).toBe(false)
  })

  test('is not guessed', () => {
    expect(() => postgresDialect('unknown')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  })
})
