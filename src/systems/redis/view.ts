import { good } from './connection.ts'
import { type Image, inTransaction, kindOf, type Kind, outOfTransaction } from './image.ts'
import type { Command, Reply } from './resp.ts'
import type { Scope } from './scope.ts'
import type { Watcher } from './watcher.ts'

/** A value as plain data, the same for the same data whatever its encoding: the order of a set's or hash's parts is ours. */
export type View =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'list'; readonly value: readonly string[] }
  | { readonly type: 'set'; readonly value: readonly string[] }
  | { readonly type: 'zset'; readonly value: readonly (readonly [member: string, score: string])[] }
  | { readonly type: 'hash'; readonly value: readonly (readonly [field: string, value: string])[] }
  | { readonly type: 'stream'; readonly value: StreamView }
  | { readonly type: 'other'; readonly value: Buffer }

/** A stream without what a clock put into it: when a consumer was last seen, when an entry was delivered. */
export interface StreamView {
  readonly lastId: string
  /** Counters of Redis 7 and later: how many were ever added, and the highest that was deleted. */
  readonly counters: readonly string[]
  readonly entries: readonly (readonly [id: string, fields: readonly string[]])[]
  readonly groups: readonly GroupView[]
}

/** A consumer group. */
export interface GroupView {
  readonly name: string
  readonly lastDelivered: string
  /** A counter of Redis 7 and later; null where the server does not know it. */
  readonly entriesRead: number | null
  readonly consumers: readonly string[]
  readonly pending: readonly (readonly [id: string, consumer: string, deliveries: number])[]
}

const IMAGES_PER_TRANSACTION = 500

/**
 * Reads images as plain data, and remembers what it has read.
 *
 * An image is the server's own format, which differs from version to version, so the server reads it:
 * inside one transaction it is restored under a scratch key, read and removed, and nobody sees it.
 */
export class Views {
  readonly #watcher: Watcher
  readonly #scope: Scope
  readonly #atomic: boolean
  readonly #known = new WeakMap<Image, View>()

  constructor(watcher: Watcher, scope: Scope, atomic: boolean) {
    this.#watcher = watcher
    this.#scope = scope
    this.#atomic = atomic
  }

  /** Makes sure that `of` knows these images. */
  async read(images: Iterable<Image | null>): Promise<void> {
    const unknown = new Set<Image>()
    for (const image of images) if (image !== null && !this.#known.has(image)) unknown.add(image)
    const all = [...unknown]
    for (let at = 0; at < all.length; at += IMAGES_PER_TRANSACTION) {
      await this.#readSome(all.slice(at, at + IMAGES_PER_TRANSACTION))
    }
  }

  /** The plain data of an image that was read. */
  of(image: Image): View {
    const view = this.#known.get(image)
    if (!view) throw new Error('an image that was not read')
    return view
  }

  async #readSome(images: readonly Image[]): Promise<void> {
    const key = this.#scope.scratch
    const commands = images.flatMap((image) => [
      ['RESTORE', key, 0, image.payload, 'REPLACE'] as Command,
      reading(kindOf(image), key),
      ['UNLINK', key] as Command,
    ])
    const replies = this.#atomic
      ? outOfTransaction(await this.#watcher.trip(inTransaction(commands)))
      : await this.#watcher.trip(commands)
    for (const [index, image] of images.entries()) {
      good(replies[index * 3])
      this.#known.set(image, viewOf(image, good(replies[index * 3 + 1])))
    }
  }
}

const BINARY = 'binary:'

/** Bytes as text, different for different bytes: UTF-8 as it is, anything else as `binary:` and hexadecimal digits. */
export function textOf(bytes: Buffer): string {
  const text = bytes.toString()
  const plain = !text.startsWith(BINARY) && (!text.includes('\ufffd') || Buffer.from(text).equals(bytes))
  return plain ? text : `${BINARY}${bytes.toString('hex')}`
}

/** A key as text (see {@link textOf}). */
export function nameOf(key: string): string {
  return textOf(Buffer.from(key, 'latin1'))
}

function reading(kind: Kind, key: string): Command {
  switch (kind) {
    case 'string':
      return ['GET', key]
    case 'list':
      return ['LRANGE', key, 0, -1]
    case 'set':
      return ['SMEMBERS', key]
    case 'zset':
      return ['ZRANGE', key, 0, -1, 'WITHSCORES']
    case 'hash':
      return ['HGETALL', key]
    case 'stream':
      return ['XINFO', 'STREAM', key, 'FULL', 'COUNT', 0]
    case 'other':
      return ['EXISTS', key]
  }
}

function viewOf(image: Image, reply: Reply): View {
  switch (kindOf(image)) {
    case 'string':
      return { type: 'string', value: text(reply) }
    case 'list':
      return { type: 'list', value: items(reply).map(text) }
    case 'set':
      return { type: 'set', value: items(reply).map(text).sort() }
    case 'zset':
      return { type: 'zset', value: items(reply).map((pair) => [text(items(pair)[0]), text(items(pair)[1])]) }
    case 'hash':
      return { type: 'hash', value: pairs(reply).sort(([a], [b]) => (a < b ? -1 : 1)) }
    case 'stream':
      return { type: 'stream', value: streamOf(reply) }
    case 'other':
      return { type: 'other', value: image.payload }
  }
}

function streamOf(reply: Reply): StreamView {
  const facts = fields(reply)
  return {
    lastId: text(facts['last-generated-id']),
    counters: ['max-deleted-entry-id', 'entries-added'].flatMap((name) => (name in facts ? [text(facts[name])] : [])),
    entries: items(facts['entries']).map((entry) => [text(items(entry)[0]), items(items(entry)[1]).map(text)]),
    groups: items(facts['groups'])
      .map((group) => groupOf(fields(group)))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

function groupOf(facts: Readonly<Record<string, Reply>>): GroupView {
  return {
    name: text(facts['name']),
    lastDelivered: text(facts['last-delivered-id']),
    entriesRead: facts['entries-read'] == null ? null : Number(facts['entries-read']),
    consumers: items(facts['consumers'])
      .map((consumer) => text(fields(consumer)['name']))
      .sort(),
    pending: items(facts['pending'] ?? facts['pel']).map((entry) => {
      const [id, consumer, , deliveries] = items(entry)
      return [text(id), text(consumer), Number(deliveries)]
    }),
  }
}

function items(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? (reply as readonly Reply[]) : []
}

function text(reply: Reply | undefined): string {
  return Buffer.isBuffer(reply) ? textOf(reply) : String(reply)
}

function pairs(reply: Reply): [string, string][] {
  const parts = items(reply)
  return Array.from({ length: parts.length / 2 }, (_, index) => [text(parts[index * 2]), text(parts[index * 2 + 1])])
}

function fields(reply: Reply): Readonly<Record<string, Reply>> {
  const parts = items(reply)
  const facts: Record<string, Reply> = {}
  for (let at = 0; at + 1 < parts.length; at += 2) facts[String(parts[at])] = parts[at + 1] ?? null
  return facts
}
