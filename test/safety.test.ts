import { describe, expect, test } from 'vitest'
import {
  isLoopback,
  isTestName,
  isTestPath,
  redacted,
  requireTestDatabase,
  type SafetyOptions,
  type Target,
} from '../src/safety.ts'

const shop: Target = { system: 'postgres', database: 'shop', host: 'localhost', proved: false }
const checked = (target: Partial<Target>, options: SafetyOptions = {}, env: Record<string, string> = {}) => {
  return () => requireTestDatabase({ ...shop, ...target }, options, env)
}

describe('a database is left alone', () => {
  test('unless something proves that it is for tests', () => {
    expect(checked({ mark: 'create table venomqa_test_database ()' })).toThrow(
      'postgres: nothing proves that "shop" is a test database, so it is not touched.\n' +
        'Every rollback rewrites it, and its name does not say test, spec, ci or e2e.\n' +
        "Use a database named so, mark this one once (create table venomqa_test_database ()), or vouch for it: postgres(…, { allowDatabase: 'shop' }).",
    )
    expect(checked({ database: 'shop_test' })).not.toThrow()
    expect(checked({ proved: true })).not.toThrow()
    expect(checked({}, { allowDatabase: 'shop' })).not.toThrow()
    expect(checked({ database: 'shop2' }, { allowDatabase: 'shop' })).toThrow('allowDatabase')
  })

  test('of a managed service, unless it is marked: its name is no proof', () => {
    const target = { host: 'shop.c1a2.eu-west-1.rds.amazonaws.com', database: 'shop_test', mark: 'comment on …' }
    const options = { allowHosts: [target.host] }
    expect(checked(target, options)).toThrow('which belongs to a managed service')
    expect(checked(target, options)).toThrow('mark this one once (comment on …)')
    expect(checked({ ...target, proved: true }, options)).not.toThrow()
    expect(checked(target, { ...options, allowDatabase: 'shop_test' })).not.toThrow()
    expect(checked({ ...target, proved: true })).toThrow('not this machine')
  })

  test('on a host that is not this machine, whatever its name', () => {
    const target = { host: 'db.example.com', database: 'shop_test', proved: true }
    expect(checked(target)).toThrow(
      'postgres: "shop_test" is on db.example.com, which is not this machine.\n' +
        'A database elsewhere may be shared with people, whatever its name is.\n' +
        "If it is yours alone, say so: postgres(…, { allowHosts: ['db.example.com'] }).",
    )
    expect(checked(target, { allowHosts: ['db.example.com'] })).not.toThrow()
    expect(checked(target, { allowHosts: ['example.com', '*', '.example.com'] })).toThrow('allowHosts')
    expect(checked({ ...target, database: 'shop', proved: false }, { allowHosts: ['db.example.com'] })).toThrow(
      'nothing proves',
    )
  })

  test('in a production environment, whatever else was said', () => {
    for (const variable of ['NODE_ENV', 'APP_ENV', 'RAILS_ENV', 'DEPLOY_ENV']) {
      for (const value of ['production', 'prod', 'Production']) {
        const options = { allowDatabase: 'shop_test', allowHosts: ['localhost'] }
        expect(checked({ database: 'shop_test', proved: true }, options, { [variable]: value })).toThrow(
          `postgres: ${variable} is "${value}", so "shop_test" is not touched.\n` +
            'A run of tests rewrites its databases, and this environment says that it is production.\n' +
            `Run the tests with ${variable}=test.`,
        )
      }
    }
    for (const value of ['test', 'development', 'producer', ''])
      expect(checked({ proved: true }, {}, { NODE_ENV: value })).not.toThrow()
  })

  test('by its code, so that the tools that call us can tell', () => {
    expect(checked({ mark: 'create table venomqa_test_database ()' })).toThrow(
      expect.objectContaining({ code: 'NOT_A_TEST_DATABASE', retryable: false }),
    )
  })

  test('in the environment of the process when none is given', () => {
    expect(() => requireTestDatabase({ ...shop, proved: true })).not.toThrow()
  })
})

test('a name says by itself that it belongs to tests', () => {
  for (const name of [
    'test',
    'shop_test',
    'test_shop',
    'shop-ci-3',
    'TEST',
    'shop.e2e',
    'testdb',
    'shop_tests',
    'specs',
    'vq_1f',
    'venomqa',
    'shop_test1',
  ]) {
    expect(isTestName(name), name).toBe(true)
  }
  for (const name of [
    'shop',
    'latest',
    'contest',
    'attestation',
    'city',
    'science',
    'special',
    'protest_2024',
    'testimonials',
    'greatest_hits',
    '',
  ]) {
    expect(isTestName(name), name).toBe(false)
  }
})

test('a path says so by the folder it is in as well', () => {
  for (const path of [
    '/tmp/shop.db',
    '/home/ada/shop/test/shop.db',
    'examples/shop/shop.db',
    '/dev/shm/x.db',
    '/srv/fixtures/a.db',
  ]) {
    expect(isTestPath(path), path).toBe(true)
  }
  for (const path of ['/var/lib/shop.db', '/home/ada/contest/shop.db', '/srv/templates/shop.db', 'shop.db']) {
    expect(isTestPath(path), path).toBe(false)
  }
})

test('this machine is known by its names', () => {
  for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '127.1.2.3', '::1', '[::1]'])
    expect(isLoopback(host), host).toBe(true)
  for (const host of ['localhost.example.com', '127.0.0.1.nip.io', '10.0.0.1', '::2', '1270.0.0.1', '']) {
    expect(isLoopback(host), host).toBe(false)
  }
})

describe('what is shown of a URL', () => {
  const cases: [url: string, shown: string][] = [
    ['postgres://ada:secret@localhost:5432/shop', 'postgres://ada:***@localhost:5432/shop'],
    ['redis://:secret@localhost:6379', 'redis://:***@localhost:6379'],
    ['mysql://ada:p:a@s@h/shop', 'mysql://ada:***@h/shop'],
    ['postgres://ada@localhost/shop', 'postgres://ada@localhost/shop'],
    ['http://localhost:9200', 'http://localhost:9200'],
    ['postgres://h/shop?user=ada&password=secret&sslmode=off', 'postgres://h/shop?user=ada&password=***&sslmode=off'],
    ['mongodb://h/?authToken=abc#x', 'mongodb://h/?authToken=***#x'],
    ['redis://secret-without-colon@h', 'redis://secret-without-colon@h'],
    ['mongodb://ada:secret@one:1,two:2/shop', 'mongodb://ada:***@one:1,two:2/shop'],
    ['postgres://ada:sec/ret@h/shop', 'postgres://ada:***@h/shop'],
  ]
  for (const [url, shown] of cases) test(shown, () => expect(redacted(url)).toBe(shown))
})
