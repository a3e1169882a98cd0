import { messageOf, VenomError } from '../../errors.ts'
import { causeOf, toldIfRetryable } from '../shared/cause.ts'
import { codeOf, detailOf } from './trouble.ts'

/** What the functions in the database refuse, in the user's names. */
export function explained(error: unknown, mark: string): unknown {
  const say = (code: VenomError['code'], ...lines: string[]): VenomError =>
    new VenomError(code, `postgres: ${lines.join('\n')}`, {
      cause: codeOf(error).startsWith('VQ') ? error : causeOf(error, { backend: 'postgres' }),
    })
  switch (codeOf(error)) {
    case 'VQ000':
      return say(
        'ROLLBACK_FAILED',
        `"${mark}" can neither be taken nor gone back to: the server gave us another session than the one we made ours.`,
        'A pooler in transaction mode, such as PgBouncer, stands between us and the server.',
        'Give postgres() the URL of the server itself; the application may keep the pooler.',
      )
    case 'VQ002':
      return say(
        'STALE_MARK',
        `there is no mark "${mark}" any more.`,
        'A rollback to an earlier mark forgets the later ones.',
        'Go back to a mark that holds, and take a new one.',
      )
    case 'VQ003':
      return say(
        'SCHEMA_CHANGED',
        `the schema changed since "${mark}", so it cannot be gone back to; nothing was changed.`,
        shortened(detailOf(error)),
        'Rows cannot undo that; tables, views and sequences that were only added would have been dropped.',
        "Run migrations before the world opens; where steps must change the schema, take postgres(url, { way: 'template' }).",
      )
    case 'VQ004':
      return say(
        'NOT_VERIFIED',
        `${messageOf(error)} was changed past its triggers, so "${mark}" cannot be gone back to; nothing was changed.`,
        'Triggers were disabled for a while (ALTER TABLE … DISABLE TRIGGER, a loader), or somebody else undid rows.',
        'Load data before the world opens, or with session_replication_role = replica, which is seen.',
      )
    case 'VQ005':
      return say(
        'SCHEMA_CHANGED',
        `${messageOf(error)} was rewritten since "${mark}", so it cannot be gone back to; nothing was changed.`,
        'VACUUM FULL, CLUSTER and some forms of ALTER TABLE move every row to another place.',
        'Use plain VACUUM in tests, or rewrite tables before the world opens.',
      )
    case '54000':
    case '53200':
      return say(
        'TOO_LARGE',
        `too much changed since "${mark}" to be undone at once; nothing was changed.`,
        `All old rows together do not fit into memory: ${messageOf(error)}.`,
        'Take a checkpoint after loading data, and let branches change less.',
      )
    default:
      if (!codeOf(error).startsWith('23')) return toldIfRetryable(error, { backend: 'postgres' })
      return say(
        'ROLLBACK_FAILED',
        `a row cannot be put back as it was at "${mark}": ${messageOf(error)}; nothing was changed.`,
        'It broke a constraint before, such as one that was added NOT VALID, or one whose function answers otherwise by now.',
        'Correct such rows, or drop the constraint, before the world opens.',
      )
  }
}

/** What whole things came or went is said first, and of our own triggers only if nothing else differs. */
function shortened(difference: string): string {
  const all = difference.split('\n')
  const theirs = all.filter((line) => !/ TRIGGER venomqa_/i.test(line))
  const isWhole = (line: string): boolean => /^. (schema|extension|type|function|table|.*view|sequence) /.test(line)
  const lines = theirs.length === 0 ? all : [...theirs.filter(isWhole), ...theirs.filter((line) => !isWhole(line))]
  const shown = lines.slice(0, 20).map((line) => `  ${line}`)
  return lines.length > 20 ? [...shown, `  and ${lines.length - 20} more`].join('\n') : shown.join('\n')
}
