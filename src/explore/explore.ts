import { VenomError } from '../errors.ts'
import type { Systems, World, WorldMark } from '../world.ts'
import { audit } from './audit.ts'
import { Corpus } from './corpus.ts'
import { type Coverage, coverageOf, missedGoals } from './coverage.ts'
import { writerTo } from './draw/write.ts'
import { explosionOf } from './explosion.ts'
import { type Finding, Findings } from './findings.ts'
import type { Call } from './graph.ts'
import { Judge } from './judge.ts'
import { isStuck, Live } from './live.ts'
import type { Model, View } from './model.ts'
import { checkModel } from './check-options.ts'
import { actionsOf, type ExploreOptions, invariantsOf, type Settings, settingsOf } from './options.ts'
import { isEnumerable } from './params.ts'
import type { ExploreReport, Violation } from './report.ts'
import { Search } from './search.ts'
import { strategyOf } from './strategies/index.ts'
import { recordedIn } from './token.ts'
import { Trail, type Walked } from './trail.ts'
import { violationOf } from './violation.ts'

/**
 * Explores what can happen to a world from its present state: every action in every state that is reached, each state
 * once. The world is put back to that state afterwards.
 *
 * A rule that breaks is part of the report, not an error. Throws `BAD_ARGUMENT`, `UNSUPPORTED` and what the world throws.
 */
export async function explore<S extends Systems, A, C>(
  world: World<S, A, C>,
  model: Model<View<S, A, C>>,
  options: ExploreOptions = {},
): Promise<ExploreReport> {
  const plain = world as unknown as World<Systems, unknown, unknown>
  const settings = settingsOf(options)
  const writers = (settings.write ?? []).map(writerTo)
  const start = await plain.checkpoint('exploration')
  try {
    const exploration = new Exploration(plain, model as unknown as Model<object>, settings, start)
    const report = await exploration.run()
    for (const write of writers) write(report)
    return report
  } finally {
    if (!plain.tainted) {
      await plain.rollback(start)
      await plain.release(start)
    }
  }
}

/** The share of the time that is for searching; the rest is for auditing, shrinking and walking paths once more. */
const SEARCHING = 0.8

/** How many steps are audited at least. */
const AUDITED = 100

class Exploration {
  readonly #settings: Settings
  readonly #start: WorldMark
  readonly #began = performance.now()
  readonly #live: Live
  readonly #judge: Judge
  readonly #search: Search
  readonly #trail: Trail
  readonly #findings = new Findings()
  #told = performance.now()

  constructor(world: World<Systems, unknown, unknown>, model: Model<object>, settings: Settings, start: WorldMark) {
    this.#settings = settings
    this.#start = start
    const given = Object(model) as Partial<Model<object>>
    checkModel(given)
    const actions = actionsOf(given.actions ?? {}, settings)
    this.#live = new Live(world, { ...settings, actions, invariants: invariantsOf(given.invariants ?? {}) })
    this.#judge = new Judge(this.#live)
    this.#search = new Search(this.#live, this.#judge, {
      ...settings,
      strategy: strategyOf(settings.strategy, (action) => actions.get(action)?.weight ?? 1),
      deadline: this.#began + settings.time * SEARCHING,
      steps: settings.budget?.steps ?? Infinity,
      states: settings.budget?.states ?? Infinity,
      onStep: (search) => this.#progress(search),
    })
    this.#trail = new Trail(this.#live, this.#judge, start, settings.maxMarks)
  }

  async run(): Promise<ExploreReport> {
    const { replay, stopOn, time } = this.#settings
    if (replay) await this.#replay(replay)
    else {
      await this.#walkCorpus()
      if (this.#findings.all.length === 0 || stopOn === 'never') await this.#explore()
    }
    const deadline = Math.max(this.#began + time, performance.now() + time * 0.1)
    const tools = { settings: this.#settings, live: this.#live, search: this.#search, trail: this.#trail, deadline }
    const violations: Violation[] = []
    for (const found of this.#findings.all) violations.push(await violationOf(found, tools))
    return this.#report(violations)
  }

  async #explore(): Promise<void> {
    const search = this.#search
    await this.#live.back(this.#start)
    try {
      await search.run(this.#start)
    } catch (error) {
      // An action that never ends leaves a world that nothing can be done with, but what was found is worth telling.
      if (!isStuck(error) || search.findings.all.length === 0) throw error
      search.ended = 'stopped'
    }
    for (const { finding, path, count } of search.findings.all) this.#findings.add(finding, path, count)
    if (search.ended !== 'stopped') await this.#audit()
    if (this.#live.isStuck) return
    try {
      await this.#leak()
    } catch (error) {
      if (!isStuck(error) || this.#findings.all.length === 0) throw error
    }
    if (search.ended === undefined) this.#deadActions()
  }

  async #replay(token: string): Promise<void> {
    const { path } = recordedIn(token)
    const walked = await this.#trail.walk(path)
    this.#record(walked, path)
    if (!walked.impossible || this.#findings.all.length > 0) return
    throw new VenomError(
      'NOT_FOUND',
      `Step ${walked.strides.length + 1} of the replayed path, ${walked.impossible.key}, is not possible any more.\n` +
        'The model, the application or the data it starts from is not what it was when the path was found.\n' +
        'If the bug was mended, explore again without VENOMQA_REPLAY.',
    )
  }

  async #walkCorpus(): Promise<void> {
    const { corpus, name } = this.#settings
    if (corpus === undefined) return
    for (const { path } of new Corpus(corpus).read(name)) {
      const isKnown = path.every(({ action }) => this.#live.rules.actions.has(action))
      if (isKnown) this.#record(await this.#trail.walk(path), path)
    }
  }

  #record({ initial, strides }: Walked, path: readonly Call[]): void {
    for (const finding of initial) this.#findings.add(finding, [])
    for (const [i, { findings }] of strides.entries()) {
      for (const finding of findings) this.#findings.add(finding, path.slice(0, i + 1))
    }
  }

  async #audit(): Promise<void> {
    const { audit: share, seed, time, levels } = this.#settings
    if (share === 0 || levels.hiddenState === 'off') return
    const steps = Math.max(AUDITED, Math.ceil(this.#search.steps * share))
    const deadline = this.#began + time * ((1 + SEARCHING) / 2)
    const { graph, travel } = this.#search
    const found = await audit(this.#live, graph, travel, this.#judge, { steps, seed, deadline })
    for (const finding of found?.findings ?? []) this.#findings.add(finding, found!.path)
  }

  /** The initial state must look as it did. */
  async #leak(): Promise<void> {
    await this.#live.back(this.#start)
    const { id, data } = await this.#live.look()
    const { root } = this.#search.graph
    if (id !== root.content) this.#add(this.#judge.leak(root.look?.data, data))
  }

  #deadActions(): void {
    const { neverEnabled, neverAccepted, cutAtDepth } = coverageOf(this.#search)
    if (cutAtDepth) return
    for (const name of neverEnabled) this.#add(this.#judge.oracle('deadAction', `${name} was possible in no state`))
    for (const name of neverAccepted) this.#add(this.#judge.oracle('deadAction', `${name} was never accepted`))
  }

  #add(findings: readonly Finding[]): void {
    for (const finding of findings) this.#findings.add(finding, [])
  }

  #report(found: readonly Violation[]): ExploreReport {
    const { name, seed, maxDepth, replay, coverageGoal } = this.#settings
    const violations = found.filter(({ level }) => level === 'error')
    const ended = replay ? 'replay' : this.#search.ended
    const coverage = coverageOf(this.#search)
    // Values that are new each time also make states that are never reached again.
    const isLost = coverage.lost > 0
    const isCut = ended === 'time' || ended === 'steps' || ended === 'states' || isLost
    const explosion = isCut ? explosionOf(this.#search.graph, isLost) : undefined
    return {
      name,
      verdict: verdictOf(violations, ended, coverage),
      ended,
      ...(explosion && { explosion }),
      violations,
      warnings: found.filter(({ level }) => level === 'warn'),
      coverage,
      missed: replay || !coverageGoal ? [] : missedGoals(coverage, coverageGoal),
      graph: this.#search.graph,
      cost: { ...this.#live.cost, steps: this.#search.steps, ms: performance.now() - this.#began },
      seed,
      sampled: ![...this.#live.rules.actions.values()].every(isEnumerable),
      maxDepth,
    }
  }

  #progress({ steps, graph, frontier }: Search): void {
    const now = performance.now()
    if (!this.#settings.onProgress || now - this.#told < 500) return
    this.#told = now
    this.#settings.onProgress({
      steps,
      states: graph.states.length,
      transitions: graph.transitions,
      open: frontier.size,
      depth: frontier.size > 0 ? frontier.depth : 0,
      perSecond: Math.round((steps / (now - this.#began)) * 1000),
    })
  }
}

function verdictOf(
  violations: readonly Violation[],
  ended: ExploreReport['ended'],
  { lost, states }: Coverage,
): ExploreReport['verdict'] {
  if (violations.length > 0) return 'violated'
  return ended === undefined && lost === 0 && states > 0 ? 'exhausted' : 'budget'
}
