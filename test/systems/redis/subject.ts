import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import type { Subject, Transaction } from '../../../src/kit/index.ts'
import { redis, type RedisMark, type RedisOptions, type RedisSystem } from '../../../src/systems/redis/index.ts'
import { Application } from './application.ts'

/** Three processes of one application on one database. Every subject has all of it, or a prefix of its own in it. */
export class Shop {
  readonly #url: string
  readonly #processes: readonly Application[]
  readonly #reader: Redis
  #turn = 0

  private constructor(url: string, processes: readonly Application[], reader: Redis) {
    this.#url = url
    this.#processes = processes
    this.#reader = reader
  }

  static async start(url: string): Promise<Shop> {
    const reader = new Redis(url)
    await reader.flushdb()
    return new Shop(url, await Promise.all([1, 2, 3].map(() => Application.start(url))), reader)
  }

  async stop(): Promise<void> {
    this.#reader.disconnect()
    await Promise.all(this.#processes.map((application) => application.kill()))
  }

  /** Keys with a prefix of their own, written by the three processes in turn. */
  subject(options: RedisOptions = {}): Subject {
    const prefix = `it's-[${randomBytes(4).toString('hex')}]*:`
    return this.#subject(unprefixed(redis(this.#url, { ...options, prefix }), prefix), prefix)
  }

  /** The whole database, written by the three processes in turn. */
  whole(options: RedisOptions = {}): Subject {
    return this.#subject(redis(this.#url, options), '')
  }

  #subject(system: RedisSystem, prefix: string): Subject {
    const bytes = (key: string): string => Buffer.from(`${prefix}${key}`).toString('latin1')
    const text = (value: string): string => Buffer.from(value).toString('latin1')
    const write = {
      put: async (key: string, value: string) => void (await this.#next.call('set', bytes(key), text(value))),
      remove: async (key: string) => void (await this.#next.call('del', bytes(key))),
    }
    return {
      system,
      ...write,
      other: write,
      putMany: async (entries) =>
        void (await this.#next.call('mset', ...Object.entries(entries).flatMap(([k, v]) => [bytes(k), text(v)]))),
      all: () => this.#entries(prefix),
      fail: () => this.#next.call('eval', FAILING, '1', bytes('half written')),
      begin: () => this.#begin(bytes, text),
      crash: () => this.#crash(bytes),
      connections: () => this.#connections(),
      generate: async () => String(await this.#next.call('incr', bytes(IDS))),
      expire: {
        set: async (key, ms) => void (await this.#next.call('pexpire', bytes(key), String(ms))),
        left: async (key) => {
          const left = Number(await this.#next.call('pttl', bytes(key)))
          return left < 0 ? undefined : left
        },
      },
      leftovers: () => this.#leftovers(prefix),
      dispose: async () => {
        const keys = await this.#keys(prefix)
        if (keys.length > 0) await this.#reader.unlink(...keys)
      },
    }
  }

  get #next(): Application {
    this.#turn += 1
    return this.#processes[this.#turn % this.#processes.length] as Application
  }

  async #keys(prefix: string): Promise<string[]> {
    const keys = await this.#reader.keys(`${prefix.replace(/[[\]*]/g, '\\$&')}*`)
    return keys.filter((key) => key !== 'venomqa:leases')
  }

  async #entries(prefix: string): Promise<Record<string, string>> {
    const keys = (await this.#keys(prefix)).filter((key) => key !== prefix + IDS)
    const values = keys.length === 0 ? [] : await this.#reader.mget(...keys)
    return Object.fromEntries(keys.map((key, index) => [key.slice(prefix.length), values[index] ?? '']))
  }

  async #begin(bytes: (key: string) => string, text: (value: string) => string): Promise<Transaction> {
    const application = this.#next
    const on = `transaction-${randomBytes(4).toString('hex')}`
    await application.callOn(on, 'multi')
    return {
      put: async (key, value) => void (await application.callOn(on, 'set', bytes(key), text(value))),
      commit: async () => void (await application.all([['exec'], ['quit']], on)),
      rollback: async () => void (await application.all([['discard'], ['quit']], on)),
    }
  }

  async #crash(bytes: (key: string) => string): Promise<void> {
    const application = await Application.start(this.#url)
    await application.call('set', bytes('written before the crash'), '1')
    await application.call('multi')
    await application.call('set', bytes('never executed'), '1')
    await application.kill()
  }

  #connected: readonly number[] | undefined

  async #connections(): Promise<string> {
    const clients = String(await this.#reader.client('LIST'))
    const ids = [...clients.matchAll(/^id=(\d+) .* name=application-main /gm)].map(([, id]) => Number(id))
    // Some connect later, and the server lists them in no order.
    this.#connected ??= ids.toSorted((a, b) => a - b)
    return this.#connected.filter((id) => ids.includes(id)).join()
  }

  async #leftovers(prefix: string): Promise<string[]> {
    const leases = (await this.#reader.exists('venomqa:leases')) ? await this.#reader.hkeys('venomqa:leases') : []
    const scratch = await this.#reader.keys('venomqa:scratch*')
    // Other tests are on other databases of the server meanwhile.
    const name = ` name=venomqa:${new URL(this.#url).pathname.slice(1)}:${Buffer.from(prefix).toString('hex')}:`
    const clients = String(await this.#reader.client('LIST')).match(/ name=venomqa:\S*/g) ?? []
    return [
      ...leases.filter((key) => key === prefix),
      ...scratch,
      ...clients.filter((client) => client.startsWith(name)),
    ]
  }
}

const IDS = 'counter of ids'

/** The kit looks for the keys it wrote; changes() tells them with their prefix, as they are in the server. */
function unprefixed(system: RedisSystem, prefix: string): RedisSystem {
  const changes = system.changes.bind(system)
  return Object.assign(system, {
    changes: async (since: RedisMark) =>
      (await changes(since)).map((change) => ({ ...change, key: change.key?.slice(prefix.length) ?? '' })),
  })
}

/** Writes, and is then refused: the server does not take back what a script wrote before it failed. */
const FAILING = "redis.call('set', KEYS[1], '1') return redis.call('nosuchcommand')"
