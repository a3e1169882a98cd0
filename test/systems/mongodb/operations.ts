import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import * as mongo from 'mongodb'
import type { Collection, Db, Document, MongoClient } from 'mongodb'
import { documents, embedded, int32, text, undefinedIn, type Wire, yes, zeroTimestamp } from './wire.ts'

/** What an operation works on, and its own source of chance. */
export interface Hands {
  readonly clients: readonly MongoClient[]
  readonly wire: Wire
  readonly databases: readonly string[]
  readonly below: (limit: number) => number
}

/** Something that an application does. It may be refused. */
export type Operation = (hands: Hands) => Promise<unknown>

const NAMES = ['x', 'y', 'z', 'u']
const { BSON, Decimal128, Double, Long, ObjectId, Timestamp, UUID, Binary, GridFSBucket } = mongo

const IDS: readonly unknown[] = [
  1,
  2,
  3,
  4,
  new Double(2),
  'a',
  'b',
  'A',
  null,
  true,
  new Map([
    ['2', 1],
    ['1', 2],
  ]),
  { a: 1 },
  new ObjectId('64b64b64b64b64b64b64b64b'),
  Long.fromNumber(7),
  new Date(5),
]
const VALUES: readonly unknown[] = [
  1,
  2,
  new Double(1),
  new Double(-0),
  new Double(NaN),
  's1',
  's2',
  null,
  [],
  {},
  /a/i,
  Decimal128.fromString('1.10'),
  new Date(0),
  new Binary(Buffer.from('q'), 128),
  new UUID('00112233445566778899aabbccddeeff'),
  new Timestamp({ t: 0, i: 0 }),
  new Map<string, unknown>([
    ['9', 1],
    ['8', [1, new Map([['3', 2]])]],
  ]),
  'long '.repeat(500),
]

const pick = <T>({ below }: Hands, list: readonly T[]): T => list[below(list.length)] as T
const database = (hands: Hands): Db => pick(hands, hands.clients).db(pick(hands, hands.databases))
const collection = (hands: Hands): Collection => database(hands).collection(pick(hands, NAMES))
const id = (hands: Hands): Document => ({ _id: pick(hands, IDS) })

function fields(hands: Hands): Document {
  const names = ['a', 'b', 'c', 'k', '5', '4']
  return Object.fromEntries(Array.from({ length: 1 + hands.below(5) }, () => [pick(hands, names), pick(hands, VALUES)]))
}

const documented = (hands: Hands): Document => ({ ...(hands.below(3) > 0 ? id(hands) : {}), ...fields(hands) })

const UPDATES: readonly Document[] = [
  { $set: { a: 3 } },
  { $set: { k: 's1', b: 2 } },
  { $unset: { a: 1 } },
  { $push: { list: 4 } },
  { $inc: { n: 1 } },
  { $rename: { a: 'b' } },
]
const INDEXES: readonly Document[] = [
  { key: { a: 1 } },
  { key: { b: -1, a: 1 } },
  { key: { k: 1 }, unique: true, sparse: true },
  { key: { c: 1 }, unique: true, partialFilterExpression: { c: { $type: 'string' } } },
  { key: { a: 'text' } },
  { key: { b: 1 }, expireAfterSeconds: 86_400 },
  { key: { c: 'hashed' } },
  { key: { a: 1 }, name: 'by french', collation: { locale: 'fr', strength: 1 } },
  { key: { '$**': 1 } },
  { key: { b: 1 }, name: 'hidden', hidden: true },
]
const OPTIONS: readonly Document[] = [
  {},
  { capped: true, size: 8192, max: 4 },
  { clusteredIndex: { key: { _id: 1 }, unique: true } },
  { collation: { locale: 'fr', strength: 1 } },
  { validator: { a: { $exists: true } }, validationAction: 'error' },
  { viewOn: 'x', pipeline: [{ $match: { a: { $gt: 1 } } }] },
  { changeStreamPreAndPostImages: { enabled: true } },
]
const MODIFICATIONS: readonly Document[] = [
  { validator: { a: { $type: 'int' } } },
  { validator: {} },
  { validationLevel: 'moderate' },
  { validationAction: 'warn' },
  { changeStreamPreAndPostImages: { enabled: true } },
  { index: { keyPattern: { b: 1 }, hidden: true } },
  { index: { keyPattern: { b: 1 }, expireAfterSeconds: 90_000 } },
  { index: { keyPattern: { a: 1 }, expireAfterSeconds: 99_000 } },
]

/** What changes documents only. */
export const writes = {
  insert: (h) => collection(h).insertOne(documented(h)),
  'insert several': (h) => collection(h).insertMany([fields(h), fields(h), documented(h)], { ordered: false }),
  'insert many': (h) => collection(h).insertMany(Array.from({ length: 300 }, (_, n) => ({ n }))),
  update: (h) => collection(h).updateOne(id(h), pick(h, UPDATES)),
  'update all': (h) => collection(h).updateMany({}, { $inc: { n: 1 } }),
  'update by pipeline': (h) => collection(h).updateMany({}, [{ $set: { p: '$a' } }]),
  upsert: (h) => collection(h).updateOne(id(h), { $set: fields(h) }, { upsert: true }),
  replace: (h) => collection(h).replaceOne(id(h), fields(h), { upsert: true }),
  delete: (h) => collection(h).deleteOne(id(h)),
  'delete any': (h) => collection(h).deleteOne({}),
  'delete some': (h) => collection(h).deleteMany({ a: { $exists: true } }),
  'delete all': (h) => collection(h).deleteMany({}),
  'delete and insert again': async (h) => {
    const [place, key] = [collection(h), id(h)]
    await place.deleteOne(key)
    await place.insertOne({ ...key, ...fields(h) })
  },
  'give an id another type': async (h) => {
    const place = collection(h)
    await place.deleteOne({ _id: 2 as never })
    await place.insertOne({ _id: pick(h, [2, new Double(2), Long.fromNumber(2)]) as never })
  },
  'find and update': (h) => collection(h).findOneAndUpdate({}, { $inc: { f: 1 } }),
  'swap unique values': async (h) => {
    const place = collection(h)
    const [one, other] = await place
      .find({ k: { $type: 'string' } })
      .limit(2)
      .toArray()
    if (!one || !other) return
    await place.updateOne({ _id: one._id }, { $set: { k: 'aside' } })
    await place.updateOne({ _id: other._id }, { $set: { k: one['k'] } })
    await place.updateOne({ _id: one._id }, { $set: { k: other['k'] } })
  },
  'write in bulk': (h) => {
    const [first = '', second = first] = h.databases
    return pick(h, h.clients).bulkWrite(
      [
        { namespace: `${first}.x`, name: 'insertOne', document: documented(h) },
        { namespace: `${second}.y`, name: 'updateMany', filter: {}, update: { $set: { bulk: h.below(9) } } },
        { namespace: `${first}.z`, name: 'deleteOne', filter: {} },
      ],
      { ordered: false },
    )
  },
  transaction: async (h) => {
    const client = pick(h, h.clients)
    await using session = client.startSession()
    session.startTransaction({ writeConcern: { w: 1 } })
    for (let count = 0; count < 4; count += 1) {
      const place = client.db(pick(h, h.databases)).collection(pick(h, NAMES))
      const what = h.below(3)
      if (what === 0) await place.insertOne(fields(h), { session })
      else if (what === 1) await place.updateMany({}, { $set: { t: h.below(9) } }, { session })
      else await place.deleteOne({}, { session })
    }
    await (h.below(3) === 0 ? session.abortTransaction() : session.commitTransaction())
  },
  'write what drivers do not': (h) => {
    const key = pick(h, [
      int32('_id', h.below(6)),
      embedded('_id', int32('a', 1), int32('a', 2)),
      embedded('_id', undefinedIn('u')),
    ])
    const strange = [int32('d', h.below(9)), int32('d', 1), undefinedIn('u'), int32('$dollar', 1), int32('a.b', 2)]
    const insert = [text('insert', pick(h, NAMES)), yes('bypassEmptyTsReplacement'), text('$db', pick(h, h.databases))]
    return h.wire.send(...insert, documents('documents', [key, ...strange, zeroTimestamp('ts')]))
  },
  'insert a big one': (h) => collection(h).insertOne({ big: 'x'.repeat(h.below(200_000)) }),
  'insert into a time series': (h) => {
    const at = (): Date => new Date(1.7e12 + h.below(1e7))
    const one = (): Document => ({ t: at(), m: pick(h, [1, 'q', { b: 2, a: 1 }]), v: pick(h, VALUES) })
    return database(h)
      .collection('series')
      .insertMany(Array.from({ length: 1 + h.below(4) }, one))
  },
  'delete from a time series': (h) =>
    database(h)
      .collection('series')
      .deleteMany({ m: pick(h, [1, 'q']) }),
  'insert into a capped': (h) =>
    database(h)
      .collection('capped')
      .insertMany([fields(h), fields(h)]),
  'update a capped': (h) =>
    database(h)
      .collection('capped')
      .updateOne({}, { $set: { z: h.below(99) } }),
  merge: (h) =>
    collection(h)
      .aggregate([{ $merge: { into: pick(h, NAMES), whenMatched: 'replace' } }])
      .toArray(),
} satisfies Record<string, Operation>

/** What changes collections, indexes and views. */
export const reshapings = {
  index: (h) => database(h).command({ createIndexes: pick(h, NAMES), indexes: [named(pick(h, INDEXES))] }),
  'drop an index': async (h) => {
    const place = collection(h)
    const names = (await place.indexes()).flatMap(({ name }) => (name && name !== '_id_' ? [name] : []))
    if (names.length > 0) await place.dropIndex(pick(h, names))
  },
  'drop indexes': (h) => collection(h).dropIndexes(),
  modify: (h) => database(h).command({ collMod: pick(h, NAMES), ...pick(h, MODIFICATIONS) }),
  create: (h) => database(h).createCollection(pick(h, [...NAMES, 'w', 'v']), pick(h, OPTIONS)),
  'create in a transaction': async (h) => {
    const client = pick(h, h.clients)
    await using session = client.startSession()
    session.startTransaction({ writeConcern: { w: 1 } })
    await client
      .db(h.databases[0])
      .collection(`made ${h.below(3)}`)
      .insertOne(fields(h), { session })
    await session.commitTransaction()
  },
  drop: (h) => database(h).dropCollection(pick(h, [...NAMES, 'w', 'v', 'series', 'capped'])),
  'drop the database': (h) => database(h).dropDatabase(),
  rename: (h) => collection(h).rename(pick(h, [...NAMES, 'w']), { dropTarget: h.below(2) === 0 }),
  'rename across databases': (h) => {
    const [first = '', second = first] = h.databases
    const to = `${second}.${pick(h, NAMES)}`
    const rename = { renameCollection: `${first}.${pick(h, NAMES)}`, to, dropTarget: h.below(2) === 0 }
    return pick(h, h.clients).db('admin').command(rename)
  },
  rotate: async (h) => {
    const place = database(h)
    await place.collection('x').rename('aside')
    await place.collection('y').rename('x')
    await place.collection('aside').rename('y')
  },
  out: (h) =>
    collection(h)
      .aggregate([{ $out: pick(h, NAMES) }])
      .toArray(),
  'make a time series': (h) =>
    database(h).createCollection('series', {
      timeseries: { timeField: 't', metaField: 'm' },
      ...(h.below(2) === 0 && { expireAfterSeconds: 3e9 }),
    }),
  'index a time series': (h) => database(h).collection('series').createIndex({ 'm.x': 1 }),
  'make a capped': (h) => database(h).createCollection('capped', { capped: true, size: 16_384, max: 5 }),
  'modify a capped': (h) => database(h).command({ collMod: 'capped', cappedMax: 3 + h.below(3) }),
  'convert to capped': (h) => database(h).command({ convertToCapped: pick(h, NAMES), size: 20_000 }),
  'clone as capped': (h) =>
    database(h).command({ cloneCollectionAsCapped: pick(h, NAMES), toCollection: 'clone', size: 20_000 }),
  'make a view': (h) => database(h).createCollection('v', { viewOn: pick(h, NAMES), pipeline: [] }),
  'modify a view': (h) =>
    database(h).command({ collMod: 'v', viewOn: pick(h, NAMES), pipeline: [{ $project: { a: h.below(2) } }] }),
  'store a file': (h) => {
    const bucket = new GridFSBucket(database(h))
    return finished(Readable.from([Buffer.alloc(300_000, 'g')]).pipe(bucket.openUploadStream('file')))
  },
} satisfies Record<string, Operation>

function named(index: Document): Document {
  return { name: BSON.EJSON.stringify(index['key']), ...index }
}
