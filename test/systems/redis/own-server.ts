import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from '../../servers/free-port.ts'

/** A server that a test has to itself, of the same program as the one it was given. */
export class OwnServer implements AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly folder: string
  readonly #command: readonly string[]
  #child: ChildProcess

  private constructor(command: readonly string[], port: number, folder: string) {
    this.#command = command
    this.#child = spawned(command)
    this.port = port
    this.folder = folder
    this.url = `redis://127.0.0.1:${port}`
  }

  /** Starts it with settings as on its command line; a setting that occurs again wins. */
  static async start(like: string, ...settings: readonly string[]): Promise<OwnServer> {
    const { program, major } = await programOf(like)
    const port = await freePort()
    const folder = mkdtempSync(join(tmpdir(), 'venomqa-redis-test-'))
    const defaults = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--databases', '64']
    const quick = ['--daemonize', 'no', '--repl-diskless-sync-delay', '0']
    // Before Redis 7 DEBUG is for everybody.
    const debug = major < 7 ? [] : ['--enable-debug-command', 'yes']
    const server = new OwnServer([...program, ...defaults, ...quick, ...debug, ...settings], port, folder)
    await server.#answers()
    return server
  }

  /** Stops it without ado and starts it again, with what it had saved. */
  async restart(): Promise<void> {
    await this.#kill()
    this.#child = spawned(this.#command)
    await this.#answers()
  }

  async stop(): Promise<void> {
    await this.#kill()
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #answers(): Promise<void> {
    const client = new Redis({ port: this.port, retryStrategy: () => 20, maxRetriesPerRequest: null })
    client.on('error', () => {})
    const ready = client.ping().catch((error: unknown) => error)
    await Promise.race([ready, sleep(10_000), once(this.#child, 'exit')])
    client.disconnect()
    if (this.#child.exitCode !== null) throw new Error(`the server did not start (exit ${this.#child.exitCode})`)
  }
}

function spawned([program = '', ...settings]: readonly string[]): ChildProcess {
  const child = spawn(program, settings, { stdio: 'ignore' })
  // A test that timed out never comes to stop it.
  const end = (): boolean => child.kill('SIGKILL')
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  return child
}

/** Whether the program behind a URL can be started again here: it runs on this machine, not in a container. */
export async function canStartOwn(like: string): Promise<boolean> {
  return programOf(like).then(
    () => true,
    () => false,
  )
}

/**
 * The command line of a running server up to its own settings; Debian's run under a loader with arguments of its own.
 * Most put `program host:port` in the place of what follows the loader's.
 */
async function programOf(url: string): Promise<{ program: readonly string[]; major: number }> {
  const client = new Redis(url)
  const info = await client.info('server')
  client.disconnect()
  const pid = /process_id:(\d+)/.exec(info)?.[1]
  const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')
  const major = Number(/redis_version:(\d+)/.exec(info)?.[1])
  const settings = line.indexOf('--port')
  if (settings >= 0) return { program: line.slice(0, settings), major }
  const title = line.findIndex((part) => /^\/.*-server /.test(part))
  const named = [...line.slice(0, title), line[title]?.split(' ', 1)[0] ?? '']
  return { program: title < 1 ? [readlinkSync(`/proc/${pid}/exe`)] : named, major }
}
