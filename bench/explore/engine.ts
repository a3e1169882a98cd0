import { type Action, explore } from '../../src/explore/index.ts'
import { World } from '../../src/index.ts'
import { memory } from '../../src/systems/memory/index.ts'

/**
 * What the engine itself takes a step, in ms: all but what it waits for the world and the model. In time of this thread
 * on the processor, so that other processes do not count; the share of the engine is that of the time that passed.
 */
export async function engine(states: number) {
  const map = new Map(['a', 'b', 'c', 'd', 'e'].map((dial) => [dial, 0]))
  await using world = await World.open({ systems: { db: memory(map) } })
  let outside = 0
  const timed = async <T>(work: () => Promise<T>): Promise<T> => {
    const begun = performance.now()
    try {
      return await work()
    } finally {
      outside += performance.now() - begun
    }
  }
  const watched = {
    systems: world.systems,
    api: undefined,
    ctx: world.ctx,
    tainted: undefined,
    checkpoint: (name: string) => timed(() => world.checkpoint(name)),
    rollback: (mark: { name: string }) => timed(() => world.rollback(mark)),
    release: (mark: { name: string }) => timed(() => world.release(mark)),
    changes: (mark: { name: string }) => timed(() => world.changes(mark)),
    observe: () => timed(() => world.observe()),
    holds: (mark: { name: string }) => world.holds(mark),
    run: (name: string, work: () => unknown, timeout: number) => timed(() => world.run(name, work, timeout)),
  } as unknown as typeof world
  const turn = (dial: string): Action<object> => ({ run: () => void map.set(dial, (map.get(dial)! + 1) % 9) })
  const actions = Object.fromEntries([...map.keys()].map((dial) => [dial, turn(dial)]))
  const options = { strategy: 'bfs', audit: 0, seed: 1, budget: { states, time: '10m' } } as const
  const before = process.threadCpuUsage()
  const { cost, coverage } = await explore(watched, { actions }, options)
  const { user, system } = process.threadCpuUsage(before)
  const share = (cost.ms - outside) / cost.ms
  return { ms: ((user + system) / 1000 / cost.steps) * share, reached: coverage.states }
}
