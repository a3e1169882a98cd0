import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Rollbackable } from '../../src/rollbackable.ts'

/** A connection of an application. */
interface Client {
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** Breaks it off, whatever it is doing. */
  destroy(): void
}

/** A database with `ledgerTables`, and how it is reached. */
interface Ledger {
  connect(): Promise<Client>
  /** What a writer may do first in a transaction: settings of the session or of the transaction. */
  readonly begins: readonly string[]
  readonly system: Required<Pick<Rollbackable, 'checkpoint' | 'rollback' | 'release'>>
  /** How often it is gone back under load. */
  readonly rollbacks: number
}

/** What the writers write to. */
export const ledgerTables = `
  CREATE TABLE progress (w INT PRIMARY KEY, n INT NOT NULL);
  CREATE TABLE account (id INT PRIMARY KEY, v INT NOT NULL);
  CREATE TABLE entry (w INT, n INT, k INT, PRIMARY KEY (w, n, k), FOREIGN KEY (w) REFERENCES progress (w) ON DELETE CASCADE);
  INSERT INTO progress VALUES (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0);
  INSERT INTO account VALUES (0, 0), (1, 0), (2, 0), (3, 0), (4, 0);
`
const WRITERS = 6
const ACCOUNTS = 5
/** So many transactions of each writer have their entries still there. */
const KEPT = 3

/** What the transaction n of writer w pays to which accounts: the same each time. */
function payments(w: number, n: number): readonly number[] {
  const seed = (w * 7919 + n * 104729) >>> 0
  return Array.from({ length: 1 + (seed % 3) }, (_, k) => (Math.imul(seed + k * 31, 2654435761) >>> 8) % ACCOUNTS)
}

/** What there must be when each writer has done so many transactions. */
function expected(done: readonly number[]): string {
  const accounts = Array.from({ length: ACCOUNTS }, () => 0)
  const entries: string[] = []
  for (const [w, last] of done.entries()) {
    for (let n = 1; n <= last; n++) {
      for (const [k, account] of payments(w, n).entries()) {
        accounts[account]! += 1
        if (n > last - KEPT) entries.push(`${w} ${n} ${k}`)
      }
    }
  }
  return `${accounts.join()} | ${entries.toSorted().join()}`
}

const chance = (one: number, of: number): boolean => Math.random() * of < one

/**
 * Several writers who meet each other's rows, give transactions up, break off and wait in vain, while marks are made and
 * gone back to at any moment. At each moment the state must follow from how many transactions each writer has done; and
 * at a mark these must be those that were committed before it was asked for, and none that began after it was there.
 */
export async function writeUnderMarks({ connect, begins, system, rollbacks }: Ledger): Promise<string> {
  const told = { written: 0, marks: 0, rollbacks: 0, lost: 0 }
  const state = { stop: false, rolledBack: 0 }
  const committed = Array.from({ length: WRITERS }, () => ({ n: 0, since: 0 }))
  const tried = Array.from({ length: WRITERS }, () => 0)

  const writer = async (w: number): Promise<void> => {
    let client = await connect()
    while (!state.stop) {
      await sleep(Math.random() * 60)
      const since = state.rolledBack
      try {
        if (begins.length > 0) await client.query(begins[Math.floor(Math.random() * begins.length)]!)
        await client.query('BEGIN')
        const [row] = await client.query(`SELECT n FROM progress WHERE w = ${w} FOR UPDATE`)
        const n = Number(row!['n']) + 1
        tried[w] = Math.max(tried[w]!, n)
        for (const [k, account] of payments(w, n).entries()) {
          if (chance(1, 8)) {
            await client.query('SAVEPOINT s')
            await client.query('DELETE FROM entry')
            await client.query(`UPDATE account SET v = -1 WHERE id = ${(account + 1) % ACCOUNTS}`)
            await client.query('ROLLBACK TO SAVEPOINT s')
          }
          await client.query(`UPDATE account SET v = v + 1 WHERE id = ${account}`)
          await client.query(`INSERT INTO entry VALUES (${w}, ${n}, ${k})`)
        }
        await client.query(`DELETE FROM entry WHERE w = ${w} AND n <= ${n - KEPT}`)
        await client.query(`UPDATE progress SET n = ${n} WHERE w = ${w}`)
        if (chance(1, 12)) {
          client.destroy()
          client = await connect()
          continue
        }
        await client.query(chance(1, 8) ? 'ROLLBACK' : 'COMMIT')
        const [now] = await client.query(`SELECT n FROM progress WHERE w = ${w}`)
        if (Number(now!['n']) === n) committed[w] = { n, since }
        told.written += 1
      } catch {
        told.lost += 1
        await client.query('ROLLBACK').catch(async () => {
          client.destroy()
          client = await connect()
        })
      }
    }
    client.destroy()
  }

  const reader = await connect()
  const check = async (when: string): Promise<readonly number[]> => {
    const [row] = await reader.query(`SELECT
      (SELECT COUNT(*) FROM progress) AS writers,
      ${Array.from({ length: WRITERS }, (_, w) => `(SELECT n FROM progress WHERE w = ${w}) AS n${w}`).join()},
      ${Array.from({ length: ACCOUNTS }, (_, id) => `(SELECT v FROM account WHERE id = ${id}) AS v${id}`).join()},
      (SELECT ENTRIES FROM entry) AS entries`)
    const done = Array.from({ length: WRITERS }, (_, w) => Number(row![`n${w}`]))
    const accounts = Array.from({ length: ACCOUNTS }, (_, id) => Number(row![`v${id}`]))
    const entries = String(row!['entries'] ?? '')
      .split(',')
      .filter(Boolean)
      .toSorted()
    assert.equal(`${accounts.join()} | ${entries.join()}`, expected(done), when)
    return done
  }

  const writers = Array.from({ length: WRITERS }, (_, w) => writer(w))
  const marks: { readonly mark: unknown; readonly least: readonly number[]; readonly most: readonly number[] }[] = []
  const within = (done: readonly number[], { least, most }: (typeof marks)[number]): void => {
    for (const [w, n] of done.entries()) {
      assert.ok(n >= least[w]! && n <= most[w]!, `writer ${w} has done ${n}, not ${least[w]} to ${most[w]}`)
    }
  }
  try {
    while (told.rollbacks < rollbacks) {
      await sleep(Math.random() * 20)
      if (marks.length < 2 || chance(1, 2)) {
        const least = committed.map(({ n, since }) => (since === state.rolledBack ? n : 0))
        const mark = await system.checkpoint('under load')
        told.marks += 1
        marks.push({ mark, least, most: [...tried] })
      } else {
        const at = Math.floor(Math.random() * marks.length)
        const { mark } = marks[at]!
        await system.rollback(mark)
        state.rolledBack += 1
        told.rollbacks += 1
        marks.length = at + 1
        if (chance(1, 3)) {
          await system.release(mark)
          marks.length = at
        }
      }
      await check('under load')
    }
  } finally {
    state.stop = true
    await Promise.all(writers)
  }
  await check('when all have stopped')
  for (const one of marks.toReversed()) {
    await system.rollback(one.mark)
    within(await check('at a mark'), one)
  }
  reader.destroy()
  return JSON.stringify(told)
}
