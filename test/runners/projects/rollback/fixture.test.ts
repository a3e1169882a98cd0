import { afterEach, expect } from 'vitest'
import { store, test, trace } from './world'

let tries = 0
const keys = (): string => [...store.keys()].join(' ')
afterEach(() => trace(`afterEach finds ${keys()}`))

test('writes', ({ db, ctx }) => {
  db.set('one', '1')
  ctx.log.push('one')
})
test('finds nothing', ({ ctx }) => {
  trace(`fixture finds ${keys()}${ctx.log.join(' ')}`)
})
test('is rolled back without naming a fixture', () => void store.set('unnamed', '1'))
test('and finds nothing either', () => trace(`fixture finds ${keys()}`))
test.each([1, 2])('each %d', (n) => {
  trace(`each ${n} finds ${keys()}`)
  store.set(`each ${n}`, '1')
})
test.for([1, 2])('for %d', (n, { db }) => {
  trace(`for ${n} finds ${keys()}`)
  db.set(`for ${n}`, '1')
})
test('is tried again on a clean state', { retry: 1 }, ({ db }) => {
  trace(`try finds ${keys()}`)
  db.set('tried', '1')
  expect(++tries).toBe(2)
})
test('times out', { timeout: 40 }, async ({ db }) => {
  await new Promise((resolve) => setTimeout(resolve, 80))
  db.set('late', '1')
})
test('does not meet what came late', () => trace(`fixture finds ${keys()}`))

const extended = test.extend<{ user: string }>({
  user: async ({ db }, use) => {
    db.set('user', 'ada')
    await use('ada')
    trace(`teardown finds ${keys()}`)
  },
})
extended('extended', ({ user, db }) => {
  trace(`extended finds ${keys()}`)
  db.set(`of ${user}`, '1')
})
extended('extended again', ({ user }) => trace(`extended for ${user} finds ${keys()}`))
