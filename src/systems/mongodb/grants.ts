import { VenomError } from '../../errors.ts'
import type { Worker } from '../../rollbackable.ts'
import { LEASES } from './quiet.ts'
import { codeOf, type Store } from './store.ts'
import type { WayName } from './way.ts'

/** What we may do beside rewriting the databases. */
export interface Grants {
  /** See the operations of all users, not only of our own. */
  readonly inprog: boolean
}

type Resource = { readonly cluster: true } | { readonly db: string; readonly collection: string }
type Privilege = { readonly resource: Resource; readonly actions: readonly string[] }
interface Granted {
  readonly resource: {
    readonly cluster?: boolean
    readonly anyResource?: boolean
    readonly db?: string
    readonly collection?: string
  }
  readonly actions: readonly string[]
}

/** What all of readWrite and dbAdmin a rollback uses. */
const REWRITE = [
  'find',
  'insert',
  'update',
  'remove',
  'bypassDocumentValidation',
  'createCollection',
  'dropCollection',
  'renameCollectionSameDB',
  'collMod',
  'createIndex',
  'dropIndex',
  'listCollections',
  'listIndexes',
]
const VIEWING = ['find', 'dropCollection']
const NOTE = ['find', 'insert', 'update', 'createCollection', 'dropCollection', 'listCollections']
const CLUSTER: Resource = { cluster: true }
const UNAUTHORIZED = 13

/** Throws `MISSING_GRANT`, with the role that is enough, unless our user may do all that a rollback needs. */
export async function checkGrants(
  store: Store,
  { databases, way, worker }: { databases: readonly string[]; way: WayName; worker: Worker },
): Promise<Grants> {
  const reply = await store.ask('admin', { connectionStatus: 1, showPrivileges: true })
  const info = reply['authInfo'] as {
    readonly authenticatedUsers: readonly { readonly user: string }[]
    readonly authenticatedUserPrivileges: readonly Granted[]
  }
  const [user] = info.authenticatedUsers
  if (!user) return await withoutUser(store, databases, way)
  const granted = info.authenticatedUserPrivileges
  const lacks = ({ resource, actions }: Privilege): string[] =>
    actions.filter((action) => !granted.some((grant) => covers(grant, resource) && grant.actions.includes(action)))
  const lacking = needed(databases, way).flatMap((need) => lacks(need).map((action) => `${action} on ${named(need)}`))
  if (lacking.length > 0) throw missingGrants(user.user, lacking, databases, way)
  const [inprog, setting] = ['inprog', 'setParameter'].map(
    (action) => lacks({ resource: CLUSTER, actions: [action] }).length === 0,
  )
  if (!inprog) worker.notice(onlyOwn(user.user))
  if (!setting && way !== 'copy') worker.notice(settingsStay(user.user))
  return { inprog: inprog === true }
}

/** Where nobody is asked who they are, everything is allowed; elsewhere the server refuses the first command. */
async function withoutUser(store: Store, databases: readonly string[], way: WayName): Promise<Grants> {
  try {
    await store.ask('admin', { listDatabases: 1, nameOnly: true })
    return { inprog: true }
  } catch (error) {
    if (codeOf(error) !== UNAUTHORIZED && codeOf(error) !== 18) throw error
    throw missingGrants('(none)', ['a user in the URL'], databases, way)
  }
}

function needed(databases: readonly string[], way: WayName): readonly Privilege[] {
  const noting = { resource: { db: LEASES, collection: '' }, actions: NOTE }
  const views = databases.map((db) => ({ resource: { db, collection: 'system.views' }, actions: VIEWING }))
  const oplog = { resource: { db: 'local', collection: 'oplog.rs' }, actions: ['find'] }
  const every = (actions: readonly string[]): readonly Privilege[] =>
    databases.map((db) => ({ resource: { db, collection: '' }, actions }))
  const telling = { past: [oplog], stream: every(['changeStream']), copy: every(['dbHash']) }[way]
  return [...telling, ...every(REWRITE), noting, ...views]
}

function covers({ resource: grant }: Granted, wanted: Resource): boolean {
  if (grant.anyResource) return true
  if ('cluster' in wanted) return grant.cluster === true
  if (grant.db === undefined || grant.collection === undefined) return false
  if (grant.db !== '' && grant.db !== wanted.db) return false
  // The empty name stands for all collections but those of the system.
  const isSystem = wanted.collection.startsWith('system.') || wanted.db === 'local'
  return grant.collection === wanted.collection || (grant.collection === '' && !isSystem)
}

function named({ resource }: Privilege): string {
  if ('cluster' in resource) return 'the cluster'
  return resource.collection === '' ? resource.db : `${resource.db}.${resource.collection}`
}

/** The least role, as mongosh takes it. */
export function roleFor(databases: readonly string[], way: WayName = 'past'): string {
  const privileges = [
    '{ resource: { cluster: true }, actions: ["inprog", "appendOplogNote", "setParameter"] }',
    ...(way === 'past' ? ['{ resource: { db: "local", collection: "oplog.rs" }, actions: ["find"] }'] : []),
    ...databases.map(
      (db) => `{ resource: { db: "${db}", collection: "system.views" }, actions: ["find", "dropCollection"] }`,
    ),
  ]
  const roles = [
    ...databases.flatMap((db) => [`{ role: "readWrite", db: "${db}" }`, `{ role: "dbAdmin", db: "${db}" }`]),
    `{ role: "readWrite", db: "${LEASES}" }`,
  ]
  return (
    `db.getSiblingDB("admin").createRole({ role: "venomqa",\n` +
    `  privileges: [\n    ${privileges.join(',\n    ')}\n  ],\n  roles: [${roles.join(', ')}] })`
  )
}

function missingGrants(
  user: string,
  lacking: readonly string[],
  databases: readonly string[],
  way: WayName,
): VenomError {
  return new VenomError(
    'MISSING_GRANT',
    `mongodb: the user "${user}" may not do what a rollback needs: ${lacking.slice(0, 8).join(', ')}${lacking.length > 8 ? ' …' : ''}\n` +
      'The system uses more rights than the application, which keeps its own user.\n' +
      (way === 'past'
        ? "Where local may not be read, as on a managed service: mongodb(url, { way: 'stream' }).\n"
        : '') +
      `This role is enough; for each time series X add { db, collection: "system.buckets.X" }: find, insert, update, remove, createIndex.\n` +
      `${roleFor(databases, way)}\n` +
      `db.getSiblingDB("admin").grantRolesToUser("${user}", ["venomqa"])`,
  )
}

function onlyOwn(user: string): string {
  return (
    `mongodb: "${user}" lacks inprog, so only its own open transactions are seen before a checkpoint and a rollback; ` +
    'one of another user would commit into the next branch.'
  )
}

function settingsStay(user: string): string {
  return (
    `mongodb: "${user}" lacks setParameter, so a mark can be gone back to for 5 minutes only ` +
    '(minSnapshotHistoryWindowInSeconds), and documents with a TTL index may go by themselves.'
  )
}
