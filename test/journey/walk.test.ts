import fc from 'fast-check'
import { expect, test } from 'vitest'
import { journeyWords } from '../../src/journey/plan.ts'
import { reportOf } from '../../src/journey/report.ts'
import type { Group, JourneyNode, Path } from '../../src/journey/tree.ts'
import { type Host, Walk } from '../../src/journey/walk.ts'
import type { JourneyWords, Ref } from '../../src/journey/words.ts'
import type { Rollbackable } from '../../src/rollbackable.ts'
import { memory } from '../../src/systems/memory/index.ts'
import { World } from '../../src/world.ts'

type Fate = 'passes' | 'fails' | 'fails softly' | 'fails once, with a retry'

/** One thing that a random journey declares. */
type Part =
  | { readonly kind: 'step'; readonly fate: Fate }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'branch'; readonly back: number; readonly parts: readonly Part[] }

interface Program {
  readonly parts: readonly Part[]
  /** Which path each test runs, as a runner may order, repeat and leave them out. */
  readonly runs: readonly number[]
  readonly hook: boolean
  readonly kind: 'tree' | 'stack'
}

const fates = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Fate>('passes') },
  { weight: 1, arbitrary: fc.constant<Fate>('fails') },
  { weight: 2, arbitrary: fc.constant<Fate>('fails softly') },
  { weight: 1, arbitrary: fc.constant<Fate>('fails once, with a retry') },
)
const step = fates.map((fate): Part => ({ kind: 'step', fate }))
const checkpoint = fc.constant<Part>({ kind: 'checkpoint' })

function partsOf(depth: number): fc.Arbitrary<Part[]> {
  const flat = [
    { weight: 3, arbitrary: step },
    { weight: 2, arbitrary: checkpoint },
  ]
  if (depth === 0) return fc.array(fc.oneof(...flat), { maxLength: 3, size: 'max' })
  const branch = fc.record({ kind: fc.constant('branch' as const), back: fc.nat(2), parts: partsOf(depth - 1) })
  return fc.array(fc.oneof(...flat, { weight: 3, arbitrary: branch }), { maxLength: 5, size: 'max' })
}

const programs: fc.Arbitrary<Program> = fc.record({
  parts: partsOf(3),
  runs: fc.array(fc.nat(20), { minLength: 1, maxLength: 14, size: 'max' }),
  hook: fc.boolean(),
  kind: fc.constantFrom('tree', 'stack'),
})

/** What one run of a path came to: the state it left and how it went. */
interface Result {
  readonly state: unknown
  readonly outcome: string
}

/** A world of its own with the journey of a program on it. */
class Trial {
  readonly #map = new Map<string, unknown>([['seed', 1]])
  readonly #program: Program
  readonly paths: readonly Path[]
  readonly #journey: JourneyNode
  #world: World<{ db: Rollbackable }, undefined, { log: string[] }> | undefined
  #walk: Walk | undefined
  #softly = false

  constructor(program: Program) {
    this.#program = program
    let journey: JourneyNode | undefined
    const words = journeyWords<object>((node) => (journey = node))
    words.journey('j', () => {
      words.step('first', this.#body('first', [], 'passes'))
      this.#declare(words, program.parts, [], 'j')
    })
    this.#journey = journey!
    this.paths = pathsOf(this.#journey.root)
  }

  async open(): Promise<this> {
    const db = memory(this.#map)
    // A stack forgets the marks behind the one it goes back to.
    const system = this.#program.kind === 'tree' ? db : { ...db, kind: 'stack' as const }
    this.#world = await World.open({
      systems: { db: system },
      context: () => ({ log: [] as string[] }),
      verify: 'always',
    })
    this.#walk = new Walk(this.#journey, this.#world as never)
    return this
  }

  async run(path: Path): Promise<Result> {
    const name = path.names.join('/')
    const blocked = this.#walk!.blocked(path, name)
    if (blocked !== undefined) return { state: undefined, outcome: `blocked: ${blocked}` }
    await this.#walk!.begin(path)
    if (this.#program.hook) this.#map.set('hook', Number(this.#map.get('hook') ?? 0) + 1)
    const report = reportOf(path)
    let thrown: unknown
    await this.#walk!.run(path, report, this.#host(name)).catch((error: unknown) => (thrown = error))
    const failed = report.nodes.findIndex(({ state }) => state === 'failed')
    const state = { db: [...this.#map], log: this.#world!.ctx.log }
    await this.#walk!.settled()
    return {
      state: structuredClone(state),
      outcome: failed < 0 && thrown === undefined ? 'passed' : `failed: ${path.nodes[failed]?.name}`,
    }
  }

  /** What the application finds when the journey is over. */
  async end(): Promise<unknown> {
    await this.#walk!.end()
    return structuredClone([...this.#map])
  }

  async close(): Promise<void> {
    await this.#world!.close()
  }

  #declare(words: JourneyWords<object>, declared: readonly Part[], refs: Ref<string[]>[], at: string): void {
    const known = [...refs]
    // The branch arbitrary knows no names; these are unique and say where they stand.
    const checkpoints: string[] = []
    let steps = 0
    for (const [i, part] of declared.entries()) {
      const name = `${at}.${i}`
      if (part.kind === 'step') {
        const retry = part.fate === 'fails once, with a retry' ? 1 : 0
        known.push(words.step(name, { retry }, this.#body(name, known.slice(), part.fate)) as Ref<string[]>)
        steps++
      } else if (part.kind === 'checkpoint') {
        words.checkpoint(name)
        checkpoints.push(name)
      } else {
        if (checkpoints.length === 0) {
          words.checkpoint(`${name} start`)
          checkpoints.push(`${name} start`)
        }
        const from = checkpoints[Math.max(0, checkpoints.length - 1 - part.back)]!
        words.branch(name, { from }, () => {
          words.step(`${name} begins`, this.#body(`${name} begins`, [], 'passes'))
          this.#declare(words, part.parts, [], name)
        })
      }
    }
    if (steps === 0) words.step(`${at} ends`, this.#body(`${at} ends`, [], 'passes'))
  }

  /** A step that reads and changes all that there is, so that whatever leaked shows in the state. */
  #body(name: string, refs: readonly Ref<string[]>[], fate: Fate): () => string[] {
    let tries = 0
    return () => {
      tries++
      const seen = refs.map((ref) => ref.value.join('+')).join(' ')
      for (const ref of refs) ref.value.push(name)
      const { log } = this.#world!.ctx
      log.push(name)
      this.#map.set(name, `saw ${[...this.#map.keys()].join(',')} | ${log.join(',')} | ${seen}`)
      if (this.#map.size % 3 === 0) this.#map.delete('seed')
      if (fate === 'fails' || (fate === 'fails once, with a retry' && tries % 2 === 1)) throw new Error(name)
      if (fate === 'fails softly') this.#softly = true
      return [name]
    }
  }

  #host(name: string): Host {
    return {
      name,
      timeout: 0,
      hooks: this.#program.hook,
      changes: 'off',
      context: () => ({}),
      kept: () => {},
      isSkip: () => false,
      asStep: async (_, work) => {
        this.#softly = false
        return { value: await work(), failed: this.#softly }
      },
    }
  }
}

function pathsOf(root: Group | Path): Path[] {
  return root.kind === 'path' ? [root] : root.children.flatMap(pathsOf)
}

test('rollback is only a cache: in any order, with any repeats, each path ends as it does alone', async () => {
  await fc.assert(fc.asyncProperty(programs, holds), { numRuns: 100 })
}, 60_000)

test('a path that failed softly and is tried again does not start behind that failure', async () => {
  const branch: Part = { kind: 'branch', back: 0, parts: [] }
  const soft: Part = { kind: 'step', fate: 'fails softly' }
  await holds({ parts: [soft, { kind: 'checkpoint' }, branch, branch], runs: [0, 0, 1], hook: false, kind: 'tree' })
})

/** Runs the paths of a program in one world, and compares each with the same path in a world of its own. */
async function holds(program: Program): Promise<void> {
  const trial = await new Trial(program).open()
  const alone = new Map<Path, Result>()
  /** Which path reported the failure of a step. */
  const reported = new Map<string, Path>()
  for (const any of program.runs) {
    const i = any % trial.paths.length
    const path = trial.paths[i]!
    const expected = alone.get(path) ?? (await replay(program, i))
    alone.set(path, expected)
    const result = await trial.run(path)
    const reporter = reported.get(expected.outcome)
    if (reporter !== undefined && reporter !== path) {
      const step = expected.outcome.replace('failed: ', '')
      expect(result.outcome).toBe(`blocked: step "${step}" failed, reported by "${reporter.names.join('/')}"`)
      continue
    }
    expect(result).toEqual(expected)
    if (expected.outcome.startsWith('failed')) reported.set(expected.outcome, path)
  }
  expect(await trial.end()).toEqual([['seed', 1]])
  await trial.close()
}

/** The path of a number, walked in a world where nothing else ever ran: each of its steps once, in order, up to one that throws. */
async function replay(program: Program, i: number): Promise<Result> {
  const fresh = await new Trial(program).open()
  const path = fresh.paths[i]!
  const result = await fresh.run(path)
  const steps = path.nodes.flatMap(({ kind, name }) => (kind === 'step' ? [name] : []))
  const { log } = result.state as { log: readonly string[] }
  expect(log).toEqual(steps.slice(0, log.length))
  if (result.outcome === 'passed') expect(log).toEqual(steps)
  await fresh.close()
  return result
}
