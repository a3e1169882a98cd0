import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { encode, Parser, type Reply, ReplyError } from '../../../src/systems/redis/resp.ts'

function read(bytes: Buffer, pieces: readonly number[] = []): { replies: Reply[]; pushes: Reply[]; consumed: number } {
  const replies: Reply[] = []
  const pushes: Reply[] = []
  const parser = new Parser(
    (reply) => replies.push(reply),
    (push) => pushes.push(push),
  )
  let at = 0
  for (const piece of [...pieces, bytes.length]) {
    const end = Math.min(bytes.length, at + Math.max(1, piece))
    if (end > at) parser.feed(bytes.subarray(at, end))
    at = end
  }
  return { replies, pushes, consumed: parser.consumed }
}

test('every kind of reply is read', () => {
  const bytes = Buffer.from(
    '+OK\r\n:-12\r\n$3\r\na\r\n\r\n$-1\r\n*2\r\n$1\r\nx\r\n*0\r\n_\r\n#t\r\n,1.5\r\n(123456789012345678901\r\n' +
      '%1\r\n+k\r\n:1\r\n~1\r\n+m\r\n=5\r\ntxt:a\r\n*-1\r\n-NOPERM no\r\n!9\r\nERR wrong\r\n',
  )
  const { replies } = read(bytes)
  assert.deepEqual(replies.slice(0, -2).map(plain), [
    'OK',
    -12,
    'a\r\n',
    null,
    ['x', []],
    null,
    true,
    '1.5',
    '123456789012345678901',
    ['k', 1],
    ['m'],
    'a',
    null,
  ])
  const [denied, wrong] = replies.slice(-2)
  assert.ok(denied instanceof ReplyError && denied.kind === 'NOPERM')
  assert.ok(wrong instanceof ReplyError && wrong.message === 'ERR wrong')
})

test('replies are read whole from pieces of any size, pushes beside them', () => {
  const value = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(
      fc.array(fc.array(value, { maxLength: 5 }), { maxLength: 8 }),
      fc.array(fc.nat(80)),
      (lists, pieces) => {
        const push = Buffer.from('>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n')
        const bytes = Buffer.concat(lists.flatMap((list) => [encode([list]), push]))
        const { replies, pushes, consumed } = read(bytes, pieces)
        assert.deepEqual(
          replies.map(plain),
          lists.map((list) => list.map((part) => part.toString('latin1'))),
        )
        assert.deepEqual(
          pushes.map(plain),
          lists.map(() => ['invalidate', ['k']]),
        )
        assert.equal(consumed, bytes.length)
      },
    ),
  )
})

test('a command is bytes, a string one byte a character', () => {
  assert.equal(
    encode([['SET', 'k\xff', Buffer.from('é'), 12]]).toString('latin1'),
    '*4\r\n$3\r\nSET\r\n$2\r\nk\xff\r\n$2\r\n\xc3\xa9\r\n$2\r\n12\r\n',
  )
})

test('a command whose bytes were made before stands anywhere among others', () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 8 }).map((text) => Buffer.from(text).toString('latin1')),
    fc.integer(),
    fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
  )
  const command = fc.tuple(fc.array(part, { maxLength: 4 }), fc.boolean())
  fc.assert(
    fc.property(fc.array(command, { maxLength: 6 }), (commands) => {
      const mixed = commands.map(([parts, ready]) => (ready ? encode([parts]) : parts))
      assert.deepEqual(encode(mixed), encode(commands.map(([parts]) => parts)))
    }),
  )
})

test('words that look like the usual ones are read as they are', () => {
  const words = ['OK', 'O', 'OKAY', 'QUEUED', 'PONG', 'string', 'Q']
  assert.deepEqual(read(Buffer.from(words.map((word) => `+${word}\r\n`).join(''))).replies, words)
})

test('bytes that are no reply are refused', () => {
  assert.throws(() => read(Buffer.from('HTTP/1.1 400\r\n')), /not a Redis reply/)
})

function plain(reply: Reply): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString('latin1')
  return Array.isArray(reply) ? (reply as readonly Reply[]).map(plain) : reply
}
