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
})
