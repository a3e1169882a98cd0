import { actions, invariants } from './model.ts'
import { explore } from './world.ts'

explore(
  'money and goods are never lost',
  { actions, invariants },
  {
    seed: 1,
    budget: { time: '60s' },
    oracles: { rejectionMutates: 'error' },
    journey: { folder: 'test/found', world: '../world.ts', model: '../model.ts' },
  },
)
