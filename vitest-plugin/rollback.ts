import { afterAll, afterEach, beforeAll, beforeEach, type TestAPI, type TestContext } from 'vitest'
import type { Systems, World, WorldMark } from '../src/world.ts'
import type { Lease, WorldContext } from '../src/lease.ts'
import { hideOwnFrames } from '../src/stack.ts'

type Task = TestContext['task']

// Taken at load, so that fake timers never stop a rollback.
const { setTimeout } = globalThis

/** Rolls back ordinary tests, by fixture or by hooks. */
export interface RolledBack<S extends Systems, A, C> {
  readonly test: TestAPI<WorldContext<S, A, C>>
  useRollback(): WorldContext<S, A, C>
}

/** What every `test` of ours stands on: Vitest's with the open world of the file as a fixture. */
export type TestWithWorld<S extends Systems, A, C> = TestAPI<{ venomqaWorld: World<S, A, C> }>

/** Makes `test` and `useRollback` of a world. `context` is what their users see of it. */
export function rolledBack<S extends Systems, A, C>(
  base: TestWithWorld<S, A, C>,
  lease: Lease<S, A, C>,
  context: WorldContext<S, A, C>,
  grace = 1000,
): RolledBack<S, A, C> {
  /** Where a test began that could not be rolled back. */
  let stuck: WorldMark | undefined
  const begin = async (world: World<S, A, C>, task: Task): Promise<WorldMark> => {
    try {
      lease.enter(task.fullTestName)
      if (world.tainted) await world.recover(stuck && world.holds(stuck) ? stuck : undefined)
      return await world.checkpoint(task.fullTestName)
    } catch (error) {
      lease.leave(task.fullTestName)
      throw hideOwnFrames(error)
    }
  }
  const end = async (world: World<S, A, C>, task: Task, mark: WorldMark): Promise<void> => {
    try {
      // Vitest gives up on a test that timed out but cannot stop it: its last writes shall come before they are undone.
      if (hasTimedOut(task)) await new Promise((resolve) => setTimeout(resolve, grace))
      stuck = mark
      await world.rollback(mark)
      stuck = undefined
      await world.release(mark)
    } catch (error) {
      throw hideOwnFrames(error)
    } finally {
      lease.leave(task.fullTestName)
    }
  }

  const fixtures: Record<string, unknown> = {
    venomqaRollback: [
      async ({ venomqaWorld, task }: { venomqaWorld: World<S, A, C>; task: Task }, use: () => Promise<void>) => {
        const mark = await begin(venomqaWorld, task)
        // Where the configuration names the systems, nobody knew them when the fixtures were declared.
        for (const name of Object.keys(venomqaWorld.systems)) {
          if (!(name in fixtures)) Object.assign(task.context, { [name]: venomqaWorld.systems[name] })
        }
        try {
          await use()
        } finally {
          await end(venomqaWorld, task, mark)
        }
      },
      { auto: true },
    ],
  }
  for (const name in context) {
    fixtures[name] = async (
      { venomqaWorld: _world }: { venomqaWorld: unknown },
      use: (value: unknown) => Promise<void>,
    ) => use(context[name as keyof typeof context])
  }
  const test = base.extend(fixtures as Record<string, never>) as unknown as TestAPI<WorldContext<S, A, C>>

  const useRollback = (): WorldContext<S, A, C> => {
    let mark: WorldMark | undefined
    beforeAll(async () => void (await lease.take()))
    beforeEach(async ({ task }) => {
      mark = await begin(lease.world, task)
    })
    afterEach(async ({ task }) => {
      if (mark) await end(lease.world, task, mark)
      mark = undefined
    })
    afterAll(() => lease.giveBack())
    return context
  }
  return { test, useRollback }
}

function hasTimedOut(task: Task): boolean {
  return task.result?.errors?.some(({ message }) => /^Test timed out in \d+ms/.test(message)) ?? false
}
