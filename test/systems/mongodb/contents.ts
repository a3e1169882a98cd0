import assert from 'node:assert/strict'
import { BSON, type Document, type MongoClient } from 'mongodb'

/** All that databases hold: each document as its bytes, options and indexes. In the order of storage where that is state. */
export type Contents = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** Reads databases whole. With `order`, the natural order of all collections counts. */
export async function contentsOf(client: MongoClient, databases: readonly string[], order = false): Promise<Contents> {
  const all: Record<string, Record<string, unknown>> = {}
  for (const database of databases) {
    for (const { name, type, options = {} } of await collectionsIn(client, database)) {
      if (name === 'system.views') continue
      const one: Record<string, unknown> = { type, options: normal(options) }
      all[`${database}.${name}`] = one
      if (type === 'collection') {
        const documents = await rawDocuments(client, database, name)
        one['documents'] = order || options['capped'] ? documents : documents.toSorted(byText)
      }
      if (type !== 'view' && !name.startsWith('system.')) {
        const indexes = await client.db(database).collection(name).listIndexes({ promoteValues: false }).toArray()
        one['indexes'] = indexes.map((index) => BSON.EJSON.stringify(index)).toSorted(byText)
      }
    }
  }
  return all
}

/** Asserts that two contents are equal, and shows the collections that differ. */
export function assertSame(actual: Contents, expected: Contents): void {
  const differing = Object.keys({ ...actual, ...expected }).filter(
    (name) => JSON.stringify(actual[name]) !== JSON.stringify(expected[name]),
  )
  const only = (contents: Contents): unknown => Object.fromEntries(differing.map((name) => [name, contents[name]]))
  assert.deepEqual(only(actual), only(expected))
}

async function collectionsIn(
  client: MongoClient,
  database: string,
): Promise<{ name: string; type?: string; options?: Document }[]> {
  return client.db(database).listCollections().toArray()
}

async function rawDocuments(client: MongoClient, database: string, name: string): Promise<string[]> {
  const find = { find: name, sort: { $natural: 1 } }
  const documents = await client.db(database).runCursorCommand(find, { raw: true }).toArray()
  return documents.map((document) => Buffer.from(document as unknown as Uint8Array).toString('hex'))
}

/** The options without those that say what holds anyway: collMod leaves them written out. */
function normal(options: Document): string {
  const { validationLevel = 'strict', validationAction = 'error', validator = {}, ...rest } = options
  const { changeStreamPreAndPostImages: images, ...others } = rest
  const kept = { validationLevel, validationAction, validator, ...others, images: Boolean(images?.enabled) }
  return BSON.EJSON.stringify(Object.fromEntries(Object.entries(kept).toSorted(([a], [b]) => byText(a, b))))
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
