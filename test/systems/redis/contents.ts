import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'

/** Everything that can be seen of a database: read with plain commands, and compared by other code than the system's. */
export interface Contents {
  /** By key, as bytes: type and value. */
  readonly values: Readonly<Record<string, unknown>>
  /** The ms that keys had left. */
  readonly left: Readonly<Record<string, number>>
}

/** Reads a database whole. */
export async function contentsOf(client: Redis): Promise<Contents> {
  const values: Record<string, unknown> = {}
  const left: Record<string, number> = {}
  const keys = (await client.keysBuffer('*')).filter((key) => key.toString() !== 'venomqa:leases')
  for (const key of keys.toSorted(Buffer.compare)) {
    const name = key.toString('latin1')
    const type = await client.type(key)
    if (type === 'none') continue
    values[name] = { type, value: await valueOf(client, key, type) }
    const ms = await client.pttl(key)
    if (ms >= 0) left[name] = ms
  }
  return { values, left }
}

/** Asserts that what was read is what was read before; a key may have lost `elapsed` ms of its time, and 1 %. */
export function assertSame(now: Contents, before: Contents, elapsed = 0): void {
  assert.deepEqual(now.values, before.values)
  assert.deepEqual(Object.keys(now.left), Object.keys(before.left), 'other keys expire than did')
  for (const [key, was] of Object.entries(before.left)) {
    const off = (now.left[key] ?? 0) - was
    assert.ok(
      off <= was / 100 + 20 && off >= -elapsed - was / 100 - 50,
      `${key} had ${was} ms left, and has ${now.left[key]}`,
    )
  }
}

async function valueOf(client: Redis, key: Buffer, type: string): Promise<unknown> {
  switch (type) {
    case 'string':
      return bytes(await client.getBuffer(key))
    case 'list':
      return bytes(await client.lrangeBuffer(key, 0, -1))
    case 'set':
      return (bytes(await client.smembersBuffer(key)) as string[]).toSorted()
    case 'zset':
      return bytes(await client.callBuffer('zrange', key, '0', '-1', 'withscores'))
    case 'hash':
      return Object.fromEntries(
        pairs(bytes(await client.callBuffer('hgetall', key))).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      )
    case 'stream':
      return withoutTimes(bytes(await client.callBuffer('xinfo', 'stream', key, 'full', 'count', '0')))
    default:
      return bytes(await client.dumpBuffer(key))
  }
}

/** A stream's facts without what a clock or the memory layout put there. */
function withoutTimes(info: unknown): unknown {
  const facts = Object.fromEntries(pairs(info))
  const groups = facts['groups'] as unknown[]
  return {
    ...facts,
    'radix-tree-keys': 0,
    'radix-tree-nodes': 0,
    groups: groups.map((group) => {
      const of = Object.fromEntries(pairs(group))
      const consumers = (of['consumers'] as unknown[]).map((consumer) => Object.fromEntries(pairs(consumer))['name'])
      const pending = (of['pending'] as unknown[][]).map(([id, consumer, , deliveries]) => [id, consumer, deliveries])
      return { ...of, pending, consumers: (consumers as string[]).toSorted() }
    }),
  }
}

/** RESP3 maps come as objects or flat lists, by the client's version. */
function pairs(reply: unknown): [string, unknown][] {
  if (!Array.isArray(reply)) return Object.entries(reply as object)
  return Array.from({ length: reply.length / 2 }, (_, index) => [String(reply[index * 2]), reply[index * 2 + 1]])
}

function bytes(reply: unknown): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString('latin1')
  if (Array.isArray(reply)) return reply.map(bytes)
  if (reply instanceof Map)
    return Object.fromEntries([...reply].map(([key, value]) => [String(bytes(key)), bytes(value)]))
  if (typeof reply === 'object' && reply !== null) {
    return Object.fromEntries(Object.entries(reply).map(([key, value]) => [key, bytes(value)]))
  }
  return reply
}
