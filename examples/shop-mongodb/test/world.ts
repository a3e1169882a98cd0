import request from 'supertest'
import { mongodb } from 'venomqa/mongodb'
import { defineWorld } from 'venomqa/vitest'
import { inject } from 'vitest'

const { url, database } = inject('mongodbShop')

export const { journey, step, checkpoint, branch, test } = defineWorld({
  systems: { db: mongodb(database) },
  api: () => request(url),
})
