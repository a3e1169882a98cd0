import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { describe, test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { describeEach } from './each.ts'
import { canStartOwn, OwnServer } from './own-server.ts'
import { Bench } from './programs.ts'

const DATABASE = 3

describeEach((url) => {
  test('a worker that waits on a queue goes on waiting, and takes the next job', async () => {
    await using bench = await Bench.open(url, DATABASE)
    const { system, client } = bench
    using worker = new Waiting(`${url}/${DATABASE}`, 'blpop', 'queue', '0')
    await worker.waits()
    const mark = await system.checkpoint('idle')
    await client.rpush('queue', 'job 1')
    assert.deepEqual(await worker.got, ['queue', 'job 1'])
    worker.again()
    await worker.waits()
    await system.rollback(mark)
    assert.deepEqual(await system.changes(mark), [])
    await client.rpush('queue', 'job 2')
    assert.deepEqual(await worker.got, ['queue', 'job 2'])
  })

  for (const [kind, fill, wait] of [
    ['list', ['rpush', 'queue', 'job'], ['blpop', 'queue', '0']],
    ['sorted set', ['zadd', 'queue', '1', 'job'], ['bzpopmin', 'queue', '0']],
  ] as const) {
    test(`a rollback that feeds a client waiting on a ${kind} says so`, async () => {
      await using bench = await Bench.open(url, DATABASE)
      const { system, client } = bench
      await client.call(fill[0], ...fill.slice(1))
      const mark = await system.checkpoint('a job waits')
      await client.del('queue')
      using worker = new Waiting(`${url}/${DATABASE}`, ...wait)
      await worker.waits()
      await assert.rejects(async () => system.rollback(mark), {
        code: 'NOT_QUIET',
        message: /put elements back into "queue", and a client that was blocked on it took them/,
      })
      await worker.got
      await system.rollback(mark)
      assert.deepEqual(await system.changes(mark), [])
    })
  }

  test('a consumer that waits on a stream goes on waiting, and reads the next entry', async () => {
    await using bench = await Bench.open(url, DATABASE)
    const { system, client } = bench
    await client.xgroup('CREATE', 'events', 'workers', '$', 'MKSTREAM')
    const reading = ['xreadgroup', 'group', 'workers', 'me', 'block', '0', 'streams', 'events', '>'] as const
    using worker = new Waiting(`${url}/${DATABASE}`, ...reading)
    await worker.waits()
    const mark = await system.checkpoint('idle')
    await client.xadd('events', '1-1', 'n', '1')
    await worker.got
    await client.xack('events', 'workers', '1-1')
    worker.again()
    await worker.waits()
    await system.rollback(mark)
    assert.deepEqual(await system.changes(mark), [])
    assert.equal(await client.xlen('events'), 0)
    await worker.waits()
    await client.xadd('events', '1-1', 'n', '2')
    assert.deepEqual(await worker.got, [['events', [['1-1', ['n', '2']]]]])
  })

  test('a transaction that was queued before the rollback runs after it, whole', async () => {
    await using bench = await Bench.open(url, DATABASE)
    const { system, client } = bench
    const mark = await system.checkpoint('mark')
    const other = bench.clients[1] as Redis
    await other.multi({ pipeline: false })
    await other.set('a', '1')
    await client.set('b', '1')
    await system.rollback(mark)
    await other.set('c', '1')
    await other.exec()
    assert.deepEqual((await client.keys('[abc]')).toSorted(), ['a', 'c'])
    await system.rollback(mark)
    assert.deepEqual(await client.keys('[abc]'), [])
  })

  test('a transaction that watches a key is aborted when the rollback changes it', async () => {
    await using bench = await Bench.open(url, DATABASE)
    const { system, client } = bench
    const other = bench.clients[1] as Redis
    await client.set('stock', '1')
    const mark = await system.checkpoint('mark')
    await client.set('stock', '0')
    await other.watch('stock')
    await system.rollback(mark)
    assert.equal(await other.multi().set('stock', '-1').exec(), null)
    assert.equal(await client.get('stock'), '1')
  })

  test('a mark is not taken while somebody keeps writing, and the message names the key', async () => {
    await using bench = await Bench.open(url, DATABASE)
    const { system, client } = bench
    await client.set('visits', '0')
    const flood = new Flood(url, DATABASE)
    await flood.flows()
    await assert.rejects(async () => system.checkpoint('mark'), {
      code: 'NOT_QUIET',
      message: /keeps writing "visits"/,
    })
    await flood.end()
    const mark = await system.checkpoint('quiet')
    await client.incr('visits')
    await system.rollback(mark)
    assert.deepEqual(await system.changes(mark), [])
  })
})

describeServer('redis', (url) => {
  describe('a server of its own', () => {
    test('a script that does not end is named', async ({ skip }) => {
      if (!(await canStartOwn(url))) skip('the server runs elsewhere')
      await using server = await OwnServer.start(url, '--lua-time-limit', '50')
      await using bench = await Bench.open(server.url, DATABASE)
      const mark = await bench.system.checkpoint('mark')
      const script = bench.client.eval('while true do end', 0).catch(() => {})
      await sleep(200)
      await assert.rejects(async () => bench.system.rollback(mark), { code: 'LOCKED', retryable: true })
      await bench.elsewhere.script('KILL')
      await script
      await bench.system.rollback(mark)
    })
  })
})

/** A client that writes without a pause: the server finds more of it in every turn. */
class Flood {
  readonly #socket: Socket
  #over = false

  constructor(url: string, database: number) {
    const { hostname, port } = new URL(url)
    this.#socket = connect({ host: hostname, port: Number(port) })
    this.#socket.write(`SELECT ${database}\r\n`)
    this.#pour()
  }

  async flows(): Promise<void> {
    await once(this.#socket, 'data')
    this.#socket.resume()
  }

  async end(): Promise<void> {
    this.#over = true
    this.#socket.end()
    await once(this.#socket, 'close')
  }

  #pour(): void {
    if (this.#over) return
    this.#socket.write('INCR visits\r\n'.repeat(100_000), () => this.#pour())
  }
}

/** A client that is blocked in the server. */
class Waiting implements Disposable {
  readonly #client: Redis
  readonly #command: readonly string[]
  readonly #name = `waiting-${randomUUID()}`
  got!: Promise<unknown>

  constructor(url: string, ...command: readonly string[]) {
    this.#client = new Redis(url, { connectionName: this.#name })
    this.#command = command
    this.again()
  }

  again(): void {
    const [name = '', ...parts] = this.#command
    this.got = this.#client.call(name, ...parts)
    this.got.catch(() => {})
  }

  /** Resolves when the server has it blocked. */
  async waits(): Promise<void> {
    const asking = this.#client.duplicate()
    try {
      for (let tries = 0; tries < 200; tries += 1) {
        const list = String(await asking.client('LIST'))
        if (list.split('\n').some((line) => line.includes(this.#name) && / flags=\w*b/.test(line))) return
        await sleep(5)
      }
      throw new Error('the client does not wait')
    } finally {
      asking.disconnect()
    }
  }

  [Symbol.dispose](): void {
    this.#client.disconnect()
  }
}
