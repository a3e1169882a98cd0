import pg from 'pg'
import { expect, test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { postgresServers } from './each.ts'
import { type Opened, open } from './open.ts'

// A checkpoint waits until no write transaction is open. These tests take marks without waiting, as the functions in
// the database can: a mark is exact whoever is writing.

const SCHEMA = `
  create table account (id int primary key, amount int);
  insert into account select id, 100 from generate_series(1, 5) id;
  create table entry (account int references account on delete cascade, amount int);
`

for (const name of postgresServers) {
  describeServer(name, (server) => {
    test('a transaction in flight at the mark is undone, though another one committed after it wrote', async () => {
      await using opened = await open(server, SCHEMA)
      const { first, mark, before } = await interleaved(opened)
      await first.query('commit')
      await rollback(opened, mark)
      expect(await amounts(opened)).toBe(before)
      expect(await amounts(opened)).toBe('1:100 2:200 3:100 4:100 5:100 | 2:100')
    })

    test('a mark by the last line of the log would keep what was in flight', async () => {
      await using opened = await open(server, SCHEMA)
      const { first, mark, before, last } = await interleaved(opened)
      await first.query('commit')
      // What such a mark would do: lines up to the last one that was seen happened before it.
      await opened.database.query(`delete from venomqa.log where ctid <= '${last}'`)
      await rollback(opened, mark)
      expect(await amounts(opened)).not.toBe(before)
    })

    test('a transaction that wrote on both sides of the mark is undone as a whole', async () => {
      await using opened = await open(server, SCHEMA)
      const first = await opened.connect()
      await first.query('begin')
      await first.query('update account set amount = 1 where id = 1; insert into entry values (1, 1)')
      const mark = await markAtOnce(opened)
      const before = await amounts(opened)
      await first.query('update account set amount = 2 where id = 1; update account set amount = 2 where id = 3')
      await first.query('delete from entry; commit')
      await rollback(opened, mark)
      expect(await amounts(opened)).toBe(before)
    })

    test('marks nest while transactions overlap them', async () => {
      await using opened = await open(server, SCHEMA)
      const [a, b, c] = [await opened.connect(), await opened.connect(), await opened.connect()]
      const states: string[] = []
      const marks: number[] = []
      const remember = async (): Promise<void> => {
        marks.push(await markAtOnce(opened))
        states.push(await amounts(opened))
      }
      await a.query('begin; update account set amount = amount + 1 where id = 1')
      await c.query('update account set amount = 50 where id = 5')
      await remember()
      await b.query('begin; update account set amount = amount + 10 where id = 2; insert into entry values (2, 10)')
      await a.query('update account set amount = amount + 1 where id = 1; commit')
      await remember()
      await a.query('begin; delete from account where id = 1')
      await b.query('savepoint s; delete from account where id = 4; rollback to s; commit')
      await remember()
      await a.query('commit')
      await c.query('truncate account cascade; insert into account values (9, 9)')
      for (const i of [2, 1, 0]) {
        await rollback(opened, marks[i]!)
        expect(await amounts(opened)).toBe(states[i])
        await c.query('update account set amount = amount * 2; delete from entry')
        await rollback(opened, marks[i]!)
        expect(await amounts(opened)).toBe(states[i])
      }
      expect(await amounts(opened)).toBe('1:100 2:100 3:100 4:100 5:50 | ')
    })
  })
}

/** The interleaving that a largest number gets wrong: one writes, another writes and commits, the mark, the first commits. */
async function interleaved(opened: Opened): Promise<{ first: pg.Client; mark: number; before: string; last: string }> {
  const [first, second] = [await opened.connect(), await opened.connect()]
  await markAtOnce(opened)
  await first.query('begin; update account set amount = 0 where id = 1; insert into entry values (1, -100)')
  await second.query('update account set amount = 200 where id = 2; insert into entry values (2, 100)')
  const { rows } = await opened.database.query('select ctid from venomqa.log order by ctid desc limit 1')
  const mark = await markAtOnce(opened)
  return { first, mark, before: await amounts(opened), last: rows[0].ctid }
}

async function amounts({ database }: Opened): Promise<string> {
  const { rows } = await database.query(`
    select (select string_agg(id || ':' || amount, ' ' order by id) from account) as accounts,
      coalesce((select string_agg(account || ':' || amount, ' ' order by account) from entry), '') as entries`)
  return `${rows[0].accounts} | ${rows[0].entries}`
}

async function markAtOnce(opened: Opened): Promise<number> {
  return (await asControl(opened, `select id from venomqa.checkpoint('at once', false, false)`)).id
}

async function rollback(opened: Opened, mark: number): Promise<void> {
  await asControl(opened, `select venomqa.rollback(${mark}, false)`)
}

/** Runs a statement in a session like the one of the system. */
async function asControl({ connect }: Opened, text: string): Promise<{ id: number }> {
  const client = await connect()
  await client.query(`set venomqa.control = 'on'; set session_replication_role = replica`)
  const { rows } = await client.query(text)
  await client.end()
  return rows[0]
}
