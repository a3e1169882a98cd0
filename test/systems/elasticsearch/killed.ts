import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Place } from './place.ts'

/** A process that opened a world, changed documents after its first mark, and waits to be killed. */
export async function runner({ url, name }: Place, options: object = {}, ...more: string[]): Promise<ChildProcess> {
  const child = fork(new URL('runner.ts', import.meta.url), [url, name, JSON.stringify(options), ...more])
  await once(child, 'message')
  return child
}

export async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}
