import { appendFileSync } from 'node:fs'
import { describe, test as plain } from 'vitest'
import type { SqliteHandle, SqliteSystem } from 'venomqa/sqlite'
import type { ManagedSystem } from 'venomqa/kit'
import { defineWorld } from 'venomqa/vitest'
import type { NotesManager } from './notes'

type Systems = { db: SqliteSystem<SqliteHandle>; notes: ManagedSystem<NotesManager> }

const { journey, step, checkpoint, branch, test, useRollback, explore, action } = defineWorld<Systems, string | undefined>({
  api: ({ config }) => config.baseUrl,
})

function trace(what: string): void {
  appendFileSync(process.env.TRACE!, `${what}\n`)
}

const orders = (db: SqliteHandle): unknown[] => db.prepare('select name from orders').all()

/** Tells what is there, and writes to both systems. */
function does(what: string) {
  return ({ db, notes, api }: { db: SqliteHandle; notes: NotesManager; api: string | undefined }): void => {
    trace(`${what} finds ${orders(db).length} orders and ${notes.notes.length} notes at ${api}`)
    db.prepare('insert into orders values (?)').run(what)
    notes.notes.push(what)
  }
}

journey('shop', () => {
  step('order', does('order'))
  checkpoint('ordered')
  branch('pay', () => void step('pay', does('pay')))
  branch('cancel', () => void step('cancel', does('cancel')))
  branch('wait', () => {
    step('waits for ever', ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)))
  })
  branch('wait its own time', () => {
    step('waits a second', { timeout: 5000 }, () => new Promise((resolve) => setTimeout(resolve, 700)))
  })
})

test('a plain test', ({ db, notes }) => does('plain')({ db, notes, api: 'plain' }))
test('another plain test', ({ db, notes }) => does('another')({ db, notes, api: 'plain' }))
test('a test that names no system', () => trace('unnamed'))

describe('hooks', () => {
  const world = useRollback()
  plain('a plain test with hooks', () => does('hooks')(world))
  plain('another one', () => does('more hooks')(world))
})

explore('orders', {
  actions: {
    order: action({
      when: ({ db }) => orders(db).length < 2,
      run: ({ db, notes }) => {
        notes.notes.push('x')
        db.prepare("insert into orders values ('x')").run()
      },
    }),
  },
  invariants: { 'as many notes as orders': ({ db, notes }) => notes.notes.length === orders(db).length },
})
