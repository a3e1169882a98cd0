import { VenomError } from '../../../errors.ts'
import { shortened, type Statement } from '../../shared/statements.ts'

/** Statements that end no transaction. */
const HARMLESS = new Set(
  (
    'SELECT INSERT UPDATE DELETE REPLACE WITH VALUES TABLE SHOW DESCRIBE DESC EXPLAIN SET DO USE HELP KILL PREPARE ' +
    'DEALLOCATE HANDLER GET SIGNAL RESIGNAL LOAD UNLOCK CHECKSUM'
  ).split(' '),
)

/** Statements before which the server commits. https://dev.mysql.com/doc/refman/9.0/en/implicit-commit.html */
const COMMITTING = new Set(
  (
    'ALTER CREATE DROP RENAME TRUNCATE GRANT REVOKE ANALYZE CHECK OPTIMIZE REPAIR CACHE FLUSH LOCK RESET INSTALL ' +
    'UNINSTALL IMPORT START STOP CHANGE CLONE PURGE XA'
  ).split(' '),
)

/** Whether the server commits because of a statement; `maybe`: what it calls may do so. */
export function commits({ words }: Statement): 'never' | 'always' | 'maybe' {
  const [first = 'SELECT', second = ''] = words
  const text = words.join(' ')
  if (/^(CREATE|DROP)( OR REPLACE)? TEMPORARY /.test(text) || /^ANALYZE (SELECT|UPDATE|DELETE|INSERT)/.test(text)) {
    return 'never'
  }
  if (COMMITTING.has(first) || /^(SET PASSWORD|LOAD INDEX)/.test(`${first} ${second}`)) return 'always'
  return HARMLESS.has(first) ? 'never' : 'maybe'
}

/** The error for a statement that is not sent. */
export function wouldCommit({ text }: Statement): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `mysql.shared: "${shortened(text)}" would commit all that the application did, so it was not sent.\n` +
      'The server commits before such a statement, and the savepoints that are the marks would be gone.\n' +
      'Run it before the world opens, as migrations do, or use mysql(url), where the application commits as in production.',
  )
}

/** The error for everything after a statement that ended the transaction. */
export function ended(text: string, why: string, left: string): VenomError {
  return new VenomError(
    'MARK_LOST',
    `mysql.shared: all marks are gone, since "${shortened(text)}" ended the transaction that they are in: ${why}.\n` +
      `${left}\n` +
      'Use mysql(url), where the application commits as in production and a rollback needs no transaction.',
  )
}
