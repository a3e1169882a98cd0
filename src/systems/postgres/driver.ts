import type * as pg from 'pg'
import { VenomError } from '../../errors.ts'

/** What we use of pg. */
export type Driver = Pick<typeof pg, 'Client' | 'DatabaseError' | 'Pool'>

/** Loads the driver. Throws `DRIVER_MISSING`. */
export async function loadDriver(): Promise<Driver> {
  try {
    return (await import('pg')).default
  } catch (cause) {
    throw new VenomError(
      'DRIVER_MISSING',
      'postgres: the driver "pg" is not installed.\n' +
        'venomqa brings no driver of its own: it uses the one that you choose for your tests.\n' +
        'npm install -D pg',
      { cause },
    )
  }
}

/** Values as PostgreSQL prints them: every column is a text or null. */
export const asText = { getTypeParser: () => (value: unknown) => value } as unknown as NonNullable<
  pg.ClientConfig['types']
>
