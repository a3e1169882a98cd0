import request from 'supertest'
import { postgres } from 'venomqa/postgres'
import { defineWorld } from 'venomqa/vitest'
import { inject } from 'vitest'

const { url, database } = inject('library')

export const { journey, step, checkpoint, branch, test } = defineWorld({
  systems: { db: postgres(database) },
  api: () => request(url),
})
