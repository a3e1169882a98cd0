import { at, hideOwnFrames } from '../stack.ts'
import { checkName, checkOptions } from './arguments.ts'
import { closed, declare, forkOf, newLine, todo } from './line.ts'
import { asyncBody, nestedJourney, noBody, noCases, outsideJourney } from './mistakes.ts'
import { refOf } from './ref.ts'
import { titleOf } from './title.ts'
import type {
  BranchOptions,
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
    } catch (error) {
      throw hideOwnFrames(error)
    } finally {
      line = outer
    }
    return closed(next)
  }

  const journey = scope<ScopeOptions>('journey', (mode, name, options, body, site) => {
    if (line) throw at(site, nestedJourney(name, line))
    if (mode === 'todo') return register({ name, root: todo(name, [name], site) })
    journeyNode = { name } as JourneyNode
    journeyNode.root = collect(newLine('journey', [name], mode, options, site, []), body)
    register(journeyNode)
  })

  const branch = scope<BranchOptions>('branch', (mode, name, options, body, site) => {
    const parent = within('branch', name, site)
    declare(parent, 'branch', name, site)
    const names = [...parent.names, name]
    parent.goesOn = false
    if (mode === 'todo') {
      parent.children.push(todo(name, names, site, parent.nodes.slice(0, parent.fork)))
      return
    }
    const fork = forkOf(parent, name, options.from, site)
    const { from: _, ...own } = options
    const inherited = parent.mode === 'skip' ? 'skip' : mode
    const next = newLine('branch', names, inherited, { ...parent.options, ...own }, site, parent.nodes.slice(0, fork))
    parent.children.push(collect(next, body))
  })

  const addStep = (mode: Mode, name: string, body: StepNode['body'], options: StepOptions, site: Error): Ref<never> => {
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
      checkName('step', name, site)
      const [body, options] = typeof a === 'function' ? [a, b] : [b, a]
      if (typeof body !== 'function') throw at(site, noBody('step', name))
      const given = typeof options === 'number' ? { timeout: options } : (options ?? {})
      checkOptions('step', name, given, site)
      return addStep(mode, name, body as StepNode['body'], given, site)
    }
    return call as StepCall<X>
  }

  const step = Object.assign(stepCall('run'), {
    only: stepCall('only'),
    skip: stepCall('skip'),
    todo: (name: string) => {
      const site = new Error('site')
      checkName('step', name, site)
      addStep('todo', name, undefined, {}, site)
    },
    skipIf: (condition: unknown) => (condition ? stepCall('skip') : stepCall('run')),
    runIf: (condition: unknown) => (condition ? stepCall('run') : stepCall('skip')),
    each:
      (cases: readonly unknown[]) =>
      (name: string, body: (context: X, ...args: unknown[]) => unknown, options: StepOptions = {}) => {
        const site = new Error('site')
        if (!Array.isArray(cases)) throw at(site, noCases('step'))
        checkName('step', name, site)
        if (typeof body !== 'function') throw at(site, noBody('step', name))
        checkOptions('step', name, options, site)
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
      checkName(what, name, site)
      const [options, body] = typeof a === 'function' ? [b ?? {}, a] : [a ?? {}, b]
      if (typeof body !== 'function') throw at(site, noBody(what, name))
      checkOptions(what, name, options, site)
      declareIn(mode, name, options as O, body as () => unknown, site)
    }
  const each =
    (cases: readonly unknown[]) =>
    (name: string, body: (...args: unknown[]) => unknown): void => {
      const site = new Error('site')
      if (!Array.isArray(cases)) throw at(site, noCases(what))
      checkName(what, name, site)
      if (typeof body !== 'function') throw at(site, noBody(what, name))
      for (const [i, one] of cases.entries()) {
        const args = Array.isArray(one) ? (one as unknown[]) : [one]
        declareIn('run', titleOf(name, args, i), {} as O, () => body(...args), site)
      }
    }
  return Object.assign(call('run'), {
    only: call('only'),
    skip: call('skip'),
    todo: (name: string) => {
      const site = new Error('site')
      checkName(what, name, site)
      declareIn('todo', name, {} as O, () => undefined, site)
    },
    skipIf: (condition: unknown) => call(condition ? 'skip' : 'run'),
    runIf: (condition: unknown) => call(condition ? 'run' : 'skip'),
    each,
  }) as unknown as ScopeFunction<O>
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function'
}
