import request from 'supertest'
import { sqlite } from 'venomqa/sqlite'
import { defineWorld } from 'venomqa/vitest'
import { inject } from 'vitest'

const { url, database } = inject('shop')

export const { journey, step, checkpoint, branch, test } = defineWorld({
  systems: { db: sqlite(database) },
  api: () => request(url),
})
