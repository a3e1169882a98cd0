import { VenomError } from '../../errors.ts'
import { Catalog } from './catalog.ts'
import { copyDocuments, makeCollection } from './make.ts'
import { Scope, split } from './scope.ts'
import type { Store } from './store.ts'

/** What a worker's database is called. */
export function workerDatabase(template: string, worker: string): string {
  return `${template}_w${worker.replaceAll(/[^A-Za-z0-9-]/g, '_')}`
}

/** Throws `NOT_A_TEST_DATABASE` when there is something in a database that no world left behind. */
export async function requireFree(store: Store, database: string): Promise<void> {
  const namespaces = await new Catalog(store, new Scope([database], undefined)).namespaces()
  if (namespaces.length === 0) return
  throw new VenomError(
    'NOT_A_TEST_DATABASE',
    `mongodb: the database "${database}" would be this worker's, but there are ${namespaces.length} collections in it already.\n` +
      'With perWorker each worker has a copy of the database in the URL, which is dropped at the end.\n' +
      `If nobody needs them: mongosh ${database} --eval "db.dropDatabase()".`,
  )
}

/** Makes a database hold the same collections, indexes, documents and views as another one, or nothing when that fails. */
export async function fillFrom(store: Store, template: string, database: string): Promise<void> {
  await store.write(database, { dropDatabase: 1 })
  try {
    await fill(store, template, database)
  } catch (error) {
    await store.write(database, { dropDatabase: 1 })
    throw error
  }
}

async function fill(store: Store, template: string, database: string): Promise<void> {
  const catalog = new Catalog(store, new Scope([template, database], undefined))
  const source = new Catalog(store, new Scope([template], undefined))
  const collections = await source.collections(await source.namespaces())
  for (const collection of collections.values()) {
    const to = `${database}.${split(collection.ns)[1]}`
    await makeCollection(store, catalog, to, collection)
    await copyDocuments(store, collection.ns, to)
  }
  for (const [ns, view] of await source.views(template)) {
    const { _id, ...options } = Object.fromEntries(view)
    await store.write(database, { create: split(ns)[1], ...options })
  }
}
