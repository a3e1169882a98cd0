import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MongoClient } from 'mongodb'
import { freePort } from '../../servers/free-port.ts'

/** A replica set of one that a test has to itself, of the same program as the server it was given. */
export class OwnServer implements AsyncDisposable {
  readonly port: number
  readonly #folder: string
  readonly #program: Program
  readonly #settings: readonly string[]
  #child: ChildProcess

  private constructor(program: Program, port: number, folder: string, settings: readonly string[]) {
    this.#program = program
    this.port = port
    this.#folder = folder
    this.#settings = settings
    this.#child = this.#spawn()
  }

  /** Starts it with settings as on its command line. With `users`, only they are let in; `root` (password `root`) may do all. */
  static async start(like: string, settings: readonly string[], { users = false } = {}): Promise<OwnServer> {
    const folder = mkdtempSync(join(tmpdir(), 'venomqa-mongodb-test-'))
    const key = join(folder, 'key')
    writeFileSync(key, 'YWJjZGVmZ2hpamts', { mode: 0o600 })
    const secured = users ? ['--auth', '--keyFile', key] : []
    const program = await programOf(like)
    const server = new OwnServer(program, await freePort(), folder, [...settings, ...secured])
    try {
      await server.#initiate(users)
    } catch (error) {
      await server.#stop()
      throw error
    }
    return server
  }

  /** The URL of a database, for `user`, whose password is the same. */
  url(database: string, user?: string): string {
    const login = user === undefined ? '' : `${user}:${user}@`
    return `mongodb://${login}127.0.0.1:${this.port}/${database}?replicaSet=own&authSource=admin`
  }

  /** Kills it and starts it again on the same data. */
  async restart(): Promise<void> {
    await this.#kill()
    this.#child = this.#spawn()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop()
  }

  async #stop(): Promise<void> {
    await this.#kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #initiate(users: boolean): Promise<void> {
    const client = new MongoClient(`mongodb://127.0.0.1:${this.port}/?directConnection=true`)
    const admin = client.db('admin')
    const members = [{ _id: 0, host: `127.0.0.1:${this.port}` }]
    await admin.command({ replSetInitiate: { _id: 'own', members } })
    for (let tries = 0; !(await admin.command({ hello: 1 }))['isWritablePrimary']; tries += 1) {
      if (tries > 600) throw new Error('the server does not become primary')
      await sleep(50)
    }
    if (users) await admin.command({ createUser: 'root', pwd: 'root', roles: ['root'] })
    await client.close()
  }

  #spawn(): ChildProcess {
    const places = ['--dbpath', this.#folder, '--port', String(this.port), '--bind_ip', '127.0.0.1', '--nounixsocket']
    const small = ['--wiredTigerCacheSizeGB', '0.25', '--setParameter', 'diagnosticDataCollectionEnabled=false']
    const [command = '', ...first] = this.#program.command
    const all = [...first, ...places, ...small, '--replSet', 'own', ...this.#settings]
    const child = spawn(command, all, { stdio: 'ignore', env: { ...process.env, ...this.#program.env } })
    // A test that timed out never comes to stop it.
    const end = (): boolean => child.kill('SIGKILL')
    process.once('exit', end)
    child.once('exit', () => process.off('exit', end))
    return child
  }

  async #kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}

interface Program {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Whether the program behind a URL can be started again here: it runs on this machine, not in a container. */
export async function canStartOwn(like: string): Promise<boolean> {
  return programOf(like).then(
    () => true,
    () => false,
  )
}

/** The command line of a running server up to its own settings, and where it finds its libraries. */
async function programOf(url: string): Promise<Program> {
  const client = await MongoClient.connect(url)
  const { pid } = await client.db('admin').command({ serverStatus: 1 })
  await client.close()
  const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')
  const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  const libraries = environment.find((entry) => entry.startsWith('LD_LIBRARY_PATH='))?.slice('LD_LIBRARY_PATH='.length)
  const end = line.findIndex((part) => part.startsWith('--'))
  return {
    command: line.slice(0, Math.max(end, 1)),
    env: libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries },
  }
}
