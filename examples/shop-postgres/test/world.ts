import request from 'supertest'
import { postgres } from 'venomqa/postgres'
import { defineWorld } from 'venomqa/vitest'
import { inject } from 'vitest'

const { url, database } = inject('postgresShop')

export const { journey, step, checkpoint, branch, test, explore, action, invariant, from } = defineWorld({
  systems: { db: postgres(database) },
  api: () => request(url),
  context: () => ({ orders: [] as string[] }),
})
