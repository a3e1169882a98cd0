import { Redis } from 'ioredis'
import { Connection } from '../src/systems/redis/connection.ts'
import { redis, type RedisMark } from '../src/systems/redis/index.ts'
import { placeOf } from '../src/systems/redis/place.ts'
import type { Command, Reply } from '../src/systems/redis/resp.ts'
import { OwnServer } from '../test/systems/redis/own-server.ts'
import type { Bench } from './bench.ts'
import type { Timing } from './row.ts'

/** The database of the application; the next two are for the way by copies. */
const DATABASE = 1
const PRISTINE = 2
const SPARE = 3
const PER_TRIP = 5000
/** After so many keys their types come again. */
const KINDS = 20

const GOALS: Readonly<Record<string, { id?: string; goal: { atLeast: number } }>> = {
  '100000 1': { id: 'P5a', goal: { atLeast: 1000 } },
  '100000 100': { id: 'P5b', goal: { atLeast: 250 } },
  '100000 1000': { goal: { atLeast: 25 } },
}

/**
 * What a rollback costs by how much there is and how much changed, against the ways of those who do it by hand: dump
 * and restore all (with a client library, and bare), a copy in another database and SWAPDB, DEBUG RELOAD. Those write
 * all keys whatever changed, so they are measured once for each size.
 */
export async function run(bench: Bench): Promise<void> {
  const { quick, service } = bench
  const like = service('redis')
  for (const keys of quick ? [1000, 10_000] : [1000, 10_000, 100_000]) {
    // Its own, for DEBUG is not allowed elsewhere: DEBUG DIGEST proves the content, and DEBUG RELOAD is a peer.
    await using server = await OwnServer.start(like, '--dir', bench.scratch())
    await using store = await Store.filled(server.url, keys)
    const peers = await byHand(bench, store)
    const floor = { name: 'PING', ms: await bench.measure({ runs: 1000, run: () => store.bare.trip([['PING']]) }) }
    const system = redis(store.url)
    await system.open?.({ id: '1', runner: 'none', runId: 'bench', notice: () => {} })
    const mark = (await system.checkpoint('mark')) as RedisMark
    await store.remember()
    for (const dirty of [1, 100, 1000, 10_000].filter((count) => count <= keys)) {
      // Little work as often as PING: what runs a hundred times only is still being compiled.
      const often = dirty > 100 ? 100 : 1000
      const runs = quick ? 20 : often
      const ours = await timed(bench, store, { dirty, runs, way: async () => system.rollback(mark) })
      const promise = GOALS[`${keys} ${dirty}`]
      const work = `${keys} keys, ${dirty} changed`
      bench.row({ ...promise, work, ours: { name: 'tracked', ms: ours }, peers, floor, correct: true })
    }
    await system.close?.()
  }
}

async function byHand(bench: Bench, store: Store): Promise<Readonly<Record<string, Timing>>> {
  const runs = bench.quick ? 3 : 9
  const whole = (way: () => Promise<unknown>): Promise<Timing> => timed(bench, store, { dirty: 100, runs, way })
  const dumps = await store.dump()
  const client = await whole(() => store.restoreWithClient(dumps))
  const bare = await whole(() => store.restoreBare(dumps))
  await store.copyAside()
  const swap = await whole(() => store.swap())
  await store.removeCopies()
  await store.client.save()
  const reload = await whole(() => store.client.call('debug', 'reload', 'nosave'))
  return {
    'ioredis FLUSHDB + RESTORE': client,
    'bare FLUSHDB + RESTORE': bare,
    'COPY + SWAPDB': swap,
    'DEBUG RELOAD': reload,
  }
}

/**
 * Proves a way three times, times it, and proves it again. Not each time: DEBUG DIGEST reads all keys, and what is
 * timed right after it runs on cold caches, which costs a way of a tenth of a millisecond far more than one of a hundred.
 */
async function timed(
  { measure }: Bench,
  store: Store,
  { dirty, runs, way }: { dirty: number; runs: number; way: () => Promise<unknown> },
): Promise<Timing> {
  const before = (): Promise<void> => store.change(dirty)
  await measure({ runs: 3, warmUp: 0, before, run: way, after: () => store.prove() })
  const timing = await measure({ runs, before, run: way })
  await store.prove()
  return timing
}

/** A database of keys of all types, one in ten with a time to live. */
class Store implements AsyncDisposable {
  readonly url: string
  readonly keys: number
  readonly client: Redis
  readonly bare: Connection
  #digest = ''

  private constructor(url: string, keys: number, bare: Connection) {
    this.url = `${url}/${DATABASE}`
    this.keys = keys
    this.client = new Redis(this.url)
    this.bare = bare
  }

  static async filled(url: string, keys: number): Promise<Store> {
    const store = new Store(url, keys, await Connection.open(placeOf(`${url}/${DATABASE}`)))
    const commands = Array.from({ length: keys }, (_, index) => filling(index)).flat()
    await store.#trips(commands)
    await store.remember()
    return store
  }

  /** Changes `dirty` keys all over the database, of all types, and adds one. */
  async change(dirty: number): Promise<void> {
    const commands: Command[] = [['SET', 'new', '1']]
    const step = Math.floor(this.keys / dirty)
    for (let count = 0; count < dirty; count += 1) {
      const key = nameOf(count * step + (count % Math.min(step, KINDS)))
      commands.push(['DEL', key], ['SET', key, 'dirty'])
    }
    await this.#trips(commands)
  }

  /** Takes the content as what every rollback must come back to. */
  async remember(): Promise<void> {
    this.#digest = await this.#digested()
  }

  async prove(): Promise<void> {
    if ((await this.#digested()) !== this.#digest) throw new Error('the content is not what it was')
  }

  async dump(): Promise<readonly (readonly [key: Buffer, payload: Buffer, left: number])[]> {
    const keys = (await this.bare.call('KEYS', '*')) as readonly Buffer[]
    const replies = await this.#trips(
      keys.flatMap((key): Command[] => [
        ['DUMP', key],
        ['PTTL', key],
      ]),
    )
    return keys.map((key, index) => [key, replies[index * 2] as Buffer, Math.max(0, Number(replies[index * 2 + 1]))])
  }

  async restoreWithClient(dumps: Awaited<ReturnType<Store['dump']>>): Promise<void> {
    await this.client.flushdb()
    for (let at = 0; at < dumps.length; at += PER_TRIP) {
      const pipeline = this.client.pipeline()
      for (const [key, payload, left] of dumps.slice(at, at + PER_TRIP)) pipeline.restore(key, left, payload)
      await pipeline.exec()
    }
  }

  async restoreBare(dumps: Awaited<ReturnType<Store['dump']>>): Promise<void> {
    await this.bare.call('FLUSHDB')
    await this.#trips(dumps.map(([key, payload, left]) => ['RESTORE', key, left, payload]))
  }

  async copyAside(): Promise<void> {
    await this.#copy(DATABASE, PRISTINE)
    await this.remember()
  }

  /** A copy of the pristine database takes the place of ours, which is emptied: the pristine one stays for the next time. */
  async swap(): Promise<void> {
    await this.#copy(PRISTINE, SPARE)
    await this.bare.call('SWAPDB', DATABASE, SPARE)
    await this.bare.trip([
      ['SELECT', SPARE],
      ['FLUSHDB', 'ASYNC'],
      ['SELECT', DATABASE],
    ])
  }

  async removeCopies(): Promise<void> {
    await this.bare.trip([['SELECT', PRISTINE], ['FLUSHDB'], ['SELECT', DATABASE]])
    await this.remember()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.disconnect()
    this.bare.close()
  }

  async #copy(from: number, to: number): Promise<void> {
    const replies = await this.bare.trip([
      ['SELECT', from],
      ['EVAL', COPY_ALL, 0, to],
      ['SELECT', DATABASE],
    ])
    for (const reply of replies) if (reply instanceof Error) throw reply
  }

  async #digested(): Promise<string> {
    return String(await this.bare.call('DEBUG', 'DIGEST'))
  }

  async #trips(commands: readonly Command[]): Promise<Reply[]> {
    const replies: Reply[] = []
    for (let at = 0; at < commands.length; at += PER_TRIP) {
      for (const reply of await this.bare.trip(commands.slice(at, at + PER_TRIP))) {
        if (reply instanceof Error) throw reply
        replies.push(reply)
      }
    }
    return replies
  }
}

const COPY_ALL = "for _, k in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', k, k, 'DB', ARGV[1], 'REPLACE') end"

function nameOf(index: number): string {
  return `key:${index}`
}

/** Of twenty keys: 8 strings, 4 hashes, 3 lists, 2 sets, 2 sorted sets, 1 stream with a group. */
function filling(index: number): readonly Command[] {
  const key = nameOf(index)
  const kind = index % KINDS
  const parts = (part: (at: number) => readonly (string | number)[]): (string | number)[] =>
    Array.from({ length: 10 }, (_, at) => part(at)).flat()
  const expiry: readonly Command[] = index % 10 === 3 ? [['PEXPIRE', key, 3_600_000 + index]] : []
  if (kind < 8) return [['SET', key, 'x'.repeat(100) + index], ...expiry]
  if (kind < 12) return [['HSET', key, ...parts((at) => [`field ${at}`, `value ${index}`])], ...expiry]
  if (kind < 15) return [['RPUSH', key, ...parts((at) => [`item ${at} ${index}`])], ...expiry]
  if (kind < 17) return [['SADD', key, ...parts((at) => [`member ${at} ${index}`])]]
  if (kind < 19) return [['ZADD', key, ...parts((at) => [at + index, `member ${at}`])]]
  return [
    ['XADD', key, '1-1', 'n', index],
    ['XADD', key, '2-1', 'n', index],
    ['XGROUP', 'CREATE', key, 'group', '0'],
  ]
}
