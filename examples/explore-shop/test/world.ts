import { sqlite } from 'venomqa/sqlite'
import { defineWorld } from 'venomqa/vitest'
import { inject } from 'vitest'

const { url, database } = inject('shop')

export const { explore, action, invariant, from, journey, step, checkpoint, branch } = defineWorld({
  systems: { db: sqlite(database) },
  api: () => ({ post: (path: string) => fetch(url + path, { method: 'POST' }) }),
  context: () => ({ orders: [] as number[] }),
})
