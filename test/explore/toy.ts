import type { ExploreOptions, ExploreReport, Model } from '../../src/explore/index.ts'
import type { View } from '../../src/explore/model.ts'
import { World } from '../../src/index.ts'
import type { Rollbackable } from '../../src/rollbackable.ts'
import { memory } from '../../src/systems/memory/index.ts'

/** What the actions of a toy see. */
export type Toy = View<{ db: ReturnType<typeof memory<string, unknown>> }, undefined, { orders: string[] }>

/** Explores a model over one Map that is rolled back. `system` replaces it by something less well-behaved. */
export async function exploreToy(
  model: Model<Toy>,
  options: ExploreOptions = {},
  db: Map<string, unknown> = new Map(),
  system?: Rollbackable,
): Promise<ExploreReport> {
  const toy = memory(db)
  const systems = { db: system ? { ...toy, ...system, handle: db } : toy }
  await using world = await World.open({
    systems,
    context: () => ({ orders: [] as string[] }),
    worker: { notice: () => undefined },
  })
  return await world.explore(model as never, { seed: 1, ...options })
}

/** How often something was done, in the Map. */
export function count(db: Map<string, unknown>, key: string): number {
  return Number(db.get(key) ?? 0)
}

/** Counts up, to `most` at most. */
export function counter(key: string, most: number) {
  return {
    when: ({ db }: Toy) => count(db, key) < most,
    run: ({ db }: Toy) => void db.set(key, count(db, key) + 1),
  }
}
