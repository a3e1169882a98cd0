import { at } from '../stack.ts'
import {
  ambiguousBranch,
  asyncBody,
  badName,
  duplicate,
  empty,
  nestedJourney,
  noBody,
  noCases,
  outsideJourney,
  unknownCheckpoint,
} from './mistakes.ts'
import { refOf } from './ref.ts'
import { titleOf } from './title.ts'
import type {
  BranchOptions,
  CheckpointNode,
  Group,
  JourneyNode,
  Line,
  Mode,
  Path,
  ScopeOptions,
  StepNode,
  StepOptions,
} from './tree.ts'
import type { JourneyWords, Ref, ScopeFunction, StepCall, StepFunction } from './words.ts'

/** The name of the path that follows a line past its branches. */
export const MAIN_LINE = 'main line'

/**
 * Makes the words of one world. `register` gets every journey as it was collected.
 *
 * Collecting is pure: it runs no step. Mistakes throw at the user's line: `OUTSIDE_JOURNEY`, `NESTED_JOURNEY`,
 * `ASYNC_BODY`, `DUPLICATE_NAME`, `UNKNOWN_CHECKPOINT`, `AMBIGUOUS_BRANCH`, `EMPTY_JOURNEY`, `BAD_ARGUMENT`.
 */
export function journeyWords<X>(register: (journey: JourneyNode) => void): JourneyWords<X> {
  let line: Line | undefined
  let journeyNode: JourneyNode | undefined

  const collect = (next: Line, body: () => unknown): Group | Path => {
    const outer = line
    line = next
    try {
      const returned = body()
      if (isThenable(returned)) {
        // Its rejection is this mistake's shadow.
        void Promise.resolve(returned).catch(() => undefined)
        throw at(next.site, asyncBody(next))
      }
    } finally {
      line = outer
    }
    return closed(next)
  }

  const journey = scope<ScopeOptions>('journey', (mode, name, options, body, site) => {
    checkName('journey', name, site)
    if (line) throw at(site, nestedJourney(name, line))
    if (mode === 'todo') return register({ name, root: todo(name, [name], site) })
    const node = { name } as JourneyNode
    journeyNode = node
    try {
      node.root = collect(newLine('journey', [name], mode, options, site, []), body)
    } finally {
      journeyNode = undefined
    }
    register(node)
  })

  const branch = scope<BranchOptions>('branch', (mode, name, options, body, site) => {
    checkName('branch', name, site)
    const parent = within('branch', name, site)
    declare(parent, 'branch', name, site)
    const names = [...parent.names, name]
    parent.goesOn = false
    if (mode === 'todo') {
      parent.children.push(todo(name, names, site))
      return
    }
    const fork = forkOf(parent, name, options.from, site)
    const { from: _, ...own } = options
    const inherited = parent.mode === 'skip' ? 'skip' : mode
    const next = newLine('branch', names, inherited, { ...parent.options, ...own }, site, parent.nodes.slice(0, fork))
    parent.children.push(collect(next, body))
  })

  const addStep = (mode: Mode, name: string, body: StepNode['body'], options: StepOptions, site: Error): Ref<never> => {
    checkName('step', name, site)
    const parent = within('step', name, site)
    declare(parent, 'step', name, site)
    const node: StepNode = {
      kind: 'step',
      name,
      mode,
      body,
      options: { ...parent.options, ...options },
      scope: parent.names,
      journey: journeyNode!,
      site,
    }
    parent.nodes.push(node)
    parent.goesOn = true
    return refOf(node)
  }

  const stepCall = (mode: Mode): StepCall<X> => {
    const call = (name: string, a: unknown, b?: unknown): Ref<never> => {
      const site = new Error('site')
      const [body, options] = typeof a === 'function' ? [a, b] : [b, a]
      if (typeof body !== 'function') throw at(site, noBody('step', name))
      const given = typeof options === 'number' ? { timeout: options } : ((options ?? {}) as StepOptions)
      return addStep(mode, name, body as StepNode['body'], given, site)
    }
    return call as StepCall<X>
  }

  const step = Object.assign(stepCall('run'), {
    only: stepCall('only'),
    skip: stepCall('skip'),
    todo: (name: string) => void addStep('todo', name, undefined, {}, new Error('site')),
    skipIf: (condition: unknown) => (condition ? stepCall('skip') : stepCall('run')),
    runIf: (condition: unknown) => (condition ? stepCall('run') : stepCall('skip')),
    each:
      (cases: readonly unknown[]) =>
      (name: string, body: (context: X, ...args: unknown[]) => unknown, options: StepOptions = {}) => {
        const site = new Error('site')
        if (!Array.isArray(cases)) throw at(site, noCases('step'))
        if (typeof body !== 'function') throw at(site, noBody('step', name))
        return cases.map((one, i) => {
          const args = Array.isArray(one) ? (one as unknown[]) : [one]
          return addStep('run', titleOf(name, args, i), (context: X) => body(context, ...args), options, site)
        })
      },
  }) as unknown as StepFunction<X>

  const checkpoint = (name: string): void => {
    const site = new Error('site')
    checkName('checkpoint', name, site)
    const parent = within('checkpoint', name, site)
    declare(parent, 'checkpoint', name, site)
    parent.nodes.push({ kind: 'checkpoint', name, scope: parent.names, site })
    parent.fork = parent.nodes.length
  }

  const within = (what: string, name: string, site: Error): Line => {
    if (line) return line
    throw at(site, outsideJourney(what, name))
  }

  return { journey, step, checkpoint, branch }
}

type Declare<O> = (mode: Mode, name: string, options: O, body: () => unknown, site: Error) => void

/** Gives a declaring function its `.only`, `.skip`, `.todo`, `.skipIf`, `.runIf` and `.each`. */
function scope<O extends ScopeOptions>(what: 'journey' | 'branch', declareIn: Declare<O>): ScopeFunction<O> {
  const call =
    (mode: Mode) =>
    (name: string, a: unknown, b?: unknown): void => {
      const site = new Error('site')
      const [options, body] = typeof a === 'function' ? [b ?? {}, a] : [a ?? {}, b]
      if (typeof body !== 'function') throw at(site, noBody(what, name))
      declareIn(mode, name, options as O, body as () => unknown, site)
    }
  const each =
    (cases: readonly unknown[]) =>
    (name: string, body: (...args: unknown[]) => unknown): void => {
      const site = new Error('site')
      if (!Array.isArray(cases)) throw at(site, noCases(what))
      for (const [i, one] of cases.entries()) {
        const args = Array.isArray(one) ? (one as unknown[]) : [one]
        declareIn('run', titleOf(name, args, i), {} as O, () => body(...args), site)
      }
    }
  return Object.assign(call('run'), {
    only: call('only'),
    skip: call('skip'),
    todo: (name: string) => declareIn('todo', name, {} as O, () => undefined, new Error('site')),
    skipIf: (condition: unknown) => call(condition ? 'skip' : 'run'),
    runIf: (condition: unknown) => call(condition ? 'run' : 'skip'),
    each,
  }) as unknown as ScopeFunction<O>
}

/** The line as what the runner sees: a path where nothing branches off, else a group. */
function closed(line: Line): Group | Path {
  const name = line.names.at(-1)!
  const { mode, names, nodes, site, children } = line
  const steps = nodes.slice(line.inherited).some((node) => node.kind === 'step')
  if (children.length === 0) {
    if (!steps) throw at(site, empty(line))
    return { kind: 'path', name, mode: modeOf(line), names, nodes, site }
  }
  if (line.goesOn) {
    const mainLine = { kind: 'path', name: MAIN_LINE, names: [...names, MAIN_LINE], nodes, site } as const
    children.push({ ...mainLine, mode: mode === 'skip' ? 'skip' : modeOf({ ...line, mode: 'run' }) })
  }
  return { kind: 'group', name, mode, children, site }
}

/** `.only` and `.todo` of a step hold for the paths through it. A skipped step is found when the path runs, to give the reason. */
function modeOf({ mode, nodes }: Line): Mode {
  const has = (wanted: Mode): boolean => nodes.some((node) => node.kind === 'step' && node.mode === wanted)
  if (mode !== 'run') return mode
  if (has('todo')) return 'todo'
  return has('only') ? 'only' : 'run'
}

function forkOf(line: Line, name: string, from: string | undefined, site: Error): number {
  const checkpoints = line.nodes.filter((node) => node.kind === 'checkpoint').map((node) => node.name)
  if (from !== undefined) {
    const found = line.nodes.findLastIndex((node) => node.kind === 'checkpoint' && node.name === from)
    if (found < 0) throw at(site, unknownCheckpoint(name, from, checkpoints))
    return found + 1
  }
  const trailing = line.nodes.slice(line.fork).filter((node) => node.kind === 'step')
  if (trailing.length > 0)
    throw at(
      site,
      ambiguousBranch(
        name,
        trailing.map((node) => node.name),
        checkpoints.at(-1),
      ),
    )
  return line.fork
}

function declare(line: Line, what: string, name: string, site: Error): void {
  const key = `${what} ${name}`
  if (line.declared.has(key)) throw at(site, duplicate(what, name, line))
  line.declared.add(key)
}

function checkName(what: string, name: unknown, site: Error): void {
  if (typeof name !== 'string' || name.trim() === '') throw at(site, badName(what, name))
}

function newLine(
  what: Line['what'],
  names: readonly string[],
  mode: Mode,
  options: StepOptions,
  site: Error,
  nodes: (StepNode | CheckpointNode)[],
): Line {
  const at = nodes.length
  return {
    what,
    names,
    mode,
    options,
    site,
    nodes,
    inherited: at,
    fork: at,
    children: [],
    declared: new Set(),
    goesOn: false,
  }
}

function todo(name: string, names: readonly string[], site: Error): Path {
  return { kind: 'path', name, mode: 'todo', names, nodes: [], site }
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function'
}
