import type { Catalog, Collection } from './catalog.ts'
import type { Doc } from './raw.ts'
import { isBuckets, split, userName, VIEWS } from './scope.ts'
import { creatable, creation } from './shape.ts'
import { parts, type Store } from './store.ts'

/** Makes a collection with its options and, while there are no documents to read for them, its indexes. Answers with its uuid. */
export async function makeCollection(store: Store, catalog: Catalog, ns: string, like: Collection): Promise<string> {
  const [database, name] = split(ns)
  await store.write(database, { create: userName(name), ...creation(like.options, isBuckets(ns)) })
  const [made] = (await catalog.collections([ns])).values()
  if (!made) throw new Error(`${ns} was made and is not there`)
  const missing = [...like.indexes.values()].filter((spec) => !made.indexes.has(String(spec.get('name'))))
  if (missing.length > 0) await makeIndexes(store, ns, creatable(missing, like.options))
  return made.uuid
}

/** Makes indexes on what is there. */
export async function makeIndexes(store: Store, ns: string, specs: readonly Doc[]): Promise<void> {
  const [database, createIndexes] = split(ns)
  // With the default quorum each build waits for the journal.
  const quorum = store.isReplicaSet ? { commitQuorum: 0 } : {}
  await store.write(database, { createIndexes, indexes: specs, ...quorum })
}

/** Copies all documents into another collection, which is empty, inside the server. */
export async function copyDocuments(store: Store, from: string, to: string): Promise<void> {
  const [[database, aggregate], [db, coll]] = [split(from), split(to)]
  if (isBuckets(to)) return copyBuckets(store, from, to)
  const merge = (pipeline: readonly object[], whenMatched: unknown): Promise<unknown> =>
    store.write(database, {
      aggregate,
      pipeline: [...pipeline, { $merge: { into: { db, coll }, whenMatched } }],
      cursor: {},
      bypassDocumentValidation: true,
    })
  await merge([], 'fail')
  // An insert puts the present time into a zero timestamp at the top level; a replacement leaves it.
  const values = { $map: { input: { $objectToArray: '$$ROOT' }, in: '$$this.v' } }
  const undated = { $match: { $expr: { $in: [new store.driver.Timestamp({ t: 0, i: 0 }), values] } } }
  await merge([undated], [{ $replaceWith: '$$new' }])
}

/** Drops the collection of views when there are none: the server makes it with the first one, or the first time series, and keeps it. */
export async function dropEmptyViews(store: Store, database: string): Promise<void> {
  const [view] = await store.read(database, { find: VIEWS, limit: 1 })
  // It may not be there at all.
  if (!view) await store.write(database, { drop: VIEWS }).catch(() => undefined)
}

/** `$merge` refuses the buckets of a time series; a plain write does not. */
async function copyBuckets(store: Store, from: string, to: string): Promise<void> {
  const [[database, find], [target, insert]] = [split(from), split(to)]
  const buckets = await store.read(database, { find })
  for (const part of parts(buckets, 500)) {
    const documents = part.map((document) => store.codec.doc(document))
    await store.write(target, { insert, documents, bypassDocumentValidation: true })
  }
}
