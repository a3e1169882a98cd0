import pg from 'pg'
import { postgres, type PostgresOptions, type PostgresSystem } from '../../../src/systems/postgres/index.ts'
import { Reader } from './content.ts'
import { type Database, makeDatabase, onServer } from './subject.ts'

/** A database with a system on it, and what a test needs around it. */
export interface Opened {
  readonly database: Database
  readonly system: PostgresSystem
  readonly reader: Reader
  /** What the system told its worker. */
  readonly notices: string[]
  /** Another connection of the application. */
  connect(): Promise<pg.Client>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Opens a system on a new database with `schema` in it: as the superuser of the server, or as `role`, which owns the
 * database and has the one grant that it needs.
 */
export async function open(
  server: string,
  schema: string,
  { role, ...options }: PostgresOptions & { readonly role?: string | undefined } = {},
): Promise<Opened> {
  const database = role === undefined ? await makeDatabase(server, schema) : await ownedDatabase(server, role, schema)
  const clients: pg.Client[] = []
  const notices: string[] = []
  const system = postgres(database.url, options)
  try {
    await system.open({ id: '1', runner: 'none', runId: 'test', notice: (text) => void notices.push(text) })
  } catch (error) {
    await database.drop()
    throw error
  }
  return {
    database,
    system,
    notices,
    reader: new Reader(database.query),
    connect: async () => {
      const client = new pg.Client({ connectionString: database.url, application_name: 'shop' })
      client.on('error', () => undefined)
      await client.connect()
      clients.push(client)
      return client
    },
    [Symbol.asyncDispose]: async () => {
      await system.close().catch(() => undefined)
      await Promise.all(clients.map((client) => client.end().catch(() => undefined)))
      await database.drop()
    },
  }
}

/** A role that is no superuser, with or without the one grant, and a database that it owns. */
async function ownedDatabase(server: string, role: string, schema: string): Promise<Database> {
  await makeRole(server, role, `grant set on parameter session_replication_role to ${role}`)
  return makeDatabase(server, schema, role)
}

/** Makes a role, unless another test file did so a moment ago. */
export async function makeRole(server: string, role: string, grants = ''): Promise<void> {
  await onServer(
    server,
    `select pg_advisory_xact_lock(4711);
     do $$ begin create role ${role} login; exception when duplicate_object then null; end $$;
     ${grants}`,
  )
}
