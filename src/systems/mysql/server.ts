import { VenomError } from '../../errors.ts'
import { isAtLeast, versionOf } from '../shared/version.ts'
import type { Session } from './session.ts'

/** Which server it is, and where it keeps what we read. */
export interface Server {
  readonly flavour: 'mariadb' | 'mysql'
  /** For people: `MariaDB 10.11.18`. */
  readonly version: string
  /** The tables of information_schema in which InnoDB tells of itself. */
  readonly tableStats: string
  readonly tables: string
  readonly foreignKeys: string
}

/** Asks the server what it is, and settles what only an administrator's session may. Throws `UNSUPPORTED`, `READ_ONLY`. */
export async function serverOf(session: Session): Promise<Server> {
  const [versions, engines, dumps] = await session.run([
    'SELECT VERSION() AS version, @@global.read_only AS readOnly, @@version_comment AS comment',
    "SELECT SUPPORT AS support FROM information_schema.ENGINES WHERE ENGINE = 'InnoDB'",
    "SELECT ID AS id FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'",
  ])
  const { version = '', readOnly, comment } = versions![0] ?? {}
  const mariadb = /mariadb/i.test(`${version} ${comment}`)
  const supported = mariadb ? isAtLeast(versionOf(`${version}`), 10, 6) : isAtLeast(versionOf(`${version}`), 8)
  const shown = `${mariadb ? 'MariaDB' : 'MySQL'} ${version?.split('-')[0]}`
  if (!supported || /tidb/i.test(version ?? '') || !['YES', 'DEFAULT'].includes(engines![0]?.support ?? '')) {
    throw new VenomError(
      'UNSUPPORTED',
      `mysql: ${shown} (${comment}) is not supported.\nThe way back needs InnoDB, its tables in information_schema, and triggers in their present form.\nUse MariaDB 10.6 or MySQL 8.0, or newer.`,
    )
  }
  if (readOnly === '1') {
    throw new VenomError(
      'READ_ONLY',
      'mysql: the server is set to read_only.\nIt is a replica, or an operator closed it for writes.\nGive the URL of a server that takes writes.',
    )
  }
  // Where nobody reads the binary log, what we write need not be in it. Without the privilege it simply is.
  if (dumps!.length === 0) await session.allowed('SET SESSION sql_log_bin = 0')
  // Tables that were made before such a rule, or without it, can be made again.
  await session.allowed('SET SESSION innodb_strict_mode = 0')
  if (!mariadb) await session.allowed('SET SESSION restrict_fk_on_non_standard_key = 0')
  await session.run(
    mariadb
      ? ['SET SESSION max_statement_time = 0, check_constraint_checks = 0, idle_transaction_timeout = 0']
      : ['SET SESSION max_execution_time = 0, information_schema_stats_expiry = 0'],
  )
  return mariadb ? mariadbServer(shown) : mysqlServer(shown)
}

function mariadbServer(version: string): Server {
  return {
    flavour: 'mariadb',
    version,
    tableStats: 'information_schema.INNODB_SYS_TABLESTATS',
    tables: 'information_schema.INNODB_SYS_TABLES',
    foreignKeys: 'information_schema.INNODB_SYS_FOREIGN',
  }
}

function mysqlServer(version: string): Server {
  return {
    flavour: 'mysql',
    version,
    tableStats: 'information_schema.INNODB_TABLESTATS',
    tables: 'information_schema.INNODB_TABLES',
    foreignKeys: 'information_schema.INNODB_FOREIGN',
  }
}
