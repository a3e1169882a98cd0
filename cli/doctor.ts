import type { Rollbackable, Worker } from '../src/rollbackable.ts'

/** One line of what was found out about a system. */
export interface Finding {
  readonly what: string
  readonly text: string
}

/** How often a mark and a rollback are timed. */
const RUNS = 20

/**
 * Opens a system as a world does, has it prove that its rollback works, times a mark and a rollback in which nothing
 * changed, and closes it. Throws what the system throws.
 */
export async function examine(system: Rollbackable): Promise<Finding[]> {
  const findings: Finding[] = []
  const find = (what: string, text: string): void => void findings.push({ what, text })
  const worker: Worker = {
    id: '1',
    runner: 'none',
    runId: `doctor${process.pid}`,
    notice: (message) => find('notice', message.split('\n')[0]!),
  }
  const opened = await timed(async () => system.open?.(worker))
  try {
    const detail = (await system.ping?.())?.detail
    if (detail !== undefined) find('server', detail)
    find('way', system.way ?? 'its own')
    find('brings back', broughtBack(system))
    find('open', opened)
    if (system.selfTest) find('self-test', `passed, ${await timed(async () => system.selfTest?.())}`)
    const [marks, rollbacks]: [number[], number[]] = [[], []]
    for (let run = 0; run < RUNS; run += 1) {
      const started = performance.now()
      const mark = await system.checkpoint('doctor')
      const marked = performance.now()
      await system.rollback(mark)
      rollbacks.push(performance.now() - marked)
      marks.push(marked - started)
      await system.release?.(mark)
    }
    find('checkpoint', `${median(marks)}, nothing changed, median of ${RUNS}`)
    find('rollback', `${median(rollbacks)}, nothing changed, median of ${RUNS}`)
  } finally {
    await system.close?.()
  }
  return findings
}

function broughtBack({ restores }: Rollbackable): string {
  const { generatedIds, schema, createdObjects, expiry } = restores ?? { data: true }
  const more = [
    generatedIds && 'generated ids',
    createdObjects && 'created objects are gone',
    schema && 'the schema',
    expiry && 'times to live',
  ]
  return ['data', ...more.filter(Boolean)].join(', ')
}

async function timed(work: () => Promise<unknown>): Promise<string> {
  const started = performance.now()
  await work()
  return milliseconds(performance.now() - started)
}

function median(times: readonly number[]): string {
  return milliseconds(times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!)
}

function milliseconds(time: number): string {
  return `${time < 10 ? time.toFixed(2) : time.toFixed(0)} ms`
}
