import { deserialize, serialize } from 'node:v8'
import { VenomError } from '../errors.ts'
import type { Call } from './graph.ts'
import { callOf } from './params.ts'

/** A path, and the name of the exploration that it belongs to. */
export interface Recorded {
  readonly name: string
  readonly path: readonly Call[]
}

/** A path as one word, for `VENOMQA_REPLAY` and the corpus. */
export function tokenOf({ name, path }: Recorded): string {
  const plain = path.map(({ action, params, picks }) => [action, params, picks])
  return serialize({ version: 1, name, path: plain }).toString('base64url')
}

/** The path of a token. Throws `BAD_ARGUMENT`. */
export function recordedIn(token: string): Recorded {
  try {
    const { version, name, path } = deserialize(Buffer.from(token, 'base64url')) as {
      version: number
      name: string
      path: [action: string, params: Call['params'], picks: Call['picks']][]
    }
    if (version !== 1) throw new Error(`it is of version ${version}`)
    return { name, path: path.map(([action, params, picks]) => callOf(action, { params, picks })) }
  } catch (cause) {
    throw new VenomError(
      'BAD_ARGUMENT',
      `"${token.slice(0, 20)}…" is not a path that can be replayed.\n` +
        'It was cut off when it was copied, or it comes from another version of venomqa.\n' +
        'Copy the whole word after VENOMQA_REPLAY= from the failure.',
      { cause },
    )
  }
}
