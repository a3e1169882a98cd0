import { VenomError } from '../src/errors.ts'
import type { Rollbackable } from '../src/rollbackable.ts'
import type { SafetyOptions } from '../src/safety.ts'

/** A kind of database: how its places begin, how a system is made of one, and how one is marked as for tests. */
interface Kind {
  readonly kind: string
  readonly begins: RegExp
  open(place: string, options: SafetyOptions): Promise<Rollbackable>
  mark?(url: string): Promise<string>
}

/** Each system is loaded only when a place is its own. */
const KINDS: readonly Kind[] = [
  {
    kind: 'postgres',
    begins: /^postgres(ql)?:/i,
    open: async (url, options) => (await import('../src/systems/postgres/index.ts')).postgres(url, options),
    mark: async (url) => (await import('../src/systems/postgres/mark.ts')).mark(url),
  },
  {
    kind: 'mysql',
    begins: /^(mysql|mariadb):/i,
    open: async (url, options) => (await import('../src/systems/mysql/index.ts')).mysql(url, options),
    mark: async (url) => (await import('../src/systems/mysql/mark.ts')).mark(url),
  },
  {
    kind: 'redis',
    begins: /^(rediss?|valkeys?):/i,
    open: async (url, options) => (await import('../src/systems/redis/index.ts')).redis(url, options),
    mark: async (url) => (await import('../src/systems/redis/mark.ts')).mark(url),
  },
  {
    kind: 'mongodb',
    begins: /^mongodb(\+srv)?:/i,
    open: async (url, options) => (await import('../src/systems/mongodb/index.ts')).mongodb(url, options),
  },
  {
    kind: 'sqlite',
    begins: /^(?![a-z][a-z0-9+.-]+:\/\/)/i,
    open: async (path, { allowDatabase }) =>
      (await import('../src/systems/sqlite/index.ts')).sqlite(
        path,
        allowDatabase === undefined ? {} : { allowDatabase },
      ),
  },
]

/** The system that a URL or a path belongs to. Throws `BAD_ARGUMENT`; the message never holds a URL whole. */
export function systemAt(place: string): { kind: string; open(options: SafetyOptions): Promise<Rollbackable> } {
  const { kind, open } = kindOf(place)
  return { kind, open: (options) => open(place, options) }
}

/** Marks a database as one for tests, and answers with what was done. Throws `BAD_ARGUMENT`, `UNSUPPORTED`. */
export async function markDatabase(url: string): Promise<string> {
  const { kind, mark } = kindOf(url)
  if (mark) return mark(url)
  throw new VenomError(
    'UNSUPPORTED',
    `${kind}: a ${kind === 'sqlite' ? 'file' : 'database'} cannot be marked from here.\n` +
      'What says that it is for tests is its name or its place.\n' +
      `Name it so (shop_test), or vouch for it: ${kind}(…, { allowDatabase: '…' }).`,
  )
}

function kindOf(place: string): Kind {
  const found = KINDS.find(({ begins }) => begins.test(place))
  if (found) return found
  throw new VenomError(
    'BAD_ARGUMENT',
    `There is no system for "${place.slice(0, place.indexOf('://') + 3)}…".\n` +
      'A place is a URL of a server, or the path of a SQLite file.\n' +
      `These are known: ${KINDS.map(({ kind }) => kind).join(', ')}.`,
  )
}
