import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterAll, describe, test } from 'vitest'
import { conformance } from '../../src/kit/index.ts'
import type { SqliteDatabase, SqliteFileOptions } from '../../src/systems/sqlite/index.ts'
import { type AppKind, hasPython, scratchFolder } from './sqlite/app.ts'
import { Applications, fileSubject, handleSubject } from './sqlite/subject.ts'

type Kinds = [AppKind, AppKind, AppKind]

const better: Kinds = ['better-sqlite3', 'node:sqlite', 'better-sqlite3']
const node: Kinds = ['node:sqlite', 'better-sqlite3', 'node:sqlite']

describe.each<[name: string, options: SqliteFileOptions, applications: Kinds, runs: number]>([
  ['wal', {}, better, 30],
  ['wal, with node:sqlite', { driver: 'node:sqlite' }, node, 15],
  ['backup', { way: 'backup' }, better, 10],
  ['backup, with node:sqlite', { way: 'backup', driver: 'node:sqlite' }, node, 10],
])('sqlite(path), %s, other processes connected', (_, options, kinds, runs) => {
  processes(options, kinds, runs)
})

describe.skipIf(!hasPython)('sqlite(path), wal, an application in Python', () => {
  processes({}, ['python', 'better-sqlite3', 'python'], 10)
})

describe.each<[name: string, open: (path: string) => SqliteDatabase]>([
  ['better-sqlite3', (path) => new BetterSqlite3(path)],
  ['node:sqlite', (path) => new DatabaseSync(path)],
])('sqlite(db) of %s', (_, open) => {
  describe('in memory, serialize', () => {
    conformance(test, () => handleSubject(open(':memory:')), { runs: 15 })
  })
  describe('in memory, savepoint', () => {
    conformance(test, () => handleSubject(open(':memory:'), { way: 'savepoint' }), { runs: 30 })
  })
  describe('on a file', () => {
    const folder = scratchFolder()
    afterAll(() => rmSync(folder, { recursive: true }))
    let files = 0
    conformance(test, () => handleSubject(open(join(folder, `${++files}.db`))), { runs: 10 })
  })
})

function processes(options: SqliteFileOptions, kinds: Kinds, runs: number): void {
  const applications = new Applications(kinds)
  afterAll(() => applications.end())
  conformance(test, () => fileSubject(options, applications), { runs })
}
