import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { redis, type RedisMark, type RedisOptions, type RedisSystem } from '../../../src/systems/redis/index.ts'
import { assertSame, type Contents, contentsOf } from './contents.ts'

/** A step of a random program: commands of one of three connections, or a call of ours. `which` picks a mark. */
export type Step =
  | { readonly do: 'commands'; readonly by: number; readonly commands: readonly (readonly string[])[] }
  | { readonly do: 'expire'; readonly key: string }
  | { readonly do: 'checkpoint' | 'elsewhere' }
  | { readonly do: 'rollback' | 'changes' | 'release'; readonly which: number }

/** A script that writes keys it did not declare. */
const UNDECLARED = "redis.call('set', ARGV[1], ARGV[2]) return redis.call('lpush', ARGV[1] .. ':list', ARGV[2])"
const KEYS = ['a', 'b', '{c}', '\xff\x00', 'it\'s "é"', 'g*']
const key = fc.constantFrom(...KEYS)
const item = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('x', 'y', 'z', '1', '22') },
  { weight: 1, arbitrary: fc.constantFrom('', '\x80\xfe', 'long '.repeat(50), '-3.5') },
)
const number = fc.integer({ min: -3, max: 3 }).map(String)
const score = fc.constantFrom('1', '2.5', '-inf', 'inf', '1e300')
const id = fc.integer({ min: 1, max: 9 }).map((n) => `${n}-1`)
const group = fc.constantFrom('g1', 'g2')
const seconds = fc.constantFrom('100', '1000', '5000')

/** One command of any kind; what the server refuses (a wrong type, a smaller id) is part of the game. */
const command = fc.oneof(
  ...weighted(3, [
    fc.tuple(word('set'), key, item),
    fc.tuple(word('set'), key, item, word('ex'), seconds),
    fc.tuple(word('del'), key),
    fc.tuple(word('append'), key, item),
    fc.tuple(word('incr'), key),
    fc.tuple(word('setbit'), key, fc.constantFrom('3', '77'), fc.constantFrom('0', '1')),
    fc.tuple(word('expire'), key, seconds),
    fc.tuple(word('persist'), key),
    fc.tuple(word('rename'), key, key),
    fc.tuple(word('copy'), key, key, word('replace')),
    fc.tuple(word('hset'), key, item, item),
    fc.tuple(word('hdel'), key, item),
    fc.tuple(word('lpush'), key, item),
    fc.tuple(word('rpop'), key),
    fc.tuple(word('lmove'), key, key, word('left'), word('right')),
    fc.tuple(word('ltrim'), key, number, number),
    fc.tuple(word('sadd'), key, item, item),
    fc.tuple(word('srem'), key, item),
    fc.tuple(word('smove'), key, key, item),
    fc.tuple(word('zadd'), key, score, item),
    fc.tuple(word('zincrby'), key, number, item),
    fc.tuple(word('zpopmin'), key),
    fc.tuple(word('zunionstore'), key, word('2'), key, key),
    fc.tuple(word('pfadd'), key, item),
    fc.tuple(word('geoadd'), key, number, number, item),
  ]),
  ...weighted(5, [
    fc.tuple(word('xadd'), key, id, item, item),
    fc.tuple(word('xgroup'), word('create'), key, group, word('0'), word('mkstream')),
  ]),
  ...weighted(2, [
    fc.tuple(word('xgroup'), word('create'), key, group, id),
    fc.tuple(word('xgroup'), word('setid'), key, group, id),
    fc.tuple(word('xgroup'), word('delconsumer'), key, group, item),
    fc.tuple(word('xgroup'), word('destroy'), key, group),
    fc.tuple(word('xreadgroup'), word('group'), group, item, word('count'), word('1'), word('streams'), key, word('>')),
    fc.tuple(word('xack'), key, group, id),
    fc.tuple(word('xclaim'), key, group, item, word('0'), id),
    fc.tuple(word('xautoclaim'), key, group, item, word('0'), word('0')),
    fc.tuple(word('xsetid'), key, id),
    fc.tuple(word('xdel'), key, id),
    fc.tuple(word('xtrim'), key, word('maxlen'), word('1')),
  ]),
  ...weighted(1, [
    fc.constant(['flushdb']),
    fc.constant(['swapdb', '9', '10']),
    fc.tuple(word('move'), key, word('10')),
    fc.tuple(word('eval'), word(UNDECLARED), word('0'), key, item),
  ]),
)

const which = fc.nat(9)
/** Programs of up to 60 steps. */
export const program: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: commands(fc.array(command, { minLength: 1, maxLength: 4 })) },
    {
      weight: 1,
      arbitrary: commands(fc.array(command, { maxLength: 3 }).map((list) => [['multi'], ...list, ['exec']])),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const), key }) },
    { weight: 1, arbitrary: fc.constant({ do: 'elsewhere' as const }) },
    { weight: 4, arbitrary: fc.constant({ do: 'checkpoint' as const }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('rollback' as const), which }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('changes' as const), which }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), which }) },
  ),
  { maxLength: 60, size: 'max' },
)

/** Three connections of an application, and the system that rolls it back, on one database. */
export class Bench implements AsyncDisposable {
  readonly system: RedisSystem
  readonly clients: readonly Redis[]
  readonly elsewhere: Redis

  private constructor(url: string, database: number, options: RedisOptions) {
    this.system = redis(`${url}/${database}`, options)
    this.clients = [1, 2, 3].map(() => new Redis(`${url}/${database}`))
    this.elsewhere = new Redis(`${url}/${database + 1}`)
  }

  static async open(url: string, database: number, options: RedisOptions = {}): Promise<Bench> {
    const bench = new Bench(url, database, options)
    await bench.elsewhere.flushdb()
    await bench.client.flushdb()
    await bench.system.open?.({ id: '1', runner: 'none', runId: 'test', notice: () => {} })
    return bench
  }

  get client(): Redis {
    return this.clients[0] as Redis
  }

  /** Runs a program, and compares the database with what it was at the mark after every rollback. */
  async run(steps: readonly Step[]): Promise<void> {
    const marks: { mark: RedisMark; contents: Contents }[] = []
    const base = await this.system.checkpoint('base')
    const start = await contentsOf(this.client)
    marks.push({ mark: base as RedisMark, contents: start })
    const seen: { values: unknown; data: unknown }[] = []
    for (const step of steps) {
      if (step.do === 'commands') await this.#commands(step.by, step.commands)
      else if (step.do === 'expire') await this.#expire(step.key)
      else if (step.do === 'elsewhere')
        await this.elsewhere.call('mset', ...KEYS.flatMap((name) => [Buffer.from(name, 'latin1'), 'other']))
      else if (!('which' in step)) {
        const mark = (await this.system.checkpoint('mark')) as RedisMark
        marks.push({ mark, contents: await contentsOf(this.client) })
        await this.#observe(seen)
      } else {
        const at = step.which % marks.length
        const { mark, contents } = marks[at] as (typeof marks)[number]
        if (step.do === 'rollback') {
          await this.system.rollback(mark)
          assertSame(await contentsOf(this.client), contents)
          assert.deepEqual(await this.system.changes(mark), [], 'changes() after a rollback')
        } else if (step.do === 'changes') {
          await this.#changes(mark, contents)
          await this.#observe(seen)
        }
        if (step.do === 'release' && at > 0) {
          for (const { mark: gone } of marks.splice(at).toReversed()) await this.system.release?.(gone)
        }
      }
    }
    await this.system.rollback(base as RedisMark)
    assertSame(await contentsOf(this.client), start)
    for (const { mark } of marks.toReversed()) await this.system.release?.(mark)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.system.close?.()
    for (const client of [...this.clients, this.elsewhere]) client.disconnect()
  }

  async #commands(by: number, commands: readonly (readonly string[])[]): Promise<void> {
    const client = this.clients[by % this.clients.length] as Redis
    const calls = commands.map(([name = '', ...parts]) =>
      client.call(name, ...parts.map((part) => Buffer.from(part, 'latin1'))),
    )
    await Promise.allSettled(calls)
  }

  /** Lets a key expire; the server may not have noticed yet when we go on. */
  async #expire(name: string): Promise<void> {
    await this.client.pexpire(Buffer.from(name, 'latin1'), 1)
    await sleep(3)
  }

  async #changes(mark: RedisMark, contents: Contents): Promise<void> {
    const now = await contentsOf(this.client)
    const differing = Object.keys({ ...now.values, ...contents.values }).filter(
      (name) => !isDeepStrictEqual(now.values[name], contents.values[name]),
    )
    const listed = await this.system.changes(mark)
    const names = new Set(listed.map(({ key: name }) => name))
    for (const name of differing)
      assert.ok(names.has(shown(name)), `changes() lacks ${shown(name)}: ${JSON.stringify(listed)}`)
    // What is listed beside must have another time to live.
    for (const { key: name, updated } of listed) {
      if (differing.some((key) => shown(key) === name)) continue
      assert.ok(
        updated.some(({ before, after }) => before['ttl'] !== after['ttl'] || 'ttl' in before),
        `changes() lists ${name}`,
      )
    }
  }

  async #observe(seen: { values: unknown; data: unknown }[]): Promise<void> {
    const { data } = await this.system.observe()
    const { values, left } = await contentsOf(this.client)
    const now = { values: [values, Object.keys(left)], data }
    for (const then of seen) {
      assert.equal(
        isDeepStrictEqual(then.data, data),
        isDeepStrictEqual(then.values, now.values),
        'observe() is not canonical',
      )
    }
    seen.push(now)
  }
}

function shown(name: string): string {
  const bytes = Buffer.from(name, 'latin1')
  return Buffer.from(bytes.toString()).equals(bytes) ? bytes.toString() : `binary:${bytes.toString('hex')}`
}

function word(text: string): fc.Arbitrary<string> {
  return fc.constant(text)
}

function weighted(
  weight: number,
  list: readonly fc.Arbitrary<readonly string[]>[],
): fc.WeightedArbitrary<readonly string[]>[] {
  return list.map((arbitrary) => ({ weight, arbitrary }))
}

function commands(arbitrary: fc.Arbitrary<readonly (readonly string[])[]>): fc.Arbitrary<Step> {
  return fc.record({ do: fc.constant('commands' as const), by: fc.nat(2), commands: arbitrary })
}
