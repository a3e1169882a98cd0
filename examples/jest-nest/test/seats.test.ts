import { action, explore } from './world.ts'

explore(
  'no seat is sold twice, whatever two guests do',
  {
    actions: {
      announce: action({ maxPerPath: 1, run: ({ api }) => api.post('/shows').send({ title: 'Hamlet', seats: 1 }) }),
      'ada takes it': action({ run: ({ api }) => api.post('/shows/1/tickets').send({ holder: 'ada' }) }),
      'bob takes it': action({ run: ({ api }) => api.post('/shows/1/tickets').send({ holder: 'bob' }) }),
      pay: action({ run: ({ api }) => api.post('/tickets/1/pay') }),
      'give back': action({ run: ({ api }) => api.post('/tickets/1/return') }),
    },
    invariants: {
      'a seat for each ticket': async ({ db }) => {
        const { rows } = await db.query("select * from tickets where status <> 'returned'")
        return rows.length <= 1
      },
    },
  },
  { maxDepth: 4, seed: 1 },
)
