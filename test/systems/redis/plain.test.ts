import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { test } from 'vitest'
import type { Image } from '../../../src/systems/redis/image.ts'
import { plainText } from '../../../src/systems/redis/plain.ts'
import { describeEach } from './each.ts'

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
/** What the server packs: parts that come again, near and far, in runs of any length. */
const packed = fc
  .array(fc.tuple(fc.constantFrom('a', 'ab', '{"id":', 'venomqa ', '\x00', 'xyz'.repeat(30)), fc.nat(300)), {
    maxLength: 12,
  })
  .map((parts) => Buffer.from(parts.map(([part, times]) => part.repeat(times)).join(''), 'latin1'))
const number = fc.oneof(fc.integer(), fc.integer({ min: -40_000, max: 40_000 }), fc.maxSafeInteger()).map(String)
const value = fc.oneof(bytes, packed, number.map(Buffer.from), fc.constantFrom('', '007', '-0', '+1').map(Buffer.from))

describeEach((url) => {
  test('the text of a string is what the server would restore', async () => {
    const client = new Redis(`${url}/11`)
    let read = 0
    await fc.assert(
      fc.asyncProperty(value, async (content) => {
        await client.set('key', content)
        const image: Image = { payload: (await client.dumpBuffer('key')) ?? Buffer.alloc(0), deadline: null }
        const text = plainText(image)
        if (text === undefined) return
        read += 1
        assert.equal(text, content.toString('latin1'))
        await client.set('key', Buffer.from(text, 'latin1'))
        assert.ok((await client.dumpBuffer('key'))?.equals(image.payload))
      }),
      { numRuns: 500 },
    )
    assert.ok(read > 400, `${read} of 500 were read`)
    await client.del('key')
    client.disconnect()
  })

  test('what is no plain string, or expires, is left to the server', async () => {
    const client = new Redis(`${url}/11`)
    await client.rpush('list', 'a')
    await client.set('long', 'ab'.repeat(50_000))
    for (const key of ['list', 'long']) {
      const payload = (await client.dumpBuffer(key)) ?? Buffer.alloc(0)
      assert.equal(plainText({ payload, deadline: null }), undefined)
    }
    await client.set('short', 'a')
    const payload = (await client.dumpBuffer('short')) ?? Buffer.alloc(0)
    assert.equal(plainText({ payload, deadline: 5000 }), undefined)
    assert.equal(plainText({ payload, deadline: null }), 'a')
    await client.del('list', 'long', 'short')
    client.disconnect()
  })
})
