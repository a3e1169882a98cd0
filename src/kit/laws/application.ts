import assert from 'node:assert/strict'
import { entriesOf, holds, same, within } from '../fresh.ts'
import { type Law, needing } from '../law.ts'

/** Laws of an application that knows nothing of rollbacks: it has processes, transactions, refusals and deaths of its own. */
export const application = {
  'rolls back after the store refused a write': needing('fail', async (s, world) => {
    await s.put('kept', 'old')
    const mark = await world.checkpoint('mark')
    await s.put('new', '1')
    await assert.rejects(async () => s.fail(), 'fail() must throw what the store answered')
    await world.rollback(mark)
    await holds(s, { kept: 'old' }, 'After a refused write the rollback did not bring the data back.')
  }),
  'a mark outlives a refused write': needing('fail', async (s, world) => {
    const outer = await world.checkpoint('outer')
    await s.put('kept', 'old')
    await assert.rejects(async () => s.fail(), 'fail() must throw what the store answered')
    const before = await entriesOf(s)
    const mark = await world.checkpoint('mark')
    for (const branch of ['first', 'second']) {
      await s.put('kept', branch)
      await assert.rejects(async () => s.fail(), 'fail() must throw what the store answered')
      await s.put(branch, '1')
      await world.rollback(mark)
      await holds(s, before, `The mark did not hold for the ${branch} branch with a refused write in it.`)
    }
    await world.rollback(outer)
    await holds(s, {}, 'The outer mark did not outlive the refused writes.')
  }),
  'undoes what another connection wrote': needing('other', async (s, world) => {
    await s.put('kept', 'old')
    await s.other.put('gone', 'old')
    const mark = await world.checkpoint('mark')
    await s.other.put('kept', 'changed')
    await s.other.put('new', '1')
    await s.other.remove('gone')
    await s.put('new', '2')
    await world.rollback(mark)
    await holds(s, { gone: 'old', kept: 'old' }, 'What another connection wrote is not undone.')
    await s.other.put('kept', 'changed again')
    await world.rollback(mark)
    await holds(s, { gone: 'old', kept: 'old' }, 'What another connection wrote after a rollback is not undone.')
  }),
  'an application killed in mid-transaction is undone': needing('crash', async (s, world) => {
    await s.put('kept', 'old')
    const mark = await world.checkpoint('mark')
    await s.put('kept', 'new')
    await s.crash()
    await world.rollback(mark)
    await holds(s, { kept: 'old' }, 'After the application was killed the rollback did not bring the data back.')
    await s.put('kept', 'after')
    await world.rollback(mark)
    await holds(s, { kept: 'old' }, 'The mark did not outlive the killed application.')
  }),
  'a write in flight at the checkpoint is kept or undone as a whole': needing('begin', async (s, world) => {
    await s.put('kept', 'old')
    const transaction = await s.begin()
    await transaction.put('kept', 'new')
    await transaction.put('one', '1')
    // Where only one may write at a time, this waits for the transaction.
    const second = Promise.allSettled([s.put('second', '1')])
    const committedFirst = await within(PATIENCE, second)
    // A system may wait for the transaction to end, refuse the checkpoint, or take it beside the transaction.
    const taken = Promise.allSettled([world.checkpoint('in flight')])
    await within(PATIENCE, taken)
    await transaction.put('two', '1')
    await transaction.commit()
    await second
    const [result] = await taken
    const mark = result.status === 'fulfilled' ? result.value : await world.checkpoint('quiet')
    await s.put('after', '1')
    await world.rollback(mark)
    const { second: kept, ...back } = await entriesOf(s)
    if (committedFirst) same(kept, '1', 'What was committed before the checkpoint is gone.')
    const whole = back['one'] === undefined ? { kept: 'old' } : { kept: 'new', one: '1', two: '1' }
    same(back, whole, 'A write that was in flight at the checkpoint came back in part.')
    const before = await entriesOf(s)
    for (const key of ['one', 'kept']) {
      await s.put(key, 'changed')
      await world.rollback(mark)
      await holds(s, before, 'The second rollback to the same mark gave another state than the first.')
    }
  }),
  'a write given up in flight leaves no trace': needing('begin', async (s, world) => {
    await s.put('kept', 'old')
    const transaction = await s.begin()
    await transaction.put('kept', 'new')
    const taken = Promise.allSettled([world.checkpoint('in flight')])
    await within(PATIENCE, taken)
    await transaction.put('one', '1')
    await transaction.rollback()
    const [result] = await taken
    const mark = result.status === 'fulfilled' ? result.value : await world.checkpoint('quiet')
    await holds(s, { kept: 'old' }, 'The checkpoint changed the data.')
    await s.put('kept', 'branch')
    await world.rollback(mark)
    await holds(s, { kept: 'old' }, 'A transaction that was given up left something behind.')
  }),
  'a write in flight at the rollback is undone, refused or comes after it, as a whole': needing(
    'begin',
    async (s, world) => {
      await s.put('kept', 'old')
      const mark = await world.checkpoint('mark')
      await s.put('branch', '1')
      const transaction = await s.begin()
      await transaction.put('kept', 'new')
      await transaction.put('one', '1')
      const rolledBack = Promise.allSettled([world.rollback(mark)])
      await within(PATIENCE, rolledBack)
      await Promise.allSettled([transaction.commit()])
      const [result] = await rolledBack
      // A refusal leaves the state unknown, and says so: the world is then good again from the start.
      if (result.status === 'rejected') return world.recover()
      const back = await entriesOf(s)
      same(back, back['one'] === undefined ? { kept: 'old' } : { kept: 'new', one: '1' }, 'The write came in part.')
      await world.rollback(mark)
      await holds(s, { kept: 'old' }, 'After the transaction ended, a rollback does not get back to the mark.')
    },
  ),
  'connections of the application stay open': needing('connections', async (s, world) => {
    await s.put('kept', 'old')
    const before = await s.connections()
    const mark = await world.checkpoint('mark')
    await s.put('kept', 'new')
    await world.rollback(mark)
    await world.release(await world.checkpoint('released'))
    await world.rollback(mark)
    same(await s.connections(), before, 'A connection of the application was dropped.')
  }),
} satisfies Record<string, Law>

/** How long a law waits for what may have to wait for a transaction, in ms. */
const PATIENCE = 200
