import type * as FastCheck from 'fast-check'
import { VenomError } from '../errors.ts'

/** fast-check, an optional peer. Throws `DRIVER_MISSING`; `needs` says in two sentences who needs it, and what for. */
export async function fastCheck(needs: string): Promise<typeof FastCheck> {
  try {
    return await import('fast-check')
  } catch (cause) {
    throw new VenomError('DRIVER_MISSING', `${needs}\nnpm install -D fast-check`, { cause })
  }
}
