import { afterAll, describe, test } from 'vitest'
import { conformance, type ConformanceOptions } from '../../../src/kit/index.ts'
import { describeServer } from '../../servers/server.ts'
import { BetterSqlite3Backend } from './backends/better-sqlite3.ts'
import { LibsqlBackend } from './backends/libsql.ts'
import { MysqlBackend } from './backends/mysql.ts'
import { NodeSqliteBackend, PlainBackend } from './backends/node-sqlite.ts'
import { PostgresBackend } from './backends/postgres.ts'
import { betterSqlite3App, fileStore, libsqlApp, mysqlStore, nodeSqliteApp, postgresStore } from './stores.ts'
import { copiesSubject, type Make, savepointsSubject, Stores } from './subject.ts'

type Except = NonNullable<ConformanceOptions['except']>

const ids: Except = { 'gives the same generated id again': 'its counters belong to no transaction' }
const schema: Except = {
  'undoes a change of schema': 'rows cannot undo it, so the rollback is refused',
  'what was created since the mark is gone again': 'rows cannot undo it, so the rollback is refused',
}
const commits: Except = {
  'undoes a change of schema': 'the server commits before it, which is noticed',
  'what was created since the mark is gone again': 'the server commits before it, which is noticed',
}

describeServer('postgres', (url) => {
  const make: Make = (at, options) => new PostgresBackend(at, options) as never
  both(new Stores((n) => postgresStore(url, `venomqa_kit_test_${n}`)), make, true, {
    copies: { ...ids, ...schema },
    savepoints: ids,
  })
})

// What MariaDB could do otherwise with savepoints, transaction.test.ts has.
for (const [name, savepoints] of [['mysql', { ...ids, ...commits }], ['mariadb']] as const) {
  describeServer(name, (url) => {
    const make: Make = (at, options) => new MysqlBackend(at, options) as never
    const stores = new Stores((n) => mysqlStore(url, `venomqa_kit_test_${n}`))
    both(stores, make, true, { copies: { ...ids, ...schema }, ...(savepoints && { savepoints }) })
  })
}

describe('better-sqlite3', () => {
  const make: Make = (at, options) => new BetterSqlite3Backend(at, options) as never
  both(new Stores(() => fileStore(betterSqlite3App)), make, false, { copies: schema, savepoints: {} })
})

describe('node:sqlite', () => {
  const make: Make = (at, options) => new NodeSqliteBackend(at, options) as never
  both(new Stores(() => fileStore(nodeSqliteApp)), make, false, { copies: schema, savepoints: {} })
})

describe('a database without savepoints', () => {
  const make: Make = (at, options) => new PlainBackend(at, options) as never
  both(new Stores(() => fileStore(nodeSqliteApp)), make, false, { copies: schema })
})

describe('libsql', () => {
  const make: Make = (at, options) => new LibsqlBackend(at, options) as never
  both(new Stores(() => fileStore(libsqlApp)), make, false, { copies: schema, savepoints: {} })
})

/** Both ways, or the one for which exceptions are given. */
function both(stores: Stores, make: Make, isServer: boolean, except: { copies: Except; savepoints?: Except }): void {
  afterAll(() => stores.end())
  describe('copies', () =>
    conformance(test, () => copiesSubject(stores, make, isServer), { runs: 5, except: except.copies }))
  if (!except.savepoints) return
  const { savepoints } = except
  describe('savepoints', () =>
    conformance(test, () => savepointsSubject(stores, make), { runs: 5, except: savepoints }))
}
