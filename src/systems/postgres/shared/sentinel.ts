import type { SafetyOptions } from '../../../safety.ts'
import { requireTestPlace, requireTestServer } from '../access.ts'
import { ServerControl } from '../control.ts'
import type { Driver } from '../driver.ts'
import { takeLease } from '../lease.ts'
import { type Address, placeName } from '../place.ts'
import { now } from '../quiet.ts'
import { wroteElsewhere } from '../../shared/refusals.ts'

/** How long nobody looks again, in ms: the server gathers what it counted for as long (PGSTAT_MIN_INTERVAL). */
const PAUSE = 1000

/**
 * A second connection, which sees what really is committed: it proves that the database may be used, and finds out what
 * was written past the shared connection and so cannot be undone.
 */
export class Sentinel {
  readonly #control: ServerControl
  #looked = 0
  /** How many rows the server counted as written, per table. */
  #written: ReadonlyMap<string, number> = new Map()

  constructor(driver: Driver, address: Address, who: string) {
    this.#control = new ServerControl(driver, address, who)
  }

  /** As users read it: `"shop_test" on localhost:5432`. */
  get place(): string {
    return placeName(this.#control.place)
  }

  /** Throws `CONNECTION_REFUSED`, `NOT_FOUND`, `NOT_A_TEST_DATABASE`, `READ_ONLY`, `UNSUPPORTED`, `LEASED`. */
  async open(options: SafetyOptions, patience: number): Promise<void> {
    requireTestPlace(this.#control.place, options)
    await this.#control.connect()
    try {
      await requireTestServer(this.#control, options)
      await takeLease(this.#control, patience, true)
      this.#written = await this.#look()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /**
   * Throws `NOT_VERIFIED` when another connection wrote since the last look. The server tells of it within a second or
   * so, so nobody looks more often than that.
   */
  async look(): Promise<void> {
    if (now() - this.#looked < PAUSE) return
    this.#looked = now()
    const [before, after] = [this.#written, await this.#look()]
    this.#written = after
    const written = [...after].flatMap(([table, count]) => {
      const rows = count - (before.get(table) ?? 0)
      return rows > 0 ? [`${table} (${rows} ${rows === 1 ? 'row' : 'rows'})`] : []
    })
    if (written.length === 0) return
    throw wroteElsewhere('postgres', written.join(', '), this.place)
  }

  async close(): Promise<void> {
    await this.#control.close()
  }

  async #look(): Promise<Map<string, number>> {
    const rows = await this.#control.query(
      `select format('%s%s', case schemaname when 'public' then '' else schemaname || '.' end, relname) as table,
         n_tup_ins + n_tup_upd + n_tup_del as written from pg_stat_user_tables`,
      [],
      'venomqa_written',
    )
    return new Map(rows.map(({ table, written }) => [table!, Number(written)]))
  }
}
