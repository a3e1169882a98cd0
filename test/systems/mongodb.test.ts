import { afterAll, beforeAll, describe, test } from 'vitest'
import { conformance } from '../../src/kit/index.ts'
import { describeServer } from '../servers/server.ts'
import { Shop } from './mongodb/subject.ts'

describeServer('mongodb', (url) => {
  let shop: Shop
  beforeAll(async () => {
    shop = await Shop.start(url)
  })
  afterAll(() => shop.stop())

  describe('past', () => conformance(test, () => shop.subject(), { runs: 20 }))
  describe('stream', () => conformance(test, () => shop.subject({ way: 'stream' }), { runs: 3 }))
})

describeServer('mongodb-standalone', (url) => {
  let shop: Shop
  beforeAll(async () => {
    shop = await Shop.start(`${url}?retryWrites=false`)
  })
  afterAll(() => shop.stop())

  describe('copy', () => conformance(test, () => shop.withoutTransactions({ way: 'copy' }), { runs: 5 }))
})
