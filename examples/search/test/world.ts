import request from 'supertest'
import { elasticsearch } from 'venomqa/elasticsearch'
import { postgres } from 'venomqa/postgres'
import { defineWorld } from 'venomqa/vitest'
import { inject } from 'vitest'

const { url, database, server, index } = inject('catalogue')

export const { journey, step, checkpoint, branch, test } = defineWorld({
  systems: { db: postgres(database), search: elasticsearch(server, { indices: [index] }) },
  api: () => request(url),
})
