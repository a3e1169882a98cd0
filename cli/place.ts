import { type Kind, KINDS, kindOf as kindAt } from '../src/config/kinds.ts'
import { VenomError } from '../src/errors.ts'
import type { Rollbackable } from '../src/rollbackable.ts'
import type { SafetyOptions } from '../src/safety.ts'

/** How a database is marked as for tests, where its kind can be. */
const MARKS: Readonly<Record<string, (url: string) => Promise<string>>> = {
  postgres: async (url) => (await import('../src/systems/postgres/mark.ts')).mark(url),
  mysql: async (url) => (await import('../src/systems/mysql/mark.ts')).mark(url),
  redis: async (url) => (await import('../src/systems/redis/mark.ts')).mark(url),
}

/** The system that a URL or a path belongs to. Throws `BAD_ARGUMENT`; the message never holds a URL whole. */
export function systemAt(place: string): { kind: string; open(options: SafetyOptions): Promise<Rollbackable> } {
  const kind = kindOf(place)
  return { kind: kind.name, open: (options) => kind.make(place, vouched(kind, options), process.cwd()) }
}

/** What was vouched for on the command line, as far as a kind of system asks for it. */
function vouched({ options }: Pick<Kind, 'options'>, given: SafetyOptions): SafetyOptions {
  return Object.fromEntries(Object.entries(given).filter(([name]) => name in options))
}

/** Marks a database as one for tests, and answers with what was done. Throws `BAD_ARGUMENT`, `UNSUPPORTED`. */
export async function markDatabase(url: string): Promise<string> {
  const { name } = kindOf(url)
  const mark = MARKS[name]
  if (mark) return mark(url)
  throw new VenomError(
    'UNSUPPORTED',
    `${name}: a ${name === 'sqlite' ? 'file' : 'database'} cannot be marked from here.\n` +
      'What says that it is for tests is its name or its place.\n' +
      `Name it so (shop_test), or vouch for it: ${name}(…, { allowDatabase: '…' }).`,
  )
}

function kindOf(place: string): Kind {
  const found = kindAt(place)
  if (found) return found
  throw new VenomError(
    'BAD_ARGUMENT',
    `There is no system for "${place.slice(0, place.indexOf('://') + 3)}…".\n` +
      'A place is a URL of a server, or the path of a SQLite file.\n' +
      `These are known: ${KINDS.map(({ name }) => name).join(', ')}.`,
  )
}
