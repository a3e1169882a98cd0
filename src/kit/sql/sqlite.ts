import { type Dialect, type IsolationLevel, requireBegin } from './dialect.ts'
import { quoter } from '../../systems/shared/names.ts'
import { isAtLeast, versionOf } from '../../systems/shared/version.ts'

const LEVELS: readonly IsolationLevel[] = ['serializable']

// The counters of AUTOINCREMENT are rows of a table like any other; it comes last, since inserts count too.
const CATALOG = `
  select '' as "schema", t.name as "table", c.name as "column", c.pk as "key", c.hidden > 1 as "computed",
    t.name = 'sqlite_sequence' as "internal", '' as "read"
  from pragma_table_list t join pragma_table_xinfo(t.name) c
  where t.schema = 'main' and t.type = 'table' and c.hidden <> 1
    and (t.name not like 'sqlite\\_%' escape '\\' or t.name = 'sqlite_sequence')
  order by t.name = 'sqlite_sequence', t.name, c.cid`

/** The SQL of SQLite 3.37 and newer, and of what is made of it. `version` is what `sqlite_version()` says. Throws `UNSUPPORTED`. */
export function sqliteDialect(version: string): Dialect {
  const read = versionOf(version)
  const about = {
    name: 'sqlite',
    isolationLevels: LEVELS,
    supports: {
      savepoints: true,
      returning: isAtLeast(read, 3, 35),
      transactionalDdl: true,
      deferrable: true,
      readOnlyTransactions: false,
      generatedIdsRollBack: true,
    },
  }
  const quote = quoter('"')
  return {
    ...about,
    version: read,
    syntax: { backslash: false, dollar: false, nested: false, mysql: false },
    quote,
    placeholder: () => '?',
    begin: (options = {}) => {
      requireBegin(about, options)
      // At once: a transaction that reads first may later be refused what it needs to write.
      return ['begin immediate']
    },
    beginReading: ['begin'],
    commit: 'commit',
    rollback: 'rollback',
    savepoint: (name) => `savepoint ${quote(name)}`,
    rollbackTo: (name) => `rollback to ${quote(name)}`,
    release: (name) => `release ${quote(name)}`,
    aftermath: () => 'open',
    catalog: CATALOG,
    // It has no effect in a transaction: https://sqlite.org/pragma.html#pragma_foreign_keys
    unconstrained: {
      ask: 'pragma foreign_keys',
      before: ['pragma foreign_keys = off'],
      after: (was) => [`pragma foreign_keys = ${Number(was) === 1 ? 'on' : 'off'}`],
    },
  }
}
