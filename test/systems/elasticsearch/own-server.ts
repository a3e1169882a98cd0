import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Wire } from './wire.ts'
import { freePort } from '../../servers/free-port.ts'

/** The hash of `rootroot`: the server keeps no passwords. */
const HASH = '$2a$10$abcdefghijklmnopqrstuuIWY3GuXzKmi6lt7AoXBlVRwiY.SkNgm'

/** A server that a test has to itself, of the same program as the one it was given. It asks who one is; `root` may do all. */
export class OwnServer implements AsyncDisposable {
  readonly #folder: string
  readonly #program: Program
  readonly #port: number
  #child: ChildProcess

  private constructor(program: Program, port: number, folder: string) {
    this.#program = program
    this.#port = port
    this.#folder = folder
    this.#child = this.#spawn()
  }

  static async start(like: string): Promise<OwnServer> {
    const program = await programOf(like)
    if (!program) throw new Error('the server runs elsewhere')
    const folder = mkdtempSync(join(tmpdir(), 'venomqa-elasticsearch-test-'))
    const [http, transport] = [await freePort(), await freePort()]
    cpSync(program.config, join(folder, 'config'), { recursive: true })
    const settings = {
      'cluster.name': 'shop',
      'discovery.type': 'single-node',
      'network.host': '127.0.0.1',
      'http.port': http,
      'transport.port': transport,
      'path.data': join(folder, 'data'),
      'path.logs': join(folder, 'logs'),
      'cluster.routing.allocation.disk.threshold_enabled': false,
      'xpack.ml.enabled': false,
      'stack.templates.enabled': false,
      'indices.lifecycle.history_index_enabled': false,
      'ingest.geoip.downloader.enabled': false,
      'xpack.security.enabled': true,
      'xpack.security.autoconfiguration.enabled': false,
      'xpack.security.http.ssl.enabled': false,
      'xpack.security.transport.ssl.enabled': false,
    }
    const lines = Object.entries(settings).map(([key, value]) => `${key}: ${value}\n`)
    writeFileSync(join(folder, 'config/elasticsearch.yml'), lines.join(''))
    writeFileSync(join(folder, 'config/users'), `root:${HASH}\n`)
    writeFileSync(join(folder, 'config/users_roles'), 'superuser:root\n')
    if (process.getuid?.() === 0) execFileSync('chown', ['-R', `${program.uid}:${program.gid}`, folder])
    const server = new OwnServer(program, http, folder)
    await server.#answers()
    return server
  }

  /** The URL for a user, whose password is the name twice. */
  url(user = 'root'): string {
    return `http://${user}:${user}${user}@127.0.0.1:${this.#port}`
  }

  /** Kills it and starts it again on the same data, from now on with a folder for snapshots. */
  async restart(): Promise<void> {
    await this.#kill()
    appendFileSync(join(this.#folder, 'config/elasticsearch.yml'), `path.repo: ${join(this.#folder, 'snapshots')}\n`)
    this.#child = this.#spawn()
    await this.#answers()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #answers(): Promise<void> {
    const wire = new Wire(this.url())
    for (let tries = 0; ; tries += 1) {
      const path = '/_cluster/health?wait_for_status=yellow&wait_for_no_initializing_shards=true'
      const answer = await wire.send('GET', path).catch(() => undefined)
      if (answer?.status === 200) break
      if (tries > 600) throw new Error(`the server does not start: ${answer?.text}`)
      await sleep(200)
    }
    wire.close()
  }

  #spawn(): ChildProcess {
    const { home, uid, gid } = this.#program
    const env = {
      PATH: process.env['PATH'],
      ES_PATH_CONF: join(this.#folder, 'config'),
      ES_TMPDIR: this.#folder,
      ES_JAVA_OPTS: '-Xms256m -Xmx256m -XX:TieredStopAtLevel=1',
      CLI_JAVA_OPTS: '-XX:TieredStopAtLevel=1',
    }
    const user = process.getuid?.() === 0 ? { uid, gid } : {}
    // It starts a process of its own, which must end with it.
    const child = spawn(join(home, 'bin/elasticsearch'), [], { stdio: 'ignore', env, detached: true, ...user })
    // A test that timed out never comes to stop it.
    const end = (): void => kill(child)
    process.once('exit', end)
    child.once('exit', () => process.off('exit', end))
    return child
  }

  async #kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    kill(this.#child)
    await gone
  }
}

function kill({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL')
}

interface Program {
  readonly home: string
  readonly config: string
  readonly uid: number
  readonly gid: number
}

/** Where the program of a running server is; undefined when it is not on this machine, but in a container or elsewhere. */
export async function programOf(url: string): Promise<Program | undefined> {
  const wire = new Wire(url)
  const { nodes } = await wire.ask('GET', '/_nodes/process?filter_path=nodes.*.process.id')
  wire.close()
  const [node] = Object.values(nodes as Record<string, { process: { id: number } }>)
  const at = `/proc/${node?.process.id}`
  try {
    const home = dirname(dirname(dirname(readFileSync(`${at}/cmdline`, 'latin1').split('\0')[0] ?? '')))
    const environment = readFileSync(`${at}/environ`, 'latin1').split('\0')
    const config = environment.find((entry) => entry.startsWith('ES_PATH_CONF='))?.slice('ES_PATH_CONF='.length)
    const { uid, gid } = statSync(at)
    const isHere = existsSync(join(home, 'bin/elasticsearch')) && config !== undefined
    return isHere ? { home, config, uid, gid } : undefined
  } catch {
    return undefined
  }
}
