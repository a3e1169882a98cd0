import { POSTGRES } from '../../systems/shared/statements.ts'
import { type Dialect, type IsolationLevel, requireBegin } from './dialect.ts'
import { quoter } from '../../systems/shared/names.ts'
import { isAtLeast, versionOf } from '../../systems/shared/version.ts'

const LEVELS: readonly IsolationLevel[] = ['read uncommitted', 'read committed', 'repeatable read', 'serializable']

const CATALOG = `
  select case n.nspname when current_schema() then '' else n.nspname end as "schema", c.relname as "table",
    a.attname as "column", coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0) as "key",
    case when a.attgenerated = '' then 0 else 1 end as "computed", 0 as "internal", '' as "read"
  from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_index i on i.indrelid = c.oid and i.indisprimary
  where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = c.oid and deptype = 'e')
  order by n.nspname, c.relname, a.attnum`

/** The SQL of PostgreSQL 12 and newer, and of what speaks like it. `version` is what the server says. Throws `UNSUPPORTED`. */
export function postgresDialect(version: string): Dialect {
  const read = versionOf(version)
  const about = {
    name: 'postgres',
    isolationLevels: LEVELS,
    supports: {
      savepoints: true,
      returning: true,
      transactionalDdl: true,
      deferrable: true,
      readOnlyTransactions: true,
      generatedIdsRollBack: false,
    },
  }
  const quote = quoter('"', { length: 63, unit: 'bytes' })
  return {
    ...about,
    version: read,
    syntax: POSTGRES,
    quote,
    placeholder: (index) => `$${index}`,
    begin: (options = {}) => {
      requireBegin(about, options)
      const level = options.isolation && `isolation level ${options.isolation}`
      // In this order: the characteristics of a transaction are set once it has begun.
      return [
        'begin',
        ...[level, options.readOnly && 'read only'].flatMap((it) => (it ? [`set transaction ${it}`] : [])),
      ]
    },
    beginReading: ['begin isolation level repeatable read read only'],
    commit: 'commit',
    rollback: 'rollback',
    savepoint: (name) => `savepoint ${quote(name)}`,
    rollbackTo: (name) => `rollback to savepoint ${quote(name)}`,
    release: (name) => `release savepoint ${quote(name)}`,
    aftermath: () => 'aborted',
    catalog: isAtLeast(read, 12) ? CATALOG : CATALOG.replace("case when a.attgenerated = '' then 0 else 1 end", '0'),
    only: 'only',
    truncate: (tables) => `truncate ${tables.join(', ')} restart identity`,
    claim: "select pg_try_advisory_lock(hashtext('venomqa kit'), 1)",
    overriding: 'overriding system value',
    // Neither foreign keys nor triggers; a superuser's, or granted by GRANT SET ON PARAMETER.
    unconstrained: {
      before: ['set session_replication_role = replica'],
      after: () => ['set session_replication_role = default'],
    },
  }
}
