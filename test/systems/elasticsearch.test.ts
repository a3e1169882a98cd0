import { Client } from '@opensearch-project/opensearch'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { conformance, type Subject } from '../../src/kit/index.ts'
import { describeServer } from '../servers/server.ts'
import { Shop } from './elasticsearch/subject.ts'

describeServer('elasticsearch', (url) => {
  let shop: Shop
  beforeAll(async () => {
    shop = await Shop.start(url)
  })
  afterAll(() => shop.stop())

  describe('pit', () => conformance(test, () => shop.subject(), { runs: 10 }))
  describe('copies', () => conformance(test, () => shop.subject({ way: 'copies' }), { runs: 1 }))
  // Each mark takes a snapshot: a minute that snapshot.test.ts makes dispensable in ordinary runs.
  if (process.env['VENOMQA_FUZZ_RUNS']) {
    const subject = (): Promise<Subject> => shop.subject({ way: 'snapshot' })
    describe('snapshot', { timeout: 120_000 }, () => conformance(test, subject, { runs: 1 }))
  }
})

// Not among those that npm test starts: `npm run services -- up opensearch` prints where it is.
if (process.env['VENOMQA_TEST_OPENSEARCH_URL']) {
  describeServer('opensearch', (url) => {
    let shop: Shop
    beforeAll(async () => {
      shop = await Shop.start(url)
    })
    afterAll(() => shop.stop())

    const client: unknown = new Client({ node: url })
    describe('pit', () => conformance(test, () => shop.subject({ client }), { runs: 10 }))
  })
}
