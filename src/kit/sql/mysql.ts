import { MYSQL } from '../../systems/shared/statements.ts'
import { type Dialect, type IsolationLevel, requireBegin } from './dialect.ts'
import { quoter } from '../../systems/shared/names.ts'
import { isAtLeast, versionOf } from '../../systems/shared/version.ts'

const LEVELS: readonly IsolationLevel[] = ['read uncommitted', 'read committed', 'repeatable read', 'serializable']

// Both schemas are named, since MariaDB would look through all databases for the other one.
const CATALOG = `
  select '' as \`schema\`, c.table_name as \`table\`, c.column_name as \`column\`, c.column_key = 'PRI' as \`key\`,
    coalesce(c.generation_expression, '') <> '' as computed, 0 as internal,
    case c.data_type when 'float' then 'double' else '' end as \`read\`
  from information_schema.columns c
    join information_schema.tables t on t.table_name = c.table_name
  where c.table_schema = database() and t.table_schema = database() and t.table_type = 'BASE TABLE'
  order by c.table_name, c.ordinal_position`

/** The SQL of MySQL and MariaDB. `version` is what the server says. Throws `UNSUPPORTED`. */
export function mysqlDialect(version: string): Dialect {
  const read = versionOf(version)
  const about = {
    name: 'mysql',
    isolationLevels: LEVELS,
    supports: {
      savepoints: true,
      returning: /mariadb/i.test(version) && isAtLeast(read, 10, 5),
      transactionalDdl: false,
      deferrable: false,
      readOnlyTransactions: true,
      generatedIdsRollBack: false,
    },
  }
  const quote = quoter('`', { length: 64, unit: 'characters' })
  return {
    ...about,
    version: read,
    syntax: MYSQL,
    quote,
    placeholder: () => '?',
    begin: (options = {}) => {
      requireBegin(about, options)
      const begin = options.readOnly ? 'start transaction read only' : 'start transaction'
      // In this order: inside of a transaction its level cannot be changed any more.
      return options.isolation ? [`set transaction isolation level ${options.isolation}`, begin] : [begin]
    },
    beginReading: ['set transaction isolation level repeatable read', 'start transaction with consistent snapshot'],
    commit: 'commit',
    rollback: 'rollback',
    savepoint: (name) => `savepoint ${quote(name)}`,
    rollbackTo: (name) => `rollback to savepoint ${quote(name)}`,
    release: (name) => `release savepoint ${quote(name)}`,
    // One side of a deadlock loses its whole transaction, savepoints and all; any other failure undoes one statement.
    aftermath: (code) => (code === 'DEADLOCK' ? 'ended' : 'open'),
    catalog: CATALOG,
    // Names of locks are the server's, and have 64 characters.
    claim: "select get_lock(concat('venomqa kit ', left(sha2(database(), 256), 40)), 0)",
    // An id of zero is a row like any other, and not a wish for a new id.
    unconstrained: {
      ask: 'select @@sql_mode as mode',
      before: [
        'set session foreign_key_checks = 0',
        "set session sql_mode = concat(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES')",
      ],
      after: (was) => ['set session foreign_key_checks = 1', `set session sql_mode = '${String(was)}'`],
    },
  }
}
