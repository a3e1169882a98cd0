import request from 'supertest'
import { redis } from 'venomqa/redis'
import { defineWorld } from 'venomqa/vitest'
import { inject } from 'vitest'

const { url, database } = inject('shop')

export const { journey, step, checkpoint, branch, test } = defineWorld({
  systems: { cache: redis(database) },
  api: () => request(url),
})
