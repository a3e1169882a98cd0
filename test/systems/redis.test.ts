import { afterAll, beforeAll, describe, test } from 'vitest'
import { conformance } from '../../src/kit/index.ts'
import { describeEach } from './redis/each.ts'
import { Shop } from './redis/subject.ts'

describeEach((url) => {
  let shops: readonly Shop[]
  let turn = 0
  beforeAll(async () => {
    shops = await Promise.all([7, 8].map((database) => Shop.start(`${url}/${database}`)))
  })
  afterAll(() => Promise.all(shops.map((shop) => shop.stop())))
  // Two runs side by side have a database each.
  const shop = (): Shop => shops[(turn += 1) % shops.length] as Shop

  describe('tracked', () => conformance(test, () => shop().whole(), { runs: 20 }))
  describe('tracked, with a prefix', () => conformance(test, () => shop().subject(), { runs: 20 }))
  describe('full', () => conformance(test, () => shop().whole({ way: 'full' }), { runs: 10 }))
})
