import type * as Mongo from 'mongodb'
import { VenomError } from '../../errors.ts'

/** The user's own copy of the driver. */
export type Driver = typeof Mongo

/** Loads the driver. Throws `DRIVER_MISSING`. */
export async function loadDriver(): Promise<Driver> {
  try {
    return await import('mongodb')
  } catch (cause) {
    throw new VenomError(
      'DRIVER_MISSING',
      'mongodb: the driver "mongodb" is not installed.\n' +
        'Marks and rollbacks go through it; the application may use any driver it likes.\n' +
        'npm install -D mongodb',
      { cause },
    )
  }
}
