import { readFileSync, statSync } from 'node:fs'
import { VenomError } from '../../errors.ts'
import { backendError } from '../shared/backend-error.ts'
import { LOCKED } from '../shared/cause.ts'
import { busyError } from './connection.ts'
import type { Obstacle } from './patience.ts'

/** The bytes of the `-shm` file that are locks, https://sqlite.org/walformat.html#wal_locks */
const WRITE_LOCK = 120
const READ_LOCK = 123

/** What to throw when a transaction was waited for in vain. */
export function inTheWay(path: string, what: string, obstacle: Obstacle, settle: number): VenomError {
  const slots = obstacle.kind === 'readers' && obstacle.slots.length > 0 ? obstacle.slots : [1, 2, 3, 4]
  const bytes = obstacle.kind === 'writer' ? [WRITE_LOCK] : slots.map((slot) => READ_LOCK + slot)
  const inLog = holders(`${path}-shm`, bytes)
  const people = inLog.length > 0 ? inLog : holders(path).filter((who) => who !== 'this process')
  const cause = backendError(LOCKED, obstacle.cause ?? busyError(), { backend: 'sqlite', where: path })
  const whose = people.length > 0 ? `It belongs to ${people.join(' and ')}.` : 'The system does not say whose it is.'
  if (obstacle.kind === 'writer') {
    return new VenomError(
      'LOCKED',
      `sqlite: a write transaction is open on "${path}", so ${what}.\n` +
        `${whose} The application still works on something, or a transaction was never ended; a connection with ` +
        'locking_mode = exclusive looks like this too.\n' +
        `Wait for it in the step, end it, or raise the time to wait: sqlite(…, { settle: ${2 * settle} }).`,
      { cause, retryable: true },
    )
  }
  return new VenomError(
    'NOT_QUIET',
    `sqlite: a read transaction is open on "${path}", so ${what}.\n` +
      `${whose} A statement was not read to its end (.iterate(), a cursor), or a transaction that only reads was not ended.\n` +
      `End it in the step, or raise the time to wait: sqlite(…, { settle: ${2 * settle} }).`,
    { cause, retryable: true },
  )
}

/**
 * Who holds a lock on one of `bytes` of `file`, or on any: `pid 4711 (node server.js)`. Only for the error: Linux alone
 * tells, in /proc/locks, and not across containers.
 */
function holders(file: string, bytes: readonly number[] = []): string[] {
  const pids = new Set<number>()
  try {
    const inode = `:${statSync(file).ino} `
    for (const line of readFileSync('/proc/locks', 'latin1').split('\n')) {
      const [, pid, from, to] = /(\d+) [0-9a-f]+:[0-9a-f]+:\d+ (\d+) (\d+|EOF)$/.exec(line) ?? []
      if (pid === undefined || !line.includes(inode)) continue
      const last = to === 'EOF' ? Infinity : Number(to)
      if (bytes.length === 0 || bytes.some((byte) => Number(from) <= byte && byte <= last)) pids.add(Number(pid))
    }
  } catch {
    return []
  }
  return [...pids].map(describe)
}

function describe(pid: number): string {
  if (pid === process.pid) return 'this process'
  let command = ''
  try {
    command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .replace(/^.*?\/(?=[^/\0]*(\0|$))/, '')
      .replaceAll('\0', ' ')
      .trim()
  } catch {
    // It has ended meanwhile.
  }
  return command ? `pid ${pid} (${command.length > 80 ? `${command.slice(0, 79)}…` : command})` : `pid ${pid}`
}
