import assert from 'node:assert/strict'
import { test } from 'vitest'
import { placeName, placeOf, urlOfDatabase } from '../../../src/systems/redis/place.ts'

test('a URL says where the server is, who we are and which database', () => {
  assert.deepEqual(placeOf('redis://localhost'), { host: 'localhost', port: 6379, database: 0 })
  assert.deepEqual(placeOf('valkey://ada:p%40ss%2Fw%3Ard@[::1]:7000/3'), {
    host: '::1',
    port: 7000,
    database: 3,
    username: 'ada',
    password: 'p@ss/w:rd',
  })
  assert.deepEqual(placeOf('redis://:secret@db:1/?db=4'), {
    host: 'db',
    port: 1,
    database: 4,
    username: 'default',
    password: 'secret',
  })
  assert.deepEqual(placeOf('unix:///run/my%20redis.sock?db=2'), { path: '/run/my redis.sock', database: 2 })
})

test('rediss means TLS, with the name that the certificate must have', () => {
  assert.deepEqual(placeOf('rediss://cache.test:6380', { ca: 'ca' }).tls, { servername: 'cache.test', ca: 'ca' })
  assert.deepEqual(placeOf('valkeys://127.0.0.1').tls, {})
  assert.equal(placeOf('redis://cache.test').tls, undefined)
})

test('a URL that cannot be read is refused without showing the password in it', () => {
  const broken = ['redis://:pa/ss#word@localhost:6379', 'http://:password@x', 'password', 'redis://:password@h/x']
  for (const url of [...broken, 'redis://:100%password@h']) {
    assert.throws(
      () => placeOf(url),
      (error: Error & { code?: string }) =>
        error.code === 'BAD_ARGUMENT' && !/pa\/ss|password@/.test(error.message.split('\n')[0] ?? ''),
    )
  }
})

test('a place is named without its password', () => {
  assert.equal(placeName(placeOf('redis://ada:secret@h:1/2')), 'h:1, database 2')
  assert.equal(placeName(placeOf('unix:///s?db=2')), '/s, database 2')
})

test('the same server has other databases', () => {
  assert.equal(urlOfDatabase('redis://u:p%40@h:1/2', 5), 'redis://u:p%40@h:1/5')
  assert.equal(urlOfDatabase('redis://h', 5), 'redis://h/5')
  assert.equal(urlOfDatabase('redis://h?db=2', 5), 'redis://h?db=5')
  assert.equal(urlOfDatabase('unix:///s', 5), 'unix:///s?db=5')
})
