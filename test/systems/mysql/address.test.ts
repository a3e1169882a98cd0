import { describe, expect, test } from 'vitest'
import { addressOf } from '../../../src/systems/mysql/address.ts'

const READ: Readonly<Record<string, object>> = {
  'mysql://root@127.0.0.1:33010/shop_test': { host: '127.0.0.1', port: 33010, user: 'root', database: 'shop_test' },
  'mariadb://root@localhost/shop_test': { host: 'localhost', port: 3306 },
  'mysql:///shop_test': { host: 'localhost', port: 3306 },
  'mysql://us%40er:p@ss@host/shop_test': { user: 'us@er', password: 'p@ss', host: 'host' },
  'mysql://u:p%2Fw%3F%23%25%3A@h/shop_test': { password: 'p/w?#%:' },
  'mysql://u:%F0%9F%90%8D@h/shop_test': { password: '🐍' },
  'mysql://root@[::1]:3307/shop_test': { host: '::1', port: 3307 },
  'mysql://root@localhost/shop%20%C3%BC_test': { database: 'shop ü_test' },
  'mysql://root@localhost/shop_test?socketPath=/run/mysqld/mysqld.sock': {
    socketPath: '/run/mysqld/mysqld.sock',
    database: 'shop_test',
  },
  'mysql://root@localhost/shop_test?ssl={"rejectUnauthorized":false}&connectTimeout=5&timezone=Z': {
    ssl: { rejectUnauthorized: false },
    connectTimeout: 5,
    timezone: 'Z',
  },
}

describe('reads', () => {
  for (const [url, options] of Object.entries(READ))
    test(url, () => expect(addressOf(url).options).toMatchObject(options))

  test('a socket instead of a host', () => {
    const { options, host } = addressOf('mysql://root@localhost/x_test?socket=/tmp/my.sock')
    expect(host).toBeUndefined()
    expect(options).not.toHaveProperty('host')
    expect(options).not.toHaveProperty('socket')
  })
})

describe('refuses', () => {
  for (const url of [
    'shop_test',
    'postgres://root@h/shop_test',
    'mysql://root@h',
    'mysql://root@h/',
    'mysql://u:100%@h/x',
    'mysql://u:a/b@h/x',
  ]) {
    test(url, () => {
      expect(() => addressOf(url)).toThrow(
        expect.objectContaining({ code: 'BAD_ARGUMENT', message: expect.stringMatching(/must look like this/) }),
      )
    })
  }

  test('without telling the password', () => {
    expect(() => addressOf('mysql://u:secret@h')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    )
    expect(addressOf('mysql://u:se@cret@h/x').shown).toBe('mysql://u:***@h/x')
  })
})
