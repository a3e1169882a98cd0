import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { MYSQL, partsOf, POSTGRES, shortened, statementsOf } from '../../../src/systems/shared/statements.ts'
import { effectOf } from '../../../src/systems/shared/transactions.ts'
import { describeServer } from '../../servers/server.ts'

const words = (text: string, dialect = POSTGRES): string[] =>
  statementsOf(text, dialect).map((statement) => statement.words.join(' '))

/** Texts whose number of statements the server knows: it answers each. */
const TEXTS = [
  'select 1',
  'select 1;',
  ';;select 1;; select 2;',
  `select ';', 'it''s; so', E'\\';', "a;b" from (values (1)) as t("a;b"); select 2`,
  `select $$a;b$$, $x$ $$;$y$ $x$; select 2`,
  `select 1 -- a; b\n; select 2 /* c; /* d; */ ; */; select 3`,
  `select 1 as a$b; select 2`,
  `select '\\'; select 2`,
  `create or replace function pg_temp.f(a int) returns int language sql begin atomic select case when a > 0 then 1 else 2 end; select 2; end; select 3`,
  `do $$ begin perform 1; end $$; select 1`,
  `create temp table if not exists t (n int); create or replace rule r as on insert to t do also (select 1; select 2); select 3`,
  `/* begin; */ select 1`,
  `select 1::int, 'x'::text; select array[1,2]`,
  `select U&'d\\0061t;a'; select 2`,
]

for (const name of ['postgres', 'postgres18']) {
  describeServer(name, (url) => {
    test.for(TEXTS)('tells statements apart as the server does: %s', async (text) => {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      try {
        const results = [await client.query(text)].flat().filter(({ command }) => command !== null)
        expect(statementsOf(text, POSTGRES)).toHaveLength(results.length)
      } finally {
        await client.end()
      }
    })
  })
}

describe('statementsOf', () => {
  test('keeps the text of each', () => {
    expect(statementsOf("select ';' ; commit", POSTGRES).map(({ text }) => text)).toEqual(["select ';' ", ' commit'])
  })

  test('reads past comments, and ends the words at a parenthesis', () => {
    expect(words('/* a */ -- b\n Begin  Isolation LEVEL serializable; insert into t (begin) values (1)')).toEqual([
      'BEGIN ISOLATION LEVEL SERIALIZABLE',
      'INSERT INTO T',
    ])
  })

  test('what is not ended goes to the end', () => {
    expect(words("select 'a; commit")).toEqual(['SELECT'])
    expect(words('select $$a; commit')).toEqual(['SELECT'])
    expect(words('select /* a; commit')).toEqual(['SELECT'])
  })

  test('MySQL: backslashes, backticks, # and executable comments', () => {
    expect(words(`select 'a\\'; b', "c\\"; d", \`e;f\`; select 2`, MYSQL)).toEqual(['SELECT', 'SELECT'])
    expect(words('select 1 # a; b\n; select 2 -- c; d\n; select 3--1', MYSQL)).toEqual(['SELECT', 'SELECT', 'SELECT'])
    expect(words('/*!40101 START TRANSACTION */; select 1 /* a /* b */; commit', MYSQL)).toEqual([
      'START TRANSACTION',
      'SELECT',
      'COMMIT',
    ])
  })

  test('MySQL: the body of a routine', () => {
    const body = 'begin if a then begin select 1; end; end if; case a when 1 then select 2; end case; end'
    expect(words(`create procedure p (a int) ${body}; commit`, MYSQL)).toEqual(['CREATE PROCEDURE P', 'COMMIT'])
  })
})

test.for([
  ['BEGIN', 'begin'],
  ['start transaction read only', 'begin'],
  ['COMMIT', 'commit'],
  ['end', 'commit'],
  ['commit prepared $$a$$', 'other'],
  ['ROLLBACK', 'rollback'],
  ['abort work', 'rollback'],
  ['rollback prepared $$a$$', 'other'],
  ['ROLLBACK TO a', 'rollback to'],
  ['rollback work to savepoint a', 'rollback to'],
  ['savepoint a', 'savepoint'],
  ['release a', 'release'],
  ['set transaction read only', 'set'],
  ['set search_path = a', 'other'],
  ['prepare transaction $$a$$', 'prepare'],
  ['prepare a as select 1', 'other'],
  ['insert into "commit" values (1)', 'other'],
  ['/* rollback */ select 1', 'other'],
])('%s is a %s', ([text, kind]) => {
  expect(statementsOf(text!, POSTGRES).map((statement) => effectOf(statement).kind)).toEqual([kind])
})

test('AND CHAIN, but not AND NO CHAIN', () => {
  const chain = (text: string): boolean[] => statementsOf(text, POSTGRES).map((statement) => effectOf(statement).chain)
  expect(chain('commit and chain; rollback work and chain; commit and no chain')).toEqual([true, true, false])
})

test('what is between two statements about transactions stays together, for it fails as a whole', () => {
  const isPlain = (statement: Parameters<typeof effectOf>[0]): boolean => effectOf(statement).kind === 'other'
  const parts = (text: string): string[][] =>
    partsOf(statementsOf(text, POSTGRES), isPlain).map((part) => part.map((statement) => statement.text.trim()))
  expect(parts('select 1; select 2; begin; commit; select 3; select 4')).toEqual([
    ['select 1', 'select 2'],
    ['begin'],
    ['commit'],
    ['select 3', 'select 4'],
  ])
  expect(parts('')).toEqual([])
})

test('messages have a statement on one line, and cut', () => {
  expect(shortened('  select\n  1 ')).toBe('select 1')
  expect(shortened('x'.repeat(81))).toBe(`${'x'.repeat(79)}…`)
})
