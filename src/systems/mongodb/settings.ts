import type { Document, Timestamp } from 'mongodb'
import { codeOf, type Store } from './store.ts'

/** What we change of a server while a world is open. Null where we may not. */
export interface Settings {
  readonly ttlMonitorEnabled: boolean | null
  readonly minSnapshotHistoryWindowInSeconds: number | null
}

/** What was set before the first of several worlds: each of them may have read what another one had changed. */
export function original(read: readonly Settings[]): Settings {
  const monitors = read.flatMap((it) => it.ttlMonitorEnabled ?? [])
  const windows = read.flatMap((it) => it.minSnapshotHistoryWindowInSeconds ?? [])
  return {
    ttlMonitorEnabled: monitors.length === 0 ? null : monitors.includes(true),
    minSnapshotHistoryWindowInSeconds: windows.length === 0 ? null : Math.min(...windows),
  }
}

type Setting = keyof Settings

/** No longer than this, in seconds: the server keeps the files of every dropped collection that long. */
const LONGEST = 3600
/** The window is widened when the oldest mark is older than this part of it, and to as many times its age. */
const REACH = 3
const UNAUTHORIZED = 13

/** The server's settings: no document goes by itself while a world is open, and its past reaches to the oldest mark. */
export class ServerSettings {
  readonly #store: Store
  #was: Settings = { ttlMonitorEnabled: null, minSnapshotHistoryWindowInSeconds: null }
  #window = 0
  #restarts = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** Reads what is set now. */
  async read(): Promise<Settings> {
    const command = { getParameter: 1, ttlMonitorEnabled: 1, minSnapshotHistoryWindowInSeconds: 1 }
    const reply: Document = await this.#store.ask('admin', command).catch((error: unknown) => {
      if (codeOf(error) === UNAUTHORIZED) return {}
      throw error
    })
    const { ttlMonitorEnabled = null, minSnapshotHistoryWindowInSeconds = null } = reply as Partial<Settings>
    return { ttlMonitorEnabled, minSnapshotHistoryWindowInSeconds }
  }

  /** Takes over the server; `was` is what is to be put back in the end. */
  async take(was: Settings): Promise<void> {
    this.#window = was.minSnapshotHistoryWindowInSeconds ?? 0
    this.#restarts = this.#store.restarts
    if (await this.#set('ttlMonitorEnabled', false)) this.#was = was
  }

  /** Widens the past as far as the oldest mark needs, narrows it again, and sets all anew after a restart. */
  async keep(oldest: Timestamp | undefined): Promise<void> {
    const least = this.#was.minSnapshotHistoryWindowInSeconds
    if (least === null) return
    if (this.#store.restarts !== this.#restarts) {
      this.#restarts = this.#store.restarts
      this.#window = least
      await this.#set('ttlMonitorEnabled', false)
    }
    // By the server's clock: ours may be another, or a fake one.
    const age = oldest && this.#store.seen ? this.#store.seen.t - oldest.t : 0
    const wanted = age > least / REACH ? Math.max(least, Math.min(LONGEST, Math.ceil(age * REACH))) : least
    if (wanted <= this.#window && this.#window <= wanted * REACH) return
    if (await this.#set('minSnapshotHistoryWindowInSeconds', wanted)) this.#window = wanted
  }

  /** Sets what another world needs, after we put back what it had changed. */
  async setAgain(): Promise<void> {
    if (this.#was.ttlMonitorEnabled !== null) await this.#set('ttlMonitorEnabled', false)
  }

  /** Puts back what was set before us. */
  async putBack(): Promise<void> {
    for (const [name, value] of Object.entries(this.#was)) {
      if (value !== null) await this.#set(name as Setting, value)
    }
  }

  /** Answers whether we may. */
  async #set(name: Setting, value: boolean | number): Promise<boolean> {
    try {
      await this.#store.ask('admin', { setParameter: 1, [name]: value })
      return true
    } catch (error) {
      if (codeOf(error) === UNAUTHORIZED) return false
      throw error
    }
  }
}
