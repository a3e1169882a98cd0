import { type Connection, good } from './connection.ts'
import type { Place } from './place.ts'
import { masterOffset, Replica } from './replica.ts'
import { type Command, type Reply, ReplyError } from './resp.ts'
import type { Scope } from './scope.ts'
import { Suspects } from './suspects.ts'
import type { Watcher } from './watcher.ts'

/** Where the keys of a command stand among its parts; `asks` when only the server can say. */
interface KeyPositions {
  readonly first: number
  readonly last: number
  readonly step: number
  readonly asks: boolean
}

/**
 * Learns of changed keys by being a replica: the stream holds every write with its database, also those
 * that tracking does not see.
 */
export class Exact implements Watcher {
  readonly suspects = new Suspects()
  readonly #connect: () => Promise<Connection>
  readonly #place: Place
  readonly #scope: Scope
  readonly #positions: ReadonlyMap<string, KeyPositions>
  readonly #unresolved: (readonly Buffer[])[] = []
  #connection: Connection
  #replica: Replica | undefined
  #database = -1
  /** A transaction of ours begins with the renewal of our lease, and is passed over. */
  #transaction: 'none' | 'begun' | 'ours' | 'theirs' = 'none'
  #token = ''

  private constructor(
    connection: Connection,
    connect: () => Promise<Connection>,
    place: Place,
    scope: Scope,
    positions: ReadonlyMap<string, KeyPositions>,
  ) {
    this.#connection = connection
    this.#connect = connect
    this.#place = place
    this.#scope = scope
    this.#positions = positions
  }

  /** Attaches as a replica; `token` is what our lease holds. May take 5 s, the server's `repl-diskless-sync-delay`. */
  static async open(
    connection: Connection,
    connect: () => Promise<Connection>,
    place: Place,
    scope: Scope,
    token: string,
  ): Promise<Exact> {
    const watcher = new Exact(connection, connect, place, scope, await keyPositions(connection))
    watcher.#token = token
    await watcher.#attach()
    return watcher
  }

  async awake(): Promise<void> {
    if (this.#connection.closed) this.#connection = await this.#connect()
    if (this.#replica?.closed !== false) {
      await this.#attach()
      this.suspects.addAll()
    }
  }

  async trip(commands: readonly Command[]): Promise<readonly Reply[]> {
    await this.awake()
    const replies = await this.#connection.trip([...commands, ['INFO', 'replication']])
    await this.#replica?.reached(masterOffset(good(replies.at(-1))))
    await this.#resolve()
    return replies.slice(0, -1)
  }

  /** Nothing to wait for: a trip ends only when the stream has come to where the server was. */
  settled(commands: readonly Command[]): Promise<readonly Reply[]> {
    return this.trip(commands)
  }

  close(): void {
    this.#replica?.close()
    this.#connection.close()
  }

  async #attach(): Promise<void> {
    this.#database = -1
    this.#transaction = 'none'
    this.#replica = await Replica.open(this.#place, (command) => this.#saw(command))
  }

  #saw(command: readonly Buffer[]): void {
    const name = String(command[0]).toLowerCase()
    if (name === 'multi') this.#transaction = 'begun'
    else if (name === 'exec') this.#transaction = 'none'
    else if (name === 'select') this.#database = Number(command[1])
    else {
      if (this.#transaction === 'begun') this.#transaction = this.#isRenewal(command) ? 'ours' : 'theirs'
      if (this.#transaction !== 'ours') this.#suspect(name, command)
    }
  }

  #isRenewal(command: readonly Buffer[]): boolean {
    return command[1]?.toString('latin1') === this.#scope.leases && command.some((part) => part.includes(this.#token))
  }

  #suspect(name: string, command: readonly Buffer[]): void {
    const here = this.#database === this.#place.database
    if (name === 'flushall' || name === 'swapdb' || (name === 'flushdb' && here)) this.suspects.addAll()
    // These two name another database in an argument.
    if (!here && name !== 'move' && name !== 'copy') return
    const positions = this.#positions.get(`${name}|${String(command[1]).toLowerCase()}`) ?? this.#positions.get(name)
    if (!positions) return
    if (positions.asks) {
      this.#unresolved.push(command)
      return
    }
    const last = positions.last < 0 ? command.length + positions.last : positions.last
    for (let at = positions.first; at > 0 && at <= last; at += positions.step) this.#add(command[at])
  }

  #add(key: Buffer | undefined): void {
    const name = key?.toString('latin1')
    if (name !== undefined && this.#scope.holds(name)) this.suspects.add(name)
  }

  async #resolve(): Promise<void> {
    const commands = this.#unresolved.splice(0)
    if (commands.length === 0) return
    const replies = await this.#connection.trip(commands.map((command) => ['COMMAND', 'GETKEYS', ...command]))
    for (const reply of replies) {
      if (reply instanceof ReplyError) continue // A command that turns out to have no keys.
      for (const key of reply as readonly Buffer[]) this.#add(key)
    }
  }
}

async function keyPositions(connection: Connection): Promise<ReadonlyMap<string, KeyPositions>> {
  const positions = new Map<string, KeyPositions>()
  const learn = (command: readonly Reply[]): void => {
    const [name, , flags, first, last, step, , , , subcommands] = command
    const asks = (flags as readonly Reply[]).some((flag) => String(flag) === 'movablekeys')
    positions.set(String(name).toLowerCase(), { first: Number(first), last: Number(last), step: Number(step), asks })
    if (Array.isArray(subcommands)) for (const subcommand of subcommands) learn(subcommand as readonly Reply[])
  }
  for (const command of (await connection.call('COMMAND')) as readonly Reply[]) learn(command as readonly Reply[])
  return positions
}
