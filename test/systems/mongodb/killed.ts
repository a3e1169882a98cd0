import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { MongodbOptions } from '../../../src/systems/mongodb/index.ts'

/** A process that opened a world, changed documents after its first mark, and waits to be killed. */
export async function runner(url: string, options: MongodbOptions = {}, ...more: string[]): Promise<ChildProcess> {
  const child = fork(new URL('runner.ts', import.meta.url), [
    url,
    JSON.stringify({ settle: 20_000, ...options }),
    ...more,
  ])
  await once(child, 'message')
  return child
}

export async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}
