import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { VenomError } from '../../errors.ts'
import type { Worker } from '../../rollbackable.ts'
import { type Http, statusOf } from './http.ts'
import type { Way } from './history.ts'
import { overlap, OURS, type Scope } from './scope.ts'

// Taken at load, so that a runner's fake timers never stop us.
const { setTimeout, setInterval, clearInterval } = globalThis
const clock = performance.now.bind(performance)

/** Where leases are, while there are any. */
const INDEX = `${OURS}leases`
/** How often a holder shows that it lives, and after how long without that one on another machine is taken for dead, in ms. */
const [BEAT, SILENCE] = [5000, 20_000]

/** Who looks after indices, as the server remembers it. */
export interface Lease {
  readonly token: string
  /** `vitest worker 2 (pid 4711 on laptop)`. */
  readonly owner: string
  readonly host: string
  readonly pid: number
  /** When the process began, by which it is told from a later one with its number. */
  readonly started: string
  readonly patterns: readonly string[]
  readonly except: readonly string[]
  readonly objects: readonly string[]
  /** Counts up while it lives. */
  readonly beat: number
  /** Whether indices are this worker's own copies, which nobody needs back. */
  readonly isCopy: boolean
  readonly way: Way
}

/** All leases are one document, so that two that come at once are seen by one another. */
interface Book {
  readonly leases: Readonly<Record<string, Lease>>
  /** Set by the last one that goes, who then deletes the index. */
  readonly closed?: true
}

/** The lease of one world. */
export class Leases {
  readonly token = randomBytes(4).toString('hex')
  readonly #http: Http
  #timer: ReturnType<typeof setInterval> | undefined
  #beating: Promise<void> = Promise.resolve()

  constructor(http: Http) {
    this.#http = http
  }

  /**
   * Takes the lease, and answers with those of killed processes that had some of it. Waits up to `patience` ms for one
   * that lives to end. Throws `LEASED`.
   */
  async take(
    { scope, worker, isCopy, way }: { scope: Scope; worker: Worker; isCopy: boolean; way: Way },
    patience: number,
  ): Promise<readonly Lease[]> {
    const mine = { ...this.#lease(scope, worker, isCopy), way }
    const seen = new Map<string, { readonly beat: number; readonly at: number }>()
    const deadline = clock() + patience
    for (;;) {
      const met: { dead: readonly Lease[]; living?: Lease | undefined } = { dead: [] }
      const done = await this.#change(({ leases }) => {
        const others = Object.values(leases).filter((lease) => meet(lease, mine))
        met.dead = others.filter((lease) => isDead(lease, seen))
        met.living = others.find((lease) => !met.dead.includes(lease))
        return met.living ? undefined : { leases: { ...leases, [mine.token]: mine } }
      })
      if (done) {
        const beat = (): void => void (this.#beating = this.#beat())
        this.#timer = setInterval(beat, BEAT).unref()
        return met.dead
      }
      const { living } = met
      if (living && clock() > deadline && (living.host === hostname() || hasBeat(living, seen))) throw leased(living)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Everybody's leases, ours too. */
  async all(): Promise<readonly Lease[]> {
    const found = await this.#http.find<Found>(`/${INDEX}/_doc/book`)
    return Object.values(found?._source?.leases ?? {})
  }

  /** Notes the first mark, ours or that of a killed process: what crash recovery goes by. */
  async note(text: string, token = this.token): Promise<void> {
    await this.#http.ask('PUT', `/${INDEX}/_doc/first-${token}?pipeline=_none`, { mark: text })
  }

  /** The first mark of another process, if it came so far. */
  async noted(token: string): Promise<string | undefined> {
    const found = await this.#http.find<{ _source: { mark: string } }>(`/${INDEX}/_doc/first-${token}`)
    return found?._source.mark
  }

  /** Forgets a killed process, when what it left is put back. */
  async forget(token: string): Promise<void> {
    await this.#http.ask('DELETE', `/${INDEX}/_doc/first-${token}`).catch(() => undefined)
    await this.#change(({ leases }) => ({ leases: without(leases, token) }))
  }

  /** Gives the lease up. The last one leaves nothing behind. */
  async end(): Promise<void> {
    clearInterval(this.#timer)
    await this.#beating
    await this.#http.ask('DELETE', `/${INDEX}/_doc/first-${this.token}`).catch(() => undefined)
    let isLast = false
    await this.#change(({ leases }) => {
      const rest = without(leases, this.token)
      isLast = Object.keys(rest).length === 0
      return isLast ? { leases: rest, closed: true } : { leases: rest }
    })
    if (isLast) await this.#http.ask('DELETE', `/${INDEX}`).catch(() => undefined)
  }

  #lease({ patterns, except, objects }: Scope, worker: Worker, isCopy: boolean): Omit<Lease, 'way'> {
    const { token } = this
    const runner = worker.runner === 'none' ? 'a script' : `${worker.runner} worker ${worker.id}`
    const owner = `${runner} (pid ${process.pid} on ${hostname()})`
    const process_ = { host: hostname(), pid: process.pid, started: startOf(process.pid) ?? '' }
    return { token, owner, ...process_, patterns, except, objects, beat: 0, isCopy }
  }

  async #beat(): Promise<void> {
    await this.#change(({ leases }) => {
      const mine = leases[this.token]
      return mine && { leases: { ...leases, [this.token]: { ...mine, beat: mine.beat + 1 } } }
    }).catch(() => undefined)
  }

  /** Changes the book, anew when somebody else did so in between. False when `change` wants none. */
  async #change(change: (book: Book) => Book | undefined): Promise<boolean> {
    for (let tries = 0; ; tries += 1) {
      const found = await this.#http.find<Found>(`/${INDEX}/_doc/book`)
      const isEmpty = found?._source === undefined
      if (found?._source?.closed && tries < 100) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        continue
      }
      const changed = change(found?._source ?? { leases: {} })
      if (!changed) return false
      if (isEmpty) await this.#make()
      const where = isEmpty ? 'op_type=create' : `if_seq_no=${found._seq_no}&if_primary_term=${found._primary_term}`
      try {
        await this.#http.ask('PUT', `/${INDEX}/_doc/book?pipeline=_none&${where}`, changed)
        return true
      } catch (error) {
        if (![404, 409].includes(statusOf(error) ?? 0)) throw error
      }
    }
  }

  async #make(): Promise<void> {
    const settings = { number_of_shards: 1, number_of_replicas: 0, hidden: true }
    const made = this.#http.ask('PUT', `/${INDEX}`, { settings, mappings: { enabled: false } })
    await made.catch((error: unknown) => {
      if (statusOf(error) !== 400) throw error
    })
  }
}

interface Found {
  readonly _source?: Book
  readonly _seq_no: number
  readonly _primary_term: number
}

type Beats = Map<string, { readonly beat: number; readonly at: number }>

/** On this machine the process is looked for; elsewhere it is listened to. */
function isDead(lease: Lease, seen: Beats): boolean {
  if (lease.host === hostname()) return startOf(lease.pid) !== lease.started
  const known = seen.get(lease.token)
  if (known?.beat === lease.beat) return clock() - known.at > SILENCE
  seen.set(lease.token, { beat: lease.beat, at: clock() })
  return false
}

function hasBeat(lease: Lease, seen: Beats): boolean {
  return (seen.get(lease.token)?.beat ?? 0) > 0 && seen.get(lease.token)?.beat !== lease.beat
}

/** When a process began; undefined when there is none. Where the system does not say, a text that only means that it lives. */
function startOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[19]
  } catch {
    try {
      process.kill(pid, 0)
      return 'alive'
    } catch {
      return undefined
    }
  }
}

/** Whether some index could belong to both. */
function meet(one: Pick<Lease, 'patterns'>, other: Pick<Lease, 'patterns'>): boolean {
  return one.patterns.some((pattern) => other.patterns.some((another) => overlap(pattern, another)))
}

function without(leases: Book['leases'], token: string): Book['leases'] {
  return Object.fromEntries(Object.entries(leases).filter(([key]) => key !== token))
}

function leased({ owner, patterns }: Lease): VenomError {
  return new VenomError(
    'LEASED',
    `elasticsearch: the indices ${patterns.join(', ')} are in use by ${owner}.\n` +
      "Two worlds in the same indices would undo each other's changes: it is another worker, a watch mode, or a run that hangs.\n" +
      'Wait for it to end, or give each worker indices of its own: elasticsearch(url, { perWorker: true, … }).',
    { retryable: true },
  )
}
