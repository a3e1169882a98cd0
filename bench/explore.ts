// Exploration: everything within a depth against starting over, planted bugs against fast-check, the engine's own cost.
import { join } from 'node:path'
import type { ExploreReport, StrategyOption } from '../src/explore/index.ts'
import type { Bench } from './bench.ts'
import { check, checkWithRollback, SETTINGS } from './explore/commands.ts'
import { engine } from './explore/engine.ts'
import { exhaust, startOver } from './explore/exhaust.ts'
import { BUGS, checked, explored, LOCKS, type Search, type Subject } from './explore/find.ts'
import { inMap, onFile, onPool, overHttp, type Place } from './explore/places.ts'
import { geometricMean, inTurn, median, p90 } from './explore/statistics.ts'
import type { Row } from './row.ts'

/** How many states the shop has within so many steps, as two other writings of it found. */
const STATES: Readonly<Record<number, number>> = { 5: 58, 6: 130, 7: 276, 8: 546, 10: 1644 }

/** Where all is to be seen, the order may go by what is near. */
const NEAR: StrategyOption = { kind: 'hybrid', slack: Infinity }

/** Measures P10, P11, P12 and what stands beside them. */
export async function run(bench: Bench): Promise<void> {
  const server = bench.service('postgres18')
  await everything(bench, server)
  await withinTime(bench, server)
  await find(bench)
  await findOverHttp(bench, server)
  await sameCounterexamples(bench, server)
  await everyStrategy(bench, server)
  await engineAlone(bench)
}

/** E3 and E4: all that can happen within a depth. */
async function everything({ quick, row, scratch }: Bench, server: string): Promise<void> {
  const near = quick ? 6 : 8
  const far = quick ? 6 : 10
  type Open = () => Promise<Place>
  const ours = (open: Open, maxDepth: number) => on(open, (place) => exhaust(place, { strategy: NEAR, maxDepth }))
  const compare = async (
    work: string,
    maxDepth: number,
    { cost, coverage }: ExploreReport,
    opens: Readonly<Record<string, Open>>,
    promise: Pick<Row, 'id' | 'goal'> = {},
  ) => {
    const peers: Record<string, number> = {}
    let correct = coverage.states === STATES[maxDepth]
    for (const [name, open] of Object.entries(opens)) {
      const { ms, states, calls } = await on(open, (place) => startOver(place, { maxDepth }))
      peers[`${name}: ${calls} calls`] = ms
      correct &&= states === STATES[maxDepth]
    }
    const name = `rollback: ${cost.actions} calls for ${coverage.transitions} transitions, ${cost.rollbacks} rollbacks, ${cost.checkpoints} checkpoints, ${cost.observations} looks`
    row({
      ...promise,
      work: `${work}, everything within ${maxDepth} steps`,
      ours: { name, ms: cost.ms },
      peers,
      correct,
    })
  }

  const http = await ours(() => overHttp(server), far)
  const replays = { 'start over (delete, insert), replay': () => overHttp(server) }
  const promise = { id: 'P10', goal: { atLeast: 5 } }
  await compare('PostgreSQL, an application over HTTP', far, http, replays, promise)
  await compare('the same, and an application changed to run in one transaction', far, http, {
    'roll it back, replay': () => overHttp(server, { alone: true }),
  })
  await compare('PostgreSQL, a pool in this process', near, await ours(() => onPool(server), near), {
    'roll one transaction back, replay': () => onPool(server, { alone: true }),
    'start over (delete, insert), replay': () => onPool(server),
  })
  // A file in this process writes in microseconds: to walk a path again there costs less than to look at the state.
  const file = (): Promise<Place> => onFile(join(scratch(), 'test.db'))
  await compare('a SQLite file in this process', near, await ours(file, near), { 'start over, replay': file })

  const { cost, coverage } = await on(
    () => overHttp(server),
    (place) => exhaust(place, { strategy: 'bfs', maxDepth: near }),
  )
  row({
    id: 'E4',
    work: `PostgreSQL over HTTP, bfs within ${near} steps: calls for each transition`,
    ours: { name: `${cost.actions} calls for ${coverage.transitions} transitions`, ms: cost.ms },
    peers: {},
    figure: { value: cost.actions / coverage.transitions, unit: ' calls' },
    goal: { atMost: 1.31 },
    correct: coverage.states === STATES[near],
  })
}

/** E5: how much of the behaviour is seen in the same time, and how much it could be if nothing but calls took time. */
async function withinTime({ quick, row }: Bench, server: string): Promise<void> {
  const time = quick ? 3000 : 15_000
  let calls = 0
  let inCalls = 0
  const timed = (place: Place): Place => ({
    ...place,
    async call(action) {
      const begun = performance.now()
      const answer = await place.call(action)
      inCalls += performance.now() - begun
      calls += 1
      return answer
    },
  })
  // A part of our time is for auditing and shrinking.
  const { coverage } = await on(
    () => overHttp(server),
    (place) => exhaust(timed(place), { strategy: NEAR, budget: { time: time / 0.8 } }),
  )
  const seen = coverage.transitions
  const most = Math.floor(time / (inCalls / calls))
  const over = await on(
    () => overHttp(server),
    (place) => startOver(place, { time }),
  )
  const peers: Record<string, number> = { 'start over, breadth first': over.transitions }
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const { transitions } = await on(
      () => overHttp(server),
      (place) => check(place, { ...setting, seed: 1, time }),
    )
    peers[`fast-check ${name}`] = transitions
  }
  const best = Math.max(...Object.values(peers))
  const bound = (most / best).toPrecision(2)
  row({
    id: 'E5',
    work: `PostgreSQL over HTTP, transitions seen in ${time / 1000} s; ${bound}× is the most that a call for each allows`,
    ours: { name: `hybrid: ${seen} of ${most} at most`, ms: time },
    peers: Object.fromEntries(Object.entries(peers).map(([name, transitions]) => [`${name}: ${transitions}`, time])),
    figure: { value: seen / best, unit: '× as many' },
    goal: { atLeast: 3 },
    correct: true,
  })
}

/** E1 and E2: planted bugs, in memory, where only the calls count. */
async function find({ quick, row }: Bench): Promise<void> {
  const seeds = seedsUpTo(quick ? 9 : 31)
  const firstHits: number[] = []
  const compare = async (subject: Subject, names: readonly string[], time: number): Promise<number> => {
    const ours = await inTurn(seeds, (seed) => explored(subject, seed))
    const peers: Record<string, Search[]> = {}
    for (const name of names) {
      peers[`fast-check ${name}`] = await inTurn(seeds, (seed) => checked(subject, seed, { ...SETTINGS[name], time }))
    }
    const best = (of: (search: Search) => number): number =>
      Math.min(...Object.values(peers).map((all) => median(all.map(of))))
    const times = best(({ calls }) => calls) / median(ours.map(({ calls }) => calls))
    firstHits.push(best(hitOrAll) / median(ours.map(hitOrAll)))
    row({
      work: `find and shorten ${subject.name}`,
      ours: { name: `auto: ${told(ours, subject)}`, ms: median(ours.map(({ ms }) => ms)) },
      peers: Object.fromEntries(
        Object.entries(peers).map(([name, all]) => [`${name}: ${told(all, subject)}`, median(all.map(({ ms }) => ms))]),
      ),
      figure: { value: times, unit: '× fewer calls' },
      correct: ours.every(({ length }) => length >= subject.shortest),
    })
    return times
  }
  const bugs: number[] = []
  const names = quick ? ['max 60'] : Object.keys(SETTINGS)
  for (const subject of BUGS) bugs.push(await compare(subject, names, 1500))
  row({
    id: 'P11',
    work: 'find and shorten the six bugs, geometric mean',
    ours: { name: 'auto', ms: Number.NaN },
    peers: {},
    figure: { value: geometricMean(bugs), unit: '× fewer calls' },
    goal: { atLeast: 4 },
    correct: true,
  })
  const locks = quick ? LOCKS.filter((_, i) => i % 3 === 0) : LOCKS
  for (const subject of locks) await compare(subject, names.slice(0, 2), quick ? 100 : 300)
  row({
    id: 'E1',
    work: `first hit on ${firstHits.length} subjects, geometric mean; the worst ${Math.min(...firstHits).toPrecision(2)}×`,
    ours: { name: 'auto', ms: Number.NaN },
    peers: {},
    figure: { value: geometricMean(firstHits), unit: '× fewer calls' },
    goal: { atLeast: 3 },
    correct: true,
  })
}

/** What rollback adds where a call costs something: the same walk without checkpoints beside it. */
async function findOverHttp({ quick, row }: Bench, server: string): Promise<void> {
  const seeds = seedsUpTo(quick ? 1 : 5)
  for (const { name: bug } of BUGS.filter(({ shortest }) => shortest === 8 || (!quick && shortest === 7))) {
    const open = () => overHttp(server, { bug })
    const ours = await inTurn(seeds, (seed) => on(open, (place) => exhaust(place, { strategy: 'auto', seed })))
    const none = await inTurn(seeds, (seed) =>
      on(open, (place) => exhaust(place, { strategy: 'auto', seed, maxMarks: 0 })),
    )
    const peer = await inTurn(seeds, (seed) =>
      on(open, (place) => check(place, { ...SETTINGS['max 60'], seed, time: 60_000 })),
    )
    const calls = (all: typeof ours): number => median(all.map(({ cost }) => cost.actions))
    row({
      work: `PostgreSQL over HTTP, find and shorten ${bug}`,
      ours: { name: `auto: ${calls(ours)} calls`, ms: median(ours.map(({ cost }) => cost.ms)) },
      peers: {
        [`auto without checkpoints: ${calls(none)} calls`]: median(none.map(({ cost }) => cost.ms)),
        [`fast-check max 60: ${median(peer.map((one) => one.calls))} calls`]: median(peer.map(({ ms }) => ms)),
      },
      correct: [...ours, ...none].every(({ verdict }) => verdict === 'violated'),
    })
  }
}

/** E6: an existing suite of commands, with rollback and without. */
async function sameCounterexamples({ quick, row }: Bench, server: string): Promise<void> {
  const seeds = seedsUpTo(quick ? 1 : 5)
  let same = 0
  let all = 0
  for (const { name: bug } of BUGS.slice(0, quick ? 1 : 3)) {
    const open = () => overHttp(server, { bug })
    const setting = { ...SETTINGS['max 60'] }
    const ours = await inTurn(seeds, (seed) => on(open, (place) => checkWithRollback(place, { ...setting, seed })))
    const plain = await inTurn(seeds, (seed) => on(open, (place) => check(place, { ...setting, seed })))
    const equal = ours.filter(({ text }, i) => text === plain[i]!.text).length
    same += equal
    all += seeds.length
    row({
      work: `PostgreSQL over HTTP, fast-check finds and shrinks ${bug}`,
      ours: {
        name: `withRollback: ${median(ours.map(({ calls }) => calls))} calls`,
        ms: median(ours.map(({ ms }) => ms)),
      },
      peers: {
        [`start over: ${median(plain.map(({ calls }) => calls))} calls, ${median(plain.map(({ startsOver }) => startsOver))} times`]:
          median(plain.map(({ ms }) => ms)),
      },
      correct: equal === seeds.length,
    })
  }
  row({
    id: 'E6',
    work: `the same counterexample after the same number of shrinks, ${all} runs of fast-check`,
    ours: { name: 'withRollback', ms: Number.NaN },
    peers: {},
    figure: { value: (same / all) * 100, unit: ' %' },
    goal: { atLeast: 100 },
    correct: true,
  })
}

/** E7: every strategy on every kind of system, on a graph with cycles and merges. */
async function everyStrategy({ quick, row, scratch }: Bench, server: string): Promise<void> {
  const maxDepth = quick ? 5 : 6
  const kinds: readonly StrategyOption[] = ['auto', 'bfs', 'dfs', 'walk', 'random', 'coverage', 'mcts']
  const strategies = [...kinds, { kind: 'hybrid', slack: 2 } as const]
  const places: Readonly<Record<string, () => Promise<Place>>> = {
    memory: inMap,
    'a SQLite file': () => onFile(join(scratch(), 'test.db')),
    'a pool of PostgreSQL': () => onPool(server),
    'PostgreSQL over HTTP': () => overHttp(server),
  }
  const begun = performance.now()
  let passed = 0
  for (const strategy of strategies) {
    for (const open of Object.values(places)) {
      const report = await on(open, (place) => exhaust(place, { strategy, maxDepth, audit: 0.1 }))
      if (report.verdict === 'exhausted' && report.coverage.states === STATES[maxDepth]) passed += 1
    }
  }
  const all = strategies.length * Object.keys(places).length
  row({
    id: 'E7',
    work: `${strategies.length} strategies on ${Object.keys(places).join(', ')}: everything seen`,
    ours: { name: `${passed} of ${all}`, ms: performance.now() - begun },
    peers: {},
    figure: { value: (passed / all) * 100, unit: ' %' },
    goal: { atLeast: 100 },
    correct: passed === all,
  })
}

/** E11. */
async function engineAlone({ quick, row }: Bench): Promise<void> {
  const states = quick ? 20_000 : 50_000
  const runs = await inTurn(seedsUpTo(3), () => engine(states))
  // Other processes only add to what it takes.
  const ms = Math.min(...runs.map((run) => run.ms))
  row({
    id: 'P12',
    work: `the engine's own time a step at ${states} states, the least of ${runs.length} runs`,
    ours: { name: 'bfs', ms },
    peers: {},
    figure: { value: ms * 1000, unit: ' µs' },
    goal: { atMost: 20 },
    correct: runs.every(({ reached }) => reached === states),
  })
}

async function on<T>(open: () => Promise<Place>, work: (place: Place) => Promise<T>): Promise<T> {
  await using place = await open()
  return await work(place)
}

function seedsUpTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1)
}

/** What was not found counts with what it took. */
function hitOrAll({ firstHit, calls }: Search): number {
  return Math.min(firstHit, calls)
}

function told(all: readonly Search[], { shortest }: Subject): string {
  const calls = all.map((search) => search.calls)
  const found = all.filter(({ length }) => length < Infinity).length
  const short = all.filter(({ length }) => length === shortest).length
  const hit = median(all.map(hitOrAll))
  const requests = median(all.map((search) => search.requests))
  return `${median(calls)} calls (p90 ${p90(calls)}, first hit ${hit}), ${requests} requests, found ${found} of ${all.length}, shortest ${short}`
}
