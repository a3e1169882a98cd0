import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Place } from './place.ts'

/** A process that opened a world, changed documents after its first mark, and waits to be killed. */
export async function runner(place: Place, options: object = {}, ...more: string[]): Promise<ChildProcess> {
  const child = start(place, options, more)
  await once(child, 'message')
  return child
}

/** One that is killed right after the server answered a request, told by its method and path. */
export function runnerThatDies(place: Place, opens: string, request: string): ChildProcess {
  return start(place, {}, [opens, request])
}

function start({ url, name }: Place, options: object, more: readonly string[]): ChildProcess {
  return fork(new URL('runner.ts', import.meta.url), [url, name, JSON.stringify(options), ...more])
}

export async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}
