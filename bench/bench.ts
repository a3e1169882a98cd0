import { execFileSync } from 'node:child_process'
import { accessSync, chmodSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Awaitable } from '../src/rollbackable.ts'
import { judge, type Judged, type Row, type Timing } from './row.ts'

/** One technique, measured by itself: all its runs in one go, nothing of another technique in between. */
export interface Block {
  /** How often `run` is timed. */
  readonly runs: number
  /** How often it runs untimed at first. Default 3. */
  readonly warmUp?: number
  /** Before each run, untimed: make the changes that `run` undoes. */
  readonly before?: () => Awaitable<void>
  readonly run: () => Awaitable<unknown>
  /** After each run, untimed: throw if the content is not what it must be. */
  readonly after?: () => Awaitable<void>
}

/** What a bench file gets: `export async function run({ quick, measure, row }: Bench): Promise<void>`. */
export class Bench {
  /** Asked for by `--quick`: fewer runs, smaller data, a figure that is good for a glance only. */
  readonly quick: boolean
  readonly rows: Judged[] = []
  readonly #leave: (() => void)[] = []

  constructor(quick: boolean) {
    this.quick = quick
  }

  /** Runs a block and says how long its runs took. */
  readonly measure = async ({ runs, warmUp = 3, before, run, after }: Block): Promise<Timing> => {
    const took: number[] = []
    for (let round = -warmUp; round < runs; round += 1) {
      await before?.()
      const started = performance.now()
      await run()
      const ms = performance.now() - started
      await after?.()
      if (round >= 0) took.push(ms)
    }
    took.sort((a, b) => a - b)
    return { min: took[0] ?? Number.NaN, median: took[took.length >> 1] ?? Number.NaN, runs }
  }

  /** Adds a row to the table and to the results. Rows that we lose stay in. */
  readonly row = (row: Row): void => {
    this.rows.push(judge(row))
  }

  /** A new folder in memory where there is /dev/shm, else on the disk. It is removed at the end. */
  readonly scratch = (): string => {
    const folder = mkdtempSync(join(inMemory() ? '/dev/shm' : tmpdir(), 'venomqa-bench-'))
    chmodSync(folder, 0o755) // for servers that run as another user
    this.#leave.push(() => rmSync(folder, { recursive: true, force: true }))
    return folder
  }

  /** Starts a server of its own, with its data in a scratch folder, and answers with its URL. It is stopped at the end. */
  readonly service = (name: string, { durable = false } = {}): string => {
    const variable = `VENOMQA_TEST_${name.toUpperCase().replaceAll('-', '_')}_URL`
    const env: NodeJS.ProcessEnv = { ...process.env, VENOMQA_SERVERS_DATA: this.scratch() }
    delete env[variable]
    if (durable) env['VENOMQA_SERVERS_DURABLE'] = '1'
    const servers = fileURLToPath(new URL('../test/servers/servers', import.meta.url))
    this.#leave.push(() => execFileSync('bash', [servers, 'down', name], { env }))
    const lines = execFileSync('bash', [servers, 'up', name], { env, encoding: 'utf8' })
    return lines.slice(lines.indexOf('=') + 1).trim()
  }

  /** Stops the servers and removes the folders. */
  close(): void {
    for (const leave of this.#leave.toReversed()) leave()
  }
}

/** Whether scratch folders are in memory. */
export function inMemory(): boolean {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return true
  } catch {
    return false
  }
}
