import { afterAll, beforeAll, describe, test } from 'vitest'
import { conformance } from '../../src/kit/index.ts'
import { describeServer } from '../servers/server.ts'
import { Shop } from './elasticsearch/subject.ts'

describeServer('elasticsearch', (url) => {
  let shop: Shop
  beforeAll(async () => {
    shop = await Shop.start(url)
  })
  afterAll(() => shop.stop())

  describe('pit', () => conformance(test, () => shop.subject(), { runs: 10 }))
})
