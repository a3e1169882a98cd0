import { VenomError } from '../../errors.ts'
import { type Base, type Doc, docOf } from './base.ts'
import { type Index, makingSettings } from './catalog.ts'
import { part } from './http.ts'
import { Reader } from './reader.ts'
import { same } from './same.ts'
import type { Server } from './server.ts'
import { Writer } from './write.ts'

/** Makes an index like another one, with documents as they were in points in time. Throws `SCHEMA_CHANGED`; then nothing is left. */
export async function makeLike(server: Server, name: string, index: Index, bases: readonly Base[]): Promise<void> {
  const { http } = server
  const settings = { ...makingSettings(index), 'index.number_of_replicas': '0', 'index.refresh_interval': '-1' }
  await http.ask('PUT', `/${part(name)}`, { settings, mappings: index.mappings })
  try {
    const made = (await http.ask<Record<string, Index>>('GET', `/${part(name)}?flat_settings=true`))[name]
    if (!same(made?.mappings, index.mappings)) throw templateMixesIn(index.name)
    const writer = new Writer(http)
    for (const base of bases) {
      await fill(writer, name, Reader.past(server, base.index, base.pit), base.patch)
    }
    await http.ask('POST', `/${part(name)}/_refresh`)
  } catch (error) {
    await http.ask('DELETE', `/${part(name)}`).catch(() => undefined)
    throw error
  }
}

/** Makes an index take the place of another one. Cloning shares its files, and lets no template mix in. */
export async function replaceBy(server: Server, from: string, index: Index, isThere: boolean): Promise<void> {
  const { name, settings } = index
  if (isThere) await server.http.ask('DELETE', `/${part(name)}`)
  await clone(server, from, name)
  const set = ['index.number_of_replicas', 'index.refresh_interval', 'index.hidden', 'index.blocks.write']
  const own = Object.fromEntries(set.map((key) => [key, settings[key] ?? null]))
  await server.http.ask('PUT', `/${part(name)}/_settings`, own)
}

/** Clones an index. Neither takes writes until its settings say so. */
export async function clone(server: Server, from: string, to: string, settings: object = {}): Promise<void> {
  const { http } = server
  await http.ask('PUT', `/${part(from)}/_settings`, { 'index.blocks.write': true })
  await http.ask('PUT', `/${part(from)}/_clone/${part(to)}?wait_for_active_shards=1`, { settings })
}

/** Each gets the version that it had: an index that is new takes any. */
async function fill(writer: Writer, name: string, past: Reader, patch: Base['patch']): Promise<void> {
  for await (const page of past.pages({ match_all: {} }, 'whole')) {
    const docs = page.map((hit) => docOf(hit)).filter(({ id }) => !patch?.has(id))
    await writer.write(name, docs, { versions: true })
  }
  const present = (doc: Doc): boolean => doc.source !== undefined
  await writer.write(name, [...(patch?.values() ?? [])].filter(present), { versions: true })
}

function templateMixesIn(index: string): VenomError {
  return new VenomError(
    'SCHEMA_CHANGED',
    `elasticsearch: the mapping of index "${index}" grew since the mark, and the old one cannot be made again.\n` +
      'A template that fits every name adds to each index that is made. Nothing was touched.\n' +
      "Narrow the template, set dynamic: false in the mapping, or keep clones: elasticsearch(url, { way: 'copies', … }).",
  )
}
