import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConnectionConfig } from '../../../src/kit/index.ts'

const READ: Readonly<Record<string, object>> = {
  'acme://us%40er:p%2Fw%3F%23%25%3A@db.local:7000/shop_test': {
    scheme: 'acme',
    user: 'us@er',
    password: 'p/w?#%:',
    host: 'db.local',
    port: 7000,
    database: 'shop_test',
  },
  'acme://u:p@ss@h/shop%20%C3%BC_test': { password: 'p@ss', host: 'h', port: undefined, database: 'shop ü_test' },
  'acme://u@[::1]:3307/x': { host: '::1', port: 3307 },
  'acme:///x?socketPath=/run/acme.sock': { host: undefined, socketPath: '/run/acme.sock', database: 'x' },
  'acme:///x?host=/run/acme': { host: undefined, socketPath: '/run/acme', options: {} },
  'acme://%2Frun%2Facme/x': { host: undefined, socketPath: '/run/acme' },
  'acme://h/x?poolSize=3&queryTimeoutMs=0&ssl={"ca":"c"}&app=me&on=true': {
    poolSize: 3,
    queryTimeoutMs: 0,
    options: { ssl: { ca: 'c' }, app: 'me', on: true },
  },
  'file:/tmp/x.db': { database: '/tmp/x.db', host: undefined },
  'file:///tmp/a%20b.db': { database: '/tmp/a b.db' },
  'file:data/x.db': { database: 'data/x.db' },
  'sqlite://./data/x.db': { database: './data/x.db' },
  ':memory:': { scheme: 'file', database: ':memory:', poolSize: 1 },
  'file::memory:': { database: ':memory:', poolSize: 1 },
}

describe('reads', () => {
  for (const [url, expected] of Object.entries(READ)) {
    test(url, () => expect(ConnectionConfig.fromUrl(url)).toMatchObject(expected))
  }

  test('the environment, where single variables say more than the URL', () => {
    const env = { SHOP_URL: 'acme://h/x', SHOP_PASSWORD: 'secret', SHOP_POOL_SIZE: '2', SHOP_QUERY_TIMEOUT_MS: '100' }
    expect(ConnectionConfig.fromEnv('SHOP', env)).toMatchObject({
      host: 'h',
      password: 'secret',
      poolSize: 2,
      queryTimeoutMs: 100,
    })
    const parts = ConnectionConfig.fromEnv('SHOP', { SHOP_DATABASE: 'x', SHOP_SOCKET_PATH: '/s', SHOP_PORT: '1' })
    expect(parts).toMatchObject({ database: 'x', socketPath: '/s', port: 1 })
  })

  test('any settings back from the URL that it makes of them', () => {
    const text = fc.string({ minLength: 1, maxLength: 12 })
    const settings = fc.record({
      user: text,
      password: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
      database: text.filter((name) => !/^[/.]/.test(name)),
      host: fc.constantFrom('localhost', '::1', 'db.example'),
      port: fc.integer({ min: 1, max: 65_535 }),
      options: fc.dictionary(text, fc.constantFrom('me', 'a=b&c?d#e%', 'ü ö', '東京', true, 7)),
    })
    fc.assert(
      fc.property(settings, (given) => {
        fc.pre(Object.keys(given.options).every((name) => !/^(host|socket|unix|pool|__proto__)/.test(name)))
        const config = new ConnectionConfig({ scheme: 'acme', ...given })
        expect(ConnectionConfig.fromUrl(config.url())).toEqual(config)
      }),
    )
  })
})

describe('refuses', () => {
  test.each(['shop', 'acme://u:100%@h/x', 'acme://u:a/secret@h/x', 'acme://u:secret@h/x?poolSize=ten'])('%s', (url) => {
    expect(() => ConnectionConfig.fromUrl(url)).toThrow(
      expect.objectContaining({ code: 'BAD_ARGUMENT', message: expect.not.stringContaining('secret') }),
    )
  })

  test('numbers that make no sense', () => {
    expect(() => new ConnectionConfig({ poolSize: 0 })).toThrow(/poolSize is "0"/)
    expect(() => new ConnectionConfig({ queryTimeoutMs: 1.5 })).toThrow(/whole milliseconds/)
  })

  test('an environment that says nothing, by the names of its variables', () => {
    expect(() => ConnectionConfig.fromEnv('SHOP', {})).toThrow(/Neither SHOP_URL nor SHOP_DATABASE is set/)
  })
})

test('a clone differs where it is told to, and the first stays as it was', () => {
  const config = ConnectionConfig.fromUrl('acme://u:p@h:1/x?app=me')
  const other = config.clone({ database: 'x_w2', port: undefined })
  expect(other).toMatchObject({ host: 'h', port: undefined, database: 'x_w2', options: { app: 'me' } })
  expect(config).toMatchObject({ port: 1, database: 'x' })
})

test('the driver gets what is set', () => {
  expect(ConnectionConfig.fromUrl('acme://u:p@h/x?app=me').driverOptions()).toEqual({
    host: 'h',
    user: 'u',
    password: 'p',
    database: 'x',
    app: 'me',
  })
})

test('no way to print it tells a password or token', () => {
  const config = ConnectionConfig.fromUrl('acme://u:s3cret@h/x?authToken=s3cret&app=me&ssl={"key":"s3cret"}')
  for (const text of [config.redacted(), String(config), JSON.stringify({ config }), inspect({ config })]) {
    expect(text).not.toContain('s3cret')
    expect(text).toContain('acme://u:***@h/x?authToken=***&app=me&ssl=***')
  }
})

test('a socket with a login survives as a URL', () => {
  const config = new ConnectionConfig({
    scheme: 'mysql',
    socketPath: '/run/my.sock',
    user: 'ann',
    password: 'p@',
    database: 'x',
  })
  expect(ConnectionConfig.fromUrl(config.url())).toEqual(config)
  expect(() => ConnectionConfig.fromUrl(new ConnectionConfig({ user: 'ann', database: 'x' }).url())).not.toThrow()
})
