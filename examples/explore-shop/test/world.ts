import { postgres } from 'venomqa/postgres'
import { sqlite } from 'venomqa/sqlite'
import { defineWorld } from 'venomqa/vitest'
import { inject } from 'vitest'

const { url, database } = inject('shop')

export const { explore, action, invariant, from, journey, step, checkpoint, branch } = defineWorld({
  systems: { db: database.startsWith('postgres') ? postgres(database) : sqlite(database) },
  api: () => ({
    get: async (path: string) => (await fetch(url + path)).json(),
    post: (path: string) => fetch(url + path, { method: 'POST' }),
  }),
  context: () => ({ orders: [] as number[] }),
})
