import { VenomError } from '../../errors.ts'
import { requireTestDatabase, type SafetyOptions } from '../../safety.ts'
import type { ServerControl } from './control.ts'
import { type Place, placeName, quoted } from './place.ts'
import { codeOf } from './trouble.ts'

/** The comment on a database that says it is one for tests. */
export const TEST_DATABASE = 'venomqa test database'

/** The oldest PostgreSQL whose triggers can be replaced and whose row addresses can be joined: 14. */
const OLDEST = 140_000

/** What may be done here: asked of the server once, before anything is changed. */
interface Access {
  readonly version: string
  readonly role: string
  readonly is_super: string
  readonly bypasses_rls: string
  readonly may_create: string
  readonly may_replicate: string
  readonly in_recovery: string
  readonly standbys: string
  readonly proved: string
  /** The owners of tables and sequences that the role may not alter, as identifiers. */
  readonly owners: string
  readonly forced_rls: string
}

const ACCESS = `
  with mine as (
    select c.* from pg_class c join pg_namespace s on s.oid = c.relnamespace
    where c.relkind in ('r', 'S') and c.relpersistence <> 't'
      and nspname !~ '^pg_' and nspname not in ('information_schema', 'venomqa')
      and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = c.oid and deptype = 'e')
  )
  select current_setting('server_version_num') as version, quote_ident(rolname) as role,
    rolsuper as is_super, rolsuper or rolbypassrls as bypasses_rls,
    has_database_privilege(d.oid, 'create') as may_create,
    pg_is_in_recovery() as in_recovery,
    (select count(*) from pg_stat_replication r left join pg_replication_slots s on s.active_pid = r.pid
      where s.slot_type is distinct from 'logical') as standbys,
    coalesce(shobj_description(d.oid, 'pg_database') like '%' || $1 || '%', false)
      or to_regclass('venomqa_test_database') is not null as proved,
    (select coalesce(string_agg(distinct quote_ident(pg_get_userbyid(relowner)), ', '), '') from mine
      where not pg_has_role(relowner, 'usage')) as owners,
    (select coalesce(string_agg(oid::regclass::text, ', '), '') from mine where relforcerowsecurity) as forced_rls
  from pg_roles, pg_database d where rolname = current_user and datname = current_database()`

/** Refuses hosts and environments that are not for tests, before anything connects. Throws `NOT_A_TEST_DATABASE`. */
export function requireTestPlace(place: Place, options: SafetyOptions): void {
  requireTestDatabase(target(place, true), options)
}

/**
 * Refuses a database that nothing proves to be one for tests, a server that production stands on, and a role that may
 * not undo what others wrote.
 *
 * Throws `UNSUPPORTED`, `READ_ONLY`, `NOT_A_TEST_DATABASE`, `MISSING_GRANT`.
 */
export async function requireAccess(control: ServerControl, options: SafetyOptions): Promise<void> {
  const access = await requireTestServer(control, options)
  const grants = [...(await grantsForReplicaMode(control, access)), ...missingGrants(access, control.place)]
  if (grants.length > 0) throw missingGrant(access, control.place, grants)
}

/**
 * Refuses a database that nothing proves to be one for tests, and a server that production stands on.
 *
 * Throws `UNSUPPORTED`, `READ_ONLY`, `NOT_A_TEST_DATABASE`.
 */
export async function requireTestServer(control: ServerControl, options: SafetyOptions): Promise<Access> {
  const { place } = control
  const [access] = (await control.query(ACCESS, [TEST_DATABASE])) as unknown as [Access]
  if (Number(access.version) < OLDEST) throw tooOld(access.version)
  if (access.in_recovery === 't') throw standby(place)
  requireTestDatabase(target(place, access.proved === 't'), options)
  if (Number(access.standbys) > 0 && access.proved !== 't' && options.allowDatabase !== place.database) {
    throw replicated(place, Number(access.standbys))
  }
  return access
}

/** A role that is no superuser may be let into replica mode, since PostgreSQL 15. */
async function grantsForReplicaMode(control: ServerControl, { version, role }: Access): Promise<string[]> {
  try {
    await control.configure()
    return []
  } catch (error) {
    if (codeOf(error) !== '42501') throw error
    return Number(version) < 150_000
      ? [`ALTER ROLE ${role} SUPERUSER; -- before PostgreSQL 15 no grant lets a role set session_replication_role`]
      : [`GRANT SET ON PARAMETER session_replication_role TO ${role};`]
  }
}

function missingGrants({ role, may_create, owners, forced_rls, bypasses_rls }: Access, { database }: Place): string[] {
  const grants: string[] = []
  if (may_create !== 't') grants.push(`GRANT CREATE ON DATABASE ${quoted(database)} TO ${role};`)
  if (owners !== '') grants.push(`GRANT ${owners} TO ${role}; -- who may alter the tables`)
  if (forced_rls !== '' && bypasses_rls !== 't') {
    grants.push(`ALTER ROLE ${role} BYPASSRLS; -- ${forced_rls} force row level security on their owner`)
  }
  return grants
}

function target({ database, host }: Place, proved: boolean): Parameters<typeof requireTestDatabase>[0] {
  // A folder is a unix socket, and that is this machine.
  return {
    system: 'postgres',
    database,
    proved,
    mark: 'npx venomqa mark <its URL>',
    ...(!host.startsWith('/') && { host }),
  }
}

function missingGrant({ role }: Access, place: Place, grants: readonly string[]): VenomError {
  return new VenomError(
    'MISSING_GRANT',
    `postgres: the role ${role} may not undo what other connections write to ${placeName(place)}.\n` +
      'Triggers on every table record what changed, and rows are put back without firing triggers and foreign keys.\n' +
      'As a superuser, once:\n' +
      grants.map((grant) => `  ${grant}\n`).join('') +
      'Or give postgres() the URL of a superuser of the test server; the application keeps its own.',
  )
}

function tooOld(version: string): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `postgres: the server is PostgreSQL ${Math.floor(Number(version) / 10_000)}.\n` +
      'What is needed to undo rows without a key came with 14.\n' +
      'Run the tests on PostgreSQL 14 or newer.',
  )
}

function standby(place: Place): VenomError {
  return new VenomError(
    'READ_ONLY',
    `postgres: ${placeName(place)} is a standby, which cannot be written to.\n` +
      'The URL names a read replica.\n' +
      'Use the URL of a primary that is for tests alone.',
  )
}

function replicated(place: Place, standbys: number): VenomError {
  return new VenomError(
    'NOT_A_TEST_DATABASE',
    `postgres: ${standbys} standby ${standbys === 1 ? 'follows' : 'servers follow'} the server of ${placeName(place)}.\n` +
      'Servers for tests have none, and whatever is undone here is undone there too.\n' +
      `If it is for tests all the same, vouch for it: postgres(…, { allowDatabase: '${place.database}' }).`,
  )
}
