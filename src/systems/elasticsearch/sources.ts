import { VenomError } from '../../errors.ts'
import type { Index, Shape } from './catalog.ts'

/** Why the documents of an index cannot be written back from what a search finds; undefined when they can. */
export function lackOf({ mappings, settings }: Index): string | undefined {
  const source = (mappings['_source'] ?? {}) as Readonly<Record<string, unknown>>
  const mode = settings['index.mode']
  if (settings['index.disable_sequence_numbers'] === 'true') return 'keeps no sequence numbers'
  if (mode === 'time_series' || mode === 'logsdb') return `is in the mode ${mode}, which keeps no _source as it was`
  if (source['enabled'] === false) return 'keeps no _source'
  if (source['includes'] !== undefined || source['excludes'] !== undefined) return 'keeps a part of _source only'
  const made = source['mode'] ?? settings['index.mapping.source.mode'] ?? 'stored'
  return made === 'stored' ? undefined : `keeps its _source as ${String(made)}, not as it was written`
}

/** Throws `UNSUPPORTED` unless every document can be written back. */
export function requireWhole({ indices }: Shape): void {
  for (const index of indices.values()) {
    const lack = lackOf(index)
    if (lack !== undefined) throw notWhole(index.name, lack)
  }
}

/** Throws `UNSUPPORTED` unless every index can at least be copied, and be seen to have changed. */
export function requireNumbers({ indices }: Shape): void {
  for (const index of indices.values()) {
    if (index.settings['index.disable_sequence_numbers'] === 'true') throw noNumbers(index.name)
  }
}

/** Throws `UNSUPPORTED` for a data stream. */
export function requireNoStreams(streams: Shape['streams']): void {
  const [name] = streams.keys()
  if (name !== undefined) throw dataStream(name)
}

/** Throws `UNSUPPORTED` for a data stream with an index that is not named as the server names them: it was put there by hand. */
export function requireOwnIndices({ indices, streams }: Shape): void {
  for (const stream of streams.values()) {
    const foreign = stream.indices.find((index) => !indices.has(index))
    if (foreign !== undefined) throw foreignIndex(stream.name, foreign)
  }
}

function notWhole(index: string, lack: string): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `elasticsearch: the index "${index}" ${lack}, so its documents cannot be written back.\n` +
      'A rollback writes the _source of documents that changed. Nothing was touched.\n' +
      `Keep a clone of each index at every mark: elasticsearch(url, { way: 'copies', … }); or leave it out: { except: ['${index}'] }.`,
  )
}

function noNumbers(index: string): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `elasticsearch: the index "${index}" has index.disable_sequence_numbers set.\n` +
      'Without sequence numbers nobody can say whether it changed.\n' +
      `Make it without that setting in tests, or leave it out: elasticsearch(url, { except: ['${index}'] }).`,
  )
}

function dataStream(name: string): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `elasticsearch: "${name}" is a data stream, which cannot be put back in this way.\n` +
      'It takes no document with an id of its own, and once rolled over it cannot be rolled under.\n' +
      `Keep snapshots: elasticsearch(url, { way: 'snapshot', … }); leave it out: { except: ['${name}'] }; or use an ordinary index in tests.`,
  )
}

function foreignIndex(stream: string, index: string): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `elasticsearch: the data stream "${stream}" has the index "${index}", which is not among those that are looked after.\n` +
      'The server names the indices of a stream .ds-STREAM-DATE-NUMBER; this one was put there by hand or by a policy.\n' +
      `Name it too: elasticsearch(url, { indices: ['${index}', …] }); or leave the stream out: { except: ['${stream}'] }.`,
  )
}
