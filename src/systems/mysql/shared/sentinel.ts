import type { ConnectionOptions } from 'mysql2/promise'
import { VenomError } from '../../../errors.ts'
import { isTestName, requireTestDatabase, type SafetyOptions } from '../../../safety.ts'
import type { Address } from '../address.ts'
import { type Catalog, catalogOf } from '../catalog.ts'
import { takeLease } from '../lease.ts'
import { isMarked, targetOf } from '../open.ts'
import { refused } from '../refusal.ts'
import { serverOf } from '../server.ts'
import { Session } from '../session.ts'
import { placesOf } from '../tracked.ts'
import type { CorePool } from './pool.ts'

/** A second connection, which proves that the database may be used, holds the lease, and knows the schema. */
export interface Sentinel {
  readonly session: Session
  readonly database: string
  /** What there is; nobody can change it in the transaction. */
  readonly catalog: Catalog
  /** Of the server, for people. */
  readonly version: string
}

/** Where a pool connects to. Throws `BAD_ARGUMENT`. */
export function addressOfPool({ config }: CorePool): Address {
  const { host, port, socketPath, user, password, database, ssl } = config.connectionConfig as ConnectionOptions
  if (!database) {
    throw new VenomError(
      'BAD_ARGUMENT',
      'mysql.shared: the pool names no database.\n' +
        'It is asked before anything is written whether that database is one for tests.\n' +
        "Give it to the pool: createPool({ database: 'shop_test', … }).",
    )
  }
  const at =
    socketPath === undefined
      ? { ...(host !== undefined && { host }), ...(port !== undefined && { port }) }
      : { socketPath }
  return {
    options: {
      ...at,
      ...(user !== undefined && { user }),
      ...(password !== undefined && { password }),
      ...(ssl !== undefined && { ssl }),
      database,
    },
    database,
    ...(socketPath === undefined && host !== undefined && { host }),
    shown: `mysql://${socketPath ?? `${host}:${port}`}/${database}`,
  }
}

/** Throws `CONNECTION_REFUSED`, `NOT_FOUND`, `NOT_A_TEST_DATABASE`, `READ_ONLY`, `UNSUPPORTED`, `LEASED`. */
export async function openSentinel(address: Address, options: SafetyOptions, settle: number): Promise<Sentinel> {
  const { database } = address
  const target = targetOf(address, database)
  requireTestDatabase({ ...target, proved: true }, options)
  const session = await Session.open(address, settle)
  try {
    const { version } = await serverOf(session)
    const places = placesOf(database)
    requireTestDatabase({ ...target, proved: !isTestName(database) && (await isMarked(session, database)) }, options)
    await takeLease(session, places, settle)
    return { session, database, version, catalog: await catalogOf(session, database) }
  } catch (error) {
    await session.close()
    throw refused(error, address.shown, 'opening the database')
  }
}
