import request from 'supertest'
import { mysql } from 'venomqa/mysql'
import { defineWorld } from 'venomqa/vitest'
import { inject } from 'vitest'

const { url, database } = inject('mysqlShop')

export const { journey, step, checkpoint, branch, test } = defineWorld({
  systems: { db: mysql(database) },
  api: () => request(url),
})
