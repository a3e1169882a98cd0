import { messageOf, VenomError } from '../../errors.ts'
import { ReplyError } from './resp.ts'
import { nameOf } from './view.ts'

/** Keys are still being written, so that nobody can say what they are. */
export function notQuiet(what: string, keys: readonly string[]): VenomError {
  return new VenomError(
    'NOT_QUIET',
    `redis: ${what}: somebody keeps writing ${named(keys)}.\n` +
      'A worker, a timer or a request that was not awaited is still at work; its writes belong to no step.\n' +
      'Await it, stop it before the checkpoint, or give it keys outside the prefix: redis(url, { prefix }).',
    { retryable: true },
  )
}

/** A rollback gave elements back to a client that was waiting for some. */
export function woken(keys: readonly string[], clients: string): VenomError {
  const waiting = clients.split('\n').find((line) => / flags=\w*b/.test(line))
  const example = waiting
    ? ` One that still waits: ${waiting.replace(/ (?!id|addr|name|age|cmd)[a-z-]+=\S*/g, '')}.`
    : ''
  return new VenomError(
    'NOT_QUIET',
    `redis: the rollback put elements back into ${named(keys)}, and a client that was blocked on it took them.${example}\n` +
      'A worker (BLPOP, BZPOPMIN, XREADGROUP BLOCK …) started after the checkpoint is waiting for what the checkpoint holds.\n' +
      'Start the workers before the checkpoint, so that the queue is empty there, or stop them before the rollback.',
  )
}

/** There is more than we may hold a copy of. */
export function tooLarge(keys: number, bytes: number, allowed: { maxKeys: number; maxBytes: number }): VenomError {
  const [most, mostBytes] = [Math.ceil(keys), Math.ceil(bytes)]
  const option = keys > allowed.maxKeys ? `maxKeys: ${roundUp(most)}` : `maxBytes: ${roundUp(mostBytes)}`
  return new VenomError(
    'TOO_LARGE',
    `redis: about ${most} keys and ${megabytes(bytes)} are to be copied; allowed are ${allowed.maxKeys} keys and ${megabytes(allowed.maxBytes)}.\n` +
      'The first checkpoint copies every key once into this process; so much is seldom a test database.\n' +
      `Use a prefix or an emptier database, or allow it: redis(url, { ${option} }).`,
  )
}

/** The server has no memory left to put keys back. */
export function outOfMemory(cause: ReplyError): VenomError {
  return new VenomError(
    'TOO_LARGE',
    `redis: the server has reached its maxmemory, so the keys cannot be put back: ${cause.message}\n` +
      'A rollback needs room for what it restores, even after it has removed what is not to stay.\n' +
      'Raise it (redis-cli config set maxmemory 512mb), or keep less data in the test database.',
    { cause },
  )
}

/** What an error of the server means to the user; anything else is left as it is. */
export function explained(error: unknown, user: string): unknown {
  if (!(error instanceof ReplyError)) return error
  switch (error.kind) {
    case 'NOPERM':
      return missingGrants([grantIn(error)], user)
    case 'OOM':
      return outOfMemory(error)
    case 'READONLY':
      return readOnly(error)
    case 'BUSY':
      return new VenomError(
        'LOCKED',
        `redis: the server is running a script and answers nobody: ${error.message}\n` +
          'A Lua script or a function of the application does not end.\n' +
          'End it (redis-cli script kill, or function kill), and give it an end.',
        { cause: error, retryable: true },
      )
    case 'LOADING':
      return new VenomError(
        'CONNECTION_REFUSED',
        `redis: the server is still loading its data: ${error.message}\n` +
          'It was started a moment ago.\nWait until redis-cli ping answers PONG.',
        { cause: error, retryable: true },
      )
    default:
      return new VenomError(
        'UNSUPPORTED',
        `redis: the server refused a command that the way back needs: ${messageOf(error)}.\n` +
          'It is of a version or a service that restricts it.\n' +
          "Try a server you run yourself, or the way that needs least: redis(url, { way: 'full' }).",
        { cause: error },
      )
  }
}

/** Rights that the user of the URL lacks; `grants` are as ACL SETUSER takes them. */
export function missingGrants(grants: readonly string[], user: string): VenomError {
  return new VenomError(
    'MISSING_GRANT',
    `redis: the user "${user}" may not do what a rollback needs: ${grants.join(' ')}\n` +
      'The server has an access list, and this user has the rights of the application only.\n' +
      `In redis-cli: ACL SETUSER ${user} ${grants.join(' ')}\n` +
      'Or put another user into this URL; the application keeps its own.',
  )
}

/** The server is a replica, or writes to it are refused for another reason. */
export function readOnly(cause?: ReplyError): VenomError {
  return new VenomError(
    'READ_ONLY',
    'redis: the server is a replica, which nobody can write to.\n' +
      'A rollback has to write, and what a replica holds belongs to its master.\n' +
      'Use the URL of the master.',
    cause ? { cause } : {},
  )
}

/** The right an error of the kind NOPERM asks for. */
export function grantIn(error: ReplyError): string {
  const command = /run the '([^']+)' command/.exec(error.message)?.[1] ?? /'([a-z|]+)'/i.exec(error.message)?.[1]
  return command ? `+${command.toLowerCase()}` : '~*'
}

function named(keys: readonly string[]): string {
  const names = keys.slice(0, 3).map((key) => `"${nameOf(key)}"`)
  return keys.length > 3 ? `${names.join(', ')} and ${keys.length - 3} more keys` : names.join(', ')
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MB`
}

/** The next number of two digits and zeros. */
function roundUp(value: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1)
  return Math.ceil((value * 1.1) / step) * step
}
