import request from 'supertest'
import { redis } from 'venomqa/redis'
import { defineWorld } from 'venomqa/vitest'
import { inject } from 'vitest'

const { url, redis: server, prefix } = inject('redisShop')

export const { journey, step, checkpoint, branch, test } = defineWorld({
  systems: { cache: redis(server, { prefix }) },
  api: () => request(url),
})

/** A key of the shop, as it is in the server. */
export function key(name: string): string {
  return prefix + name
}
