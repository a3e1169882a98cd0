import { messageOf, VenomError } from '../../errors.ts'
import { captureSql } from './capture.sql.ts'
import type { Control, TextRow } from './control.ts'
import { literal, placeName } from './place.ts'
import { type Patience, whenAlone, whenQuiet } from './quiet.ts'
import { reportSql } from './report.sql.ts'
import { shapeSql } from './shape.sql.ts'
import { codeOf, detailOf } from './trouble.ts'
import { undoSql } from './undo.sql.ts'
import { watchSql } from './watch.sql.ts'

/** What is installed by this version of the library: another one is replaced. */
const VERSION = '3'

/**
 * Puts back what a killed run left, and installs what is needed. `notice` is told of such a run.
 *
 * Throws `CRASHED` when it cannot be put back, `NOT_QUIET`.
 */
export async function install(
  control: Control,
  {
    run,
    keep,
    patience,
    notice,
    canTellOfDdl = true,
  }: {
    run: string
    keep: boolean
    patience: Patience
    notice: (message: string) => void
    canTellOfDdl?: boolean
  },
): Promise<void> {
  const mayReuse = (await recover(control, patience, notice)) && keep
  await whenAlone(control, patience, `so ${placeName(control.place)} cannot be prepared`, () =>
    control.transaction(mayReuse ? reuse(run) : `${UNINSTALL} ${create(run, canTellOfDdl)}`),
  )
}

/** Takes away all that was installed: the schema, and with it the triggers and functions. Throws `NOT_QUIET`. */
export async function uninstall(control: Control, patience: Patience): Promise<void> {
  await whenAlone(control, patience, `so the triggers in ${placeName(control.place)} cannot be dropped`, () =>
    control.transaction(UNINSTALL),
  )
}

/** Forgets the marks and what was logged, and leaves the rest for the next run. */
export async function leaveInstalled(control: Control, patience: Patience): Promise<void> {
  await whenAlone(control, patience, `so the log in ${placeName(control.place)} cannot be emptied`, () =>
    control.transaction(EMPTY),
  )
}

/** The triggers and event triggers go with their functions. */
const UNINSTALL = 'drop schema if exists venomqa cascade;'

const EMPTY = 'truncate venomqa.log, venomqa.past, venomqa.mark;'

/** Event triggers are for superusers; without them, the catalogs are compared at each mark and rollback. */
const TELL_OF_DDL = `
  do $$ begin
    create event trigger venomqa_ddl on ddl_command_end execute function venomqa.log_ddl();
    create event trigger venomqa_drop on sql_drop execute function venomqa.log_drop();
    alter event trigger venomqa_ddl enable always;
    alter event trigger venomqa_drop enable always;
    update venomqa.about set told_of_ddl = true;
  exception when insufficient_privilege then null;
  end $$;
`

const create = (run: string, canTellOfDdl: boolean): string => `
  ${captureSql}
  ${watchSql}
  ${shapeSql}
  ${undoSql}
  ${reportSql}
  insert into venomqa.about (version, database, run, told_of_ddl)
    select '${VERSION}', oid, ${literal(run)}, false from pg_database where datname = current_database();
  ${canTellOfDdl ? TELL_OF_DDL : ''}
  select venomqa.watch('venomqa.probe'::regclass);
  select venomqa.new_shape();
`

const reuse = (run: string): string => `
  ${EMPTY}
  update venomqa.about set run = ${literal(run)}, opened = clock_timestamp();
  select venomqa.may_differ();
  select venomqa.new_shape() where exists (select from venomqa.shape_difference((select shape from venomqa.about)));
`

/** Puts back what a killed run left, and answers whether what is installed can be used again. */
async function recover(control: Control, patience: Patience, notice: (message: string) => void): Promise<boolean> {
  const [exists] = await control.query(`select to_regclass('venomqa.about') is not null as ours`)
  if (exists?.['ours'] !== 't') return false
  const [about] = await control.query(
    `select version, database = (select oid from pg_database where datname = current_database()) as same_database
     from venomqa.about`,
  )
  // A copy of a database has other marks than the one it was copied from: its state is what its maker wanted.
  if (about?.['same_database'] !== 't') return false
  const [first] = await control.query('select id, name, taken from venomqa.mark order by id limit 1')
  if (first) await goBack(control, patience, first, notice)
  return about['version'] === VERSION
}

async function goBack(
  control: Control,
  patience: Patience,
  { id, name, taken }: TextRow,
  notice: (message: string) => void,
): Promise<void> {
  const where = placeName(control.place)
  try {
    const [answer] = await whenQuiet(
      control,
      patience,
      `so ${where} cannot be put back after a run that was killed`,
      (wait) => control.query('select cardinality(touched) as touched from venomqa.rollback($1, $2)', [id, wait]),
    )
    const touched = Number(answer?.['touched'] ?? 0)
    notice(
      `postgres: ${where} was left behind by a run that was killed. It is back at that run's first mark, ` +
        `"${name}" of ${taken}; ${touched === 1 ? '1 table was' : `${touched} tables were`} put back.`,
    )
  } catch (error) {
    if (!codeOf(error).startsWith('VQ0')) throw error
    throw new VenomError(
      'CRASHED',
      `postgres: a run that was killed left ${where} behind, and it cannot be put back to "${name}" of ${taken}: ` +
        `${messageOf(error)}${detailOf(error) && `\n${detailOf(error)}`}\n` +
        'The schema or a whole table was changed during that run, which rows cannot undo.\n' +
        'Make the database anew, or accept it as it is: drop schema venomqa cascade.',
      { cause: error },
    )
  }
}
