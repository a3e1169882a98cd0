// What takes a server of its own: to kill it, to have users on it.
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { ElasticsearchSystem } from '../../../src/systems/elasticsearch/index.ts'
import { describeServer } from '../../servers/server.ts'
import { assertSame, contentsOf } from './contents.ts'
import { kill, runner } from './killed.ts'
import { OwnServer, programOf } from './own-server.ts'
import { Place } from './place.ts'

describeServer('elasticsearch', (like) => {
  describe('a server of its own', { timeout: 120_000 }, () => {
    let server: OwnServer | undefined
    beforeAll(async () => {
      if (await programOf(like)) server = await OwnServer.start(like)
    }, 120_000)
    afterAll(() => server?.[Symbol.asyncDispose]())
    const own = (skip: (why: string) => never): OwnServer => server ?? skip('the server runs elsewhere')

    test('a user with few rights is told the role that is enough, and with it all comes back', async ({ skip }) => {
      await using place = await Place.stocked(own(skip).url())
      const user = (name: string, roles: string[]): Promise<unknown> =>
        place.wire.ask('PUT', `/_security/user/${name}`, { password: name + name, roles })
      const few = { indices: [{ names: [`${place.name}-*`], privileges: ['read', 'write'] }] }
      await place.wire.ask('PUT', '/_security/role/few', few)
      await user('few', ['few'])
      const refused = await place.as(own(skip).url('few')).catch((error: unknown) => error)
      const { code, message } = refused as { code: string; message: string }
      assert.equal(code, 'MISSING_GRANT')
      assert.match(message, /the user "few" .+monitor on the cluster.*manage on shop_test/)
      const role = /PUT _security\/role\/venomqa (.+)/.exec(message)?.[1] ?? ''
      await place.wire.ask('PUT', '/_security/role/enough', role)
      await user('enough', ['enough'])

      const system = await place.as(own(skip).url('enough'))
      const before = await contentsOf(place.wire, place.name)
      const mark = await system.checkpoint('mark')
      await place.put('stock', 'lamp', { left: 1 })
      await place.put('orders', '1', { of: 'lamp' })
      await place.wire.ask('PUT', `/${place.of('stock')}/_mapping`, { properties: { later: { type: 'long' } } })
      await place.wire.ask('PUT', `/_ingest/pipeline/${place.name}-stamp`, { processors: [] })
      await place.wire.ask('PUT', `/_scripts/${place.name}-s`, { script: { lang: 'painless', source: 'return 1' } })
      const template = { index_patterns: [`${place.name}-new-*`], template: { settings: { number_of_replicas: 0 } } }
      await place.wire.ask('PUT', `/_index_template/${place.name}-t`, template)
      await place.wire.ask('PUT', `/_ilm/policy/${place.name}-p`, { policy: { phases: {} } })
      await system.rollback(mark)
      assertSame(await contentsOf(place.wire, place.name), before)
      await system.close?.()
    })

    test('a cluster that does not say so is for tests when it is marked, or vouched for', async ({ skip }) => {
      await using place = new Place(own(skip).url())
      const open = (options: object = {}): Promise<unknown> => place.open({ indices: ['orders'], ...options })
      const refused = {
        code: 'NOT_A_TEST_DATABASE',
        message: /nothing proves that "shop"[^]*cluster\.metadata\.venomqa/,
      }
      await assert.rejects(open(), refused)
      await assert.rejects(open({ allowDatabase: 'orders' }), refused)
      await open({ allowDatabase: 'shop', indices: ['orders', 'stock_test'] })
      const mark = (value: string | null): Promise<unknown> =>
        place.wire.ask('PUT', '/_cluster/settings', { persistent: { 'cluster.metadata.venomqa': value } })
      await mark('production')
      await assert.rejects(open({ indices: ['customers'] }), refused)
      await mark('test')
      await open({ indices: ['customers'] })
      await mark(null)
    })

    test('a server without a folder for snapshots is told which setting gives it one', async ({ skip }) => {
      await using place = await Place.stocked(own(skip).url())
      await assert.rejects(async () => place.open({ way: 'snapshot' }), {
        code: 'UNSUPPORTED',
        message: /path\.repo[^]*start the server anew; or use way: 'copies'/,
      })
      // Nothing was taken.
      await place.open()
    })

    test('a wrong password is said so, and not shown', async ({ skip }) => {
      await using place = new Place(own(skip).url())
      const url = own(skip).url().replace(/:root/, ':secret')
      await assert.rejects(place.as(url), (error: Error & { code: string }) => {
        assert.equal(error.code, 'CONNECTION_REFUSED')
        assert.doesNotMatch(error.message, /secret/)
        return true
      })
    })

    test('a server that was killed has no marks any more, and a run that died with it is named', async ({ skip }) => {
      const at = own(skip)
      await using place = await Place.stocked(at.url())
      const system = await place.open()
      const mark = await system.checkpoint('mark')
      await place.put('stock', 'lamp', { left: 1 })
      const other = await Place.stocked(at.url())
      const child = await runner(other)
      await at.restart()
      await assert.rejects(async () => system.rollback(mark), { code: 'MARK_LOST', message: /was started anew/ })
      await kill(child)
      await assert.rejects(async () => other.open(), {
        code: 'CRASHED',
        message: /was started anew[^]*recover: 'keep'/,
      })
      await other.open({ recover: 'keep' })
      await other[Symbol.asyncDispose]()
    })

    test('a user with few rights is told the role that is enough for snapshots of data streams', async ({ skip }) => {
      // It has a folder for them since it was started anew.
      const at = own(skip)
      await using place = await Place.stocked(at.url())
      await place.stream()
      const open = (): Promise<ElasticsearchSystem<unknown>> =>
        place.open({ way: 'snapshot' }, '1', at.url('photographer'))
      const user = { password: 'photographerphotographer', roles: ['photographer'] }
      await place.wire.ask('PUT', '/_security/user/photographer', user)
      const refused = (await open().catch((error: unknown) => error)) as { code: string; message: string }
      assert.equal(refused.code, 'MISSING_GRANT')
      const role = /PUT _security\/role\/venomqa (.+)/.exec(refused.message)?.[1] ?? ''
      await place.wire.ask('PUT', '/_security/role/photographer', role)

      const system = await open()
      const before = await contentsOf(place.wire, place.name)
      const mark = await system.checkpoint('mark')
      await place.put('stock', 'lamp', { left: 1 })
      await place.event('sold', { price: 1.5 })
      await place.wire.ask('POST', `/${place.of('events')}/_rollover`)
      await system.rollback(mark)
      assertSame(await contentsOf(place.wire, place.name), before)
      await place.wire.ask('DELETE', `/_data_stream/${place.of('events')}`)
      await system.rollback(mark)
      assertSame(await contentsOf(place.wire, place.name), before)
      await system.close?.()
    })
  })
})
