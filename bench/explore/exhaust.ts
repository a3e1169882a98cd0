import type { ExploreOptions, ExploreReport } from '../../src/explore/index.ts'
import { World } from '../../src/index.ts'
import { type ActionName, EMPTY, shopModel, type State } from '../../test/explore/shop.ts'
import type { Place } from './places.ts'

/** Explores the shop of a place on our rollback. What is possible is known from the answer before. */
export async function exhaust(place: Place, options: ExploreOptions): Promise<ExploreReport> {
  const worker = { notice: () => undefined }
  await using world = await World.open({ systems: { db: place.system }, context: () => ({ shop: EMPTY }), worker })
  const model = shopModel({
    state: async () => world.ctx.shop,
    async do(action) {
      const { status, state } = await place.call(action)
      world.ctx.shop = state
      return { status }
    },
  })
  return await world.explore(model, { audit: 0, seed: 1, budget: { time: '10m' }, ...options })
}

/** How far somebody came who starts over. */
export interface StartedOver {
  readonly ms: number
  readonly states: number
  readonly transitions: number
  readonly calls: number
}

/**
 * The same without rollback, as well as it can be done: each call that is possible starts over and walks the path to its
 * state again; what is possible is known from the answer before, and costs nothing.
 */
export async function startOver(place: Place, { maxDepth = Infinity, time = Infinity }): Promise<StartedOver> {
  let now = EMPTY
  let calls = 0
  let transitions = 0
  const { actions } = shopModel({
    state: async () => now,
    async do(action) {
      calls += 1
      const { status, state } = await place.call(action)
      now = state
      return { status }
    },
  })
  const begun = performance.now()
  const isOver = (): boolean => performance.now() - begun > time
  await place.startOver()
  const seen = new Set([await place.content()])
  const queue: { path: readonly ActionName[]; state: State }[] = [{ path: [], state: EMPTY }]
  for (const { path, state } of queue) {
    if (path.length === maxDepth || isOver()) break
    for (const [name, action] of Object.entries(actions)) {
      now = state
      if (!(await action.when?.({}, {}))) continue
      await place.startOver()
      for (const step of path) await actions[step]!.run({}, {})
      await action.run({}, {})
      transitions += 1
      const content = await place.content()
      if (!seen.has(content)) queue.push({ path: [...path, name as ActionName], state: now })
      seen.add(content)
    }
  }
  return { ms: performance.now() - begun, states: queue.length, transitions, calls }
}
