// MongoDB: our rollback against the ways people put collections back by hand, by how much there is and how much changed.
import assert from 'node:assert/strict'
import { type Collection, type Db, MongoClient } from 'mongodb'
import { mongodb, type MongodbMark, type MongodbSystem } from '../src/systems/mongodb/index.ts'
import type { Bench } from './bench.ts'
import type { Timing } from './row.ts'

interface Order {
  readonly _id: number
  readonly n: number
  readonly email: string
  readonly at: Date
  readonly tags: readonly string[]
  readonly pad: string
}

const GOALS: Readonly<Record<string, { id?: string; goal: { atLeast: number } }>> = {
  '100000 documents, 1 changed': { id: 'P7a', goal: { atLeast: 250 } },
  '100000 documents, 100 changed': { id: 'P7b', goal: { atLeast: 100 } },
}

/** Measures P7a, P7b, what a mark costs, and what the application pays for its writes. The server holds its data in memory. */
export async function run(bench: Bench): Promise<void> {
  const { quick } = bench
  const url = `${bench.service('mongodb').replace('/?', '/bench_test?')}`
  const client = await MongoClient.connect(url, { appName: 'the application' })
  for (const count of quick ? [1000, 10_000] : [1000, 10_000, 100_000]) {
    const shop = await Shop.filled(client.db(), count)
    await rollbacks(bench, shop, url)
    await marks(bench, shop, url)
  }
  await writes(bench, await Shop.filled(client.db(), 1000), url)
  await client.close()
}

/** Ours comes first: what the peers write stays in the server's past for minutes, and every later read pays for it. */
async function rollbacks(bench: Bench, shop: Shop, url: string): Promise<void> {
  const { quick, measure, row } = bench
  const floor = { name: 'ping', ms: await measure({ runs: 500, run: () => shop.db.command({ ping: 1 }) }) }
  const { system, mark } = await opened(url)
  const ours = new Map<string, Timing>()
  const timed = async (what: string, runs: number, before: () => Promise<unknown>): Promise<void> => {
    const block = { runs, before: async () => void (await before()), run: async () => system.rollback(mark) }
    ours.set(what, await measure({ ...block, after: () => shop.prove() }))
  }
  for (const changed of [0, 1, 10, 100, 1000, 10_000].filter((many) => many <= shop.count)) {
    await timed(`${changed} changed`, quick || changed >= 10_000 ? 9 : 25, () => shop.change(changed))
  }
  await timed('the collection dropped', quick ? 3 : 7, () => shop.orders.drop())
  await system.close?.()
  const peers = await byHand(bench, shop)
  for (const [what, ms] of ours) {
    const work = `${shop.count} documents, ${what}`
    row({ ...GOALS[work], work, ours: { name: 'past', ms }, peers, floor, correct: true })
  }
}

/** These write all documents whatever changed, so they are measured once for each size. */
async function byHand({ quick, measure }: Bench, shop: Shop): Promise<Record<string, Timing>> {
  const runs = quick || shop.count >= 100_000 ? 5 : 9
  const timed = (way: () => Promise<unknown>): Promise<Timing> =>
    measure({ runs, warmUp: 2, before: () => shop.change(100), run: way, after: () => shop.prove() })
  await shop.copy()
  return {
    'deleteMany + insertMany': await timed(() => shop.deleteAndInsert()),
    'drop + indexes + insertMany': await timed(() => shop.dropAndInsert()),
    '$out from a copy': await timed(() => shop.outBack()),
    'deleteMany + $merge from a copy': await timed(() => shop.mergeBack()),
  }
}

async function marks({ quick, measure, row }: Bench, shop: Shop, url: string): Promise<void> {
  const runs = quick || shop.count >= 100_000 ? 5 : 9
  const peers = {
    '$out to a copy': await measure({ runs, run: () => shop.copy() }),
    'find all': await measure({ runs, run: () => shop.orders.find().toArray() }),
  }
  const { system } = await opened(url)
  const taken: MongodbMark[] = []
  const ours = await measure({ runs: 100, run: async () => taken.push(await system.checkpoint('mark')) })
  for (const mark of taken) system.release?.(mark)
  await system.close?.()
  row({ work: `a mark of ${shop.count} documents`, ours: { name: 'past', ms: ours }, peers, correct: true })
}

/** What a write of the application costs while a world is open, and without one. */
async function writes({ quick, measure, row }: Bench, shop: Shop, url: string): Promise<void> {
  const runs = quick ? 1000 : 4000
  const time = (): Promise<Timing> =>
    measure({ runs, warmUp: 200, run: () => shop.orders.updateOne({ _id: 7 }, { $inc: { n: 1 } }) })
  const without = await time()
  const { system } = await opened(url)
  const within = await time()
  await system.close?.()
  row({
    work: 'one update of one document by the application',
    ours: { name: 'a world is open', ms: within },
    peers: { 'no world': without },
    figure: 'overhead',
    correct: true,
  })
}

async function opened(url: string): Promise<{ system: MongodbSystem; mark: MongodbMark }> {
  const system = mongodb(url)
  await system.open?.({ id: '1', runner: 'none', runId: 'bench', notice: () => {} })
  return { system, mark: await system.checkpoint('mark') }
}

/** One collection of orders with a unique and another index, and the ways to put it back by hand. */
class Shop {
  readonly db: Db
  readonly count: number
  readonly orders: Collection<Order>
  #hash = ''

  private constructor(db: Db, count: number) {
    this.db = db
    this.count = count
    this.orders = db.collection<Order>('orders')
  }

  static async filled(db: Db, count: number): Promise<Shop> {
    const shop = new Shop(db, count)
    await db.dropDatabase()
    await shop.#insert()
    await shop.#index()
    shop.#hash = await shop.#hashed()
    return shop
  }

  /** A third is updated, a third deleted, and as many inserted. */
  async change(changed: number): Promise<void> {
    if (changed === 0) return
    const step = this.count / changed
    await this.orders.bulkWrite(
      Array.from({ length: changed }, (_, index) => {
        const _id = Math.floor(index * step)
        if (index % 3 === 0) return { updateOne: { filter: { _id }, update: { $inc: { n: 1 } } } }
        if (index % 3 === 1) return { deleteOne: { filter: { _id } } }
        return { insertOne: { document: orderOf(this.count + index) } }
      }),
      { ordered: false },
    )
  }

  async prove(): Promise<void> {
    assert.equal(await this.#hashed(), this.#hash, 'the content is not what it was')
  }

  async copy(): Promise<void> {
    await this.orders.aggregate([{ $out: 'copy' }]).toArray()
  }

  async deleteAndInsert(): Promise<void> {
    await this.orders.deleteMany({})
    await this.#insert()
  }

  async dropAndInsert(): Promise<void> {
    await this.orders.drop()
    await this.#index()
    await this.#insert()
  }

  async outBack(): Promise<void> {
    await this.db
      .collection('copy')
      .aggregate([{ $out: 'orders' }])
      .toArray()
  }

  async mergeBack(): Promise<void> {
    await this.orders.deleteMany({})
    // Its default mode would sort the fields of each document.
    const $merge = { into: 'orders', whenMatched: 'fail' }
    await this.db.collection('copy').aggregate([{ $merge }]).toArray()
  }

  async #insert(): Promise<void> {
    for (let from = 0; from < this.count; from += 10_000) {
      const length = Math.min(10_000, this.count - from)
      const documents = Array.from({ length }, (_, index) => orderOf(from + index))
      await this.orders.insertMany(documents, { ordered: false })
    }
  }

  async #index(): Promise<void> {
    await this.orders.createIndexes([{ key: { email: 1 }, unique: true }, { key: { n: 1 } }])
  }

  async #hashed(): Promise<string> {
    // Not its `md5`, which is also of the collection's uuid.
    const { collections } = await this.db.command({ dbHash: 1, collections: ['orders'] })
    return String(collections['orders'])
  }
}

function orderOf(_id: number): Order {
  return { _id, n: _id, email: `u${_id}@shop.example`, at: new Date(_id), tags: ['a', 'b'], pad: 'x'.repeat(150) }
}
