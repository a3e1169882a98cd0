import { memory, type MemorySystem } from './memory.ts'

/** Jobs in the order in which they came. */
export interface Queue<Job> {
  readonly jobs: readonly Job[]
  /** Puts a job at the end. */
  push(job: Job): void
  /** Takes the first job; undefined when there is none. */
  take(): Job | undefined
}

/**
 * A job queue in this process that is rolled back: what was pushed goes, what was taken comes back.
 *
 * Jobs are plain data, as for `memory()`. The handle is the queue itself; give it to the application in place of the
 * real one.
 */
export function queue<Job>(jobs: readonly Job[] = []): MemorySystem<Job[], Queue<Job>> {
  let all = [...jobs]
  const system = memory({
    get: () => all,
    set(value: Job[]) {
      all = value
    },
  })
  const handle: Queue<Job> = {
    get jobs() {
      return all
    },
    push: (job) => void all.push(job),
    take: () => all.shift(),
  }
  const reset = (): void => {
    all = []
  }
  return { ...system, way: 'queue: a copy of the jobs', handle, reset }
}
