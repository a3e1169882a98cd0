import { randomBytes } from 'node:crypto'
import { MongoClient } from 'mongodb'
import type { Subject, Transaction } from '../../../src/kit/index.ts'
import { mongodb, type MongodbOptions } from '../../../src/systems/mongodb/index.ts'
import { Application } from './application.ts'

const ENTRIES = 'entries'

/** Three processes of one application on one server. Every subject has a database of its own. */
export class Shop {
  readonly #url: string
  readonly #name: string
  readonly #processes: readonly Application[]
  readonly #reader: MongoClient
  #turn = 0
  #subjects = 0

  private constructor(url: string, name: string, processes: readonly Application[], reader: MongoClient) {
    this.#url = url
    this.#name = name
    this.#processes = processes
    this.#reader = reader
  }

  static async start(url: string): Promise<Shop> {
    const name = `kit_${randomBytes(4).toString('hex')}_test`
    const processes = await Promise.all([1, 2, 3].map((number) => Application.start(url, `${name} ${number}`)))
    return new Shop(url, name, processes, await MongoClient.connect(url))
  }

  async stop(): Promise<void> {
    await this.#reader.close()
    await Promise.all(this.#processes.map((application) => application.kill()))
  }

  /** The same on a standalone server, which has no transactions. */
  async withoutTransactions(options: MongodbOptions): Promise<Subject> {
    const { begin: _begin, crash: _crash, ...subject } = await this.subject(options)
    return subject
  }

  /** Entries in a database of their own, written by the three processes in turn. */
  async subject(options: MongodbOptions = {}): Promise<Subject> {
    const name = `${this.#name}_${(this.#subjects += 1)}`
    const database = this.#reader.db(name)
    await database.createCollection(ENTRIES)
    await database.createCollection('unique')
    await database.collection('unique').createIndex({ only: 1 }, { unique: true })
    const url = new URL(this.#url)
    url.pathname = `/${name}`
    const write = {
      put: async (key: string, value: string) => void (await this.#next.run(name, putting(key, value))),
      remove: async (key: string) =>
        void (await this.#next.run(name, { delete: ENTRIES, deletes: [{ q: { _id: key }, limit: 1 }] })),
    }
    return {
      // Other tests on this server leave transactions open for their time.
      system: mongodb(url.href, { settle: 20_000, ...options }),
      ...write,
      other: write,
      putMany: async (entries) => {
        const updates = Object.entries(entries).map(([_id, value]) => ({ q: { _id }, u: { value }, upsert: true }))
        await this.#next.run(name, { update: ENTRIES, updates })
      },
      all: async () => {
        const documents = await database.collection<{ _id: string; value: string }>(ENTRIES).find().toArray()
        return Object.fromEntries(documents.map(({ _id, value }) => [_id, value]))
      },
      fail: async () => {
        const insert = {
          insert: 'unique',
          documents: [
            { _id: 'first', only: 1 },
            { _id: 'second', only: 1 },
          ],
        }
        const reply = await this.#next.run(name, insert)
        if (reply['writeErrors'] !== undefined) throw new Error('a duplicate key')
      },
      begin: () => this.#begin(name),
      crash: () => this.#crash(name),
      connections: () => this.#connections(),
      reshape: async () => {
        await this.#next.run(name, { collMod: ENTRIES, validator: { value: { $type: 'string' } } })
        await this.#next.run(name, { createIndexes: ENTRIES, indexes: [{ key: { value: 1 }, name: 'by value' }] })
      },
      create: async () => {
        await this.#next.run(name, { insert: 'orders', documents: [{ _id: 1 }] })
        await this.#next.run(name, { create: 'paid', viewOn: 'orders', pipeline: [] })
      },
      shape: async () => {
        const collections = await database.listCollections().toArray()
        const shapes = collections.map(async ({ name: collection, type, ...rest }) => {
          const indexes = type === 'collection' ? await database.collection(collection).indexes() : []
          // collMod writes down what holds anyway.
          const options = {
            validationLevel: 'strict',
            validationAction: 'error',
            ...('options' in rest && rest.options),
          }
          return JSON.stringify([collection, type, options, indexes])
        })
        return (await Promise.all(shapes)).toSorted().join('\n')
      },
      leftovers: () => this.#leftovers(name),
      dispose: async () => void (await database.dropDatabase()),
    }
  }

  get #next(): Application {
    this.#turn += 1
    return this.#processes[this.#turn % this.#processes.length] as Application
  }

  async #begin(name: string): Promise<Transaction> {
    const transaction = await this.#next.begin(name)
    return {
      put: async (key, value) => void (await transaction.run(putting(key, value))),
      commit: () => transaction.end('commit'),
      rollback: () => transaction.end('abort'),
    }
  }

  async #crash(name: string): Promise<void> {
    await using application = await Application.start(this.#url, `${this.#name} crashing`)
    await application.run(name, putting('written before the crash', '1'))
    const transaction = await application.begin(name)
    await transaction.run(putting('never committed', '1'))
    await application.kill()
    // The server ends it after a minute; who is in a hurry ends it by hand.
    const [left] = await this.#operations({ appName: `${this.#name} crashing`, transaction: { $exists: true } })
    await this.#reader.db('admin').command({ killAllSessionsByPattern: [{ lsid: left?.['lsid'] }] })
  }

  #operations(match: Record<string, unknown>): Promise<Record<string, unknown>[]> {
    const all = { allUsers: true, idleSessions: true, idleConnections: true }
    return this.#reader
      .db('admin')
      .aggregate([{ $currentOp: all }, { $match: match }])
      .toArray()
  }

  #connected: readonly number[] | undefined

  async #connections(): Promise<string> {
    const ours = await this.#operations({ appName: { $regex: `^${this.#name} \\d` }, connectionId: { $exists: true } })
    const ids = ours.map(({ connectionId }) => Number(connectionId))
    // Some connect later, and the server lists them in no order.
    this.#connected ??= [...new Set(ids)].toSorted((a, b) => a - b)
    return this.#connected.filter((id) => ids.includes(id)).join()
  }

  async #leftovers(name: string): Promise<string[]> {
    const left = await this.#reader
      .db('venomqa')
      .listCollections({ name: `lease.${name}` })
      .toArray()
    const collections = await this.#reader.db(name).listCollections().toArray()
    const ours = collections.map((collection) => collection.name).filter((it) => /venomqa|tmpvq|system/.test(it))
    const copies = await this.#reader.db('venomqa').listCollections({ name: /^copy/ }).toArray()
    return [...[...left, ...copies].map((collection) => collection.name), ...ours]
  }
}

function putting(key: string, value: string): Record<string, unknown> {
  return { update: ENTRIES, updates: [{ q: { _id: key }, u: { value }, upsert: true }] }
}
