import { VenomError } from '../../errors.ts'
import type { Way } from './history.ts'
import { type Http, statusOf } from './http.ts'
import { OURS, type Scope } from './scope.ts'

/** What a rollback uses of the cluster and of its indices. */
const CLUSTER = ['monitor', 'manage_index_templates', 'manage_ingest_pipelines', 'manage_ilm', 'cluster:admin/script/*']
/** What snapshots need beside. */
const SNAPSHOTS = ['cluster:admin/repository/*', 'cluster:admin/snapshot/*', 'manage']
const INDICES = ['read', 'write', 'manage', 'view_index_metadata', 'monitor']

interface Answer {
  readonly username: string
  readonly has_all_requested: boolean
  readonly cluster: Readonly<Record<string, boolean>>
  readonly index: Readonly<Record<string, Readonly<Record<string, boolean>>>>
}

/**
 * Throws `MISSING_GRANT`, with the role that is enough, unless our user may do all that a rollback needs. Nobody needs
 * a right to ask this. Of OpenSearch it cannot be asked.
 */
export async function checkGrants(http: Http, scope: Scope, template: Scope | undefined, way: Way): Promise<void> {
  const cluster = way === 'snapshot' ? [...CLUSTER, ...SNAPSHOTS] : CLUSTER
  const names = [...scope.patterns, `${OURS}*`]
  const index = [
    { names, privileges: INDICES },
    ...(template ? [{ names: template.patterns, privileges: ['read', 'view_index_metadata', 'monitor'] }] : []),
  ]
  const asked = http.ask<Answer>('POST', '/_security/user/_has_privileges', { cluster, index })
  const answer = await asked.catch((error: unknown) => {
    // Where security is off, everything is allowed, and nobody can be asked.
    if ([400, 404, 405, 500].includes(statusOf(error) ?? 0)) return undefined
    throw error
  })
  if (!answer || answer.has_all_requested) return
  const no = (granted: Readonly<Record<string, boolean>>): string[] =>
    Object.keys(granted).filter((key) => !granted[key])
  const lacking = [
    ...no(answer.cluster).map((privilege) => `${privilege} on the cluster`),
    ...Object.entries(answer.index).flatMap(([name, granted]) => no(granted).map((it) => `${it} on ${name}`)),
  ]
  throw missingGrants(answer.username, lacking, { cluster, names })
}

function missingGrants(
  user: string,
  lacking: readonly string[],
  { cluster, names }: { cluster: readonly string[]; names: readonly string[] },
): VenomError {
  const role = { cluster, indices: [{ names, privileges: INDICES }] }
  return new VenomError(
    'MISSING_GRANT',
    `elasticsearch: the user "${user}" may not do what a rollback needs: ${lacking.slice(0, 12).join(', ')}${lacking.length > 12 ? ' …' : ''}\n` +
      'The system uses more rights than the application, which keeps its own user.\n' +
      `This role is enough: PUT _security/role/venomqa ${JSON.stringify(role)}`,
  )
}
