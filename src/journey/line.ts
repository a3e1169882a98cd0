import { at } from '../stack.ts'
import { ambiguousBranch, duplicate, empty, mainLineTaken, unknownCheckpoint } from './mistakes.ts'
import type { CheckpointNode, Group, Line, Mode, Path, StepNode, StepOptions } from './tree.ts'

/** The name of the path that follows a line past its branches. */
export const MAIN_LINE = 'main line'

/** The line as what the runner sees: a path where nothing branches off, else a group. */
export function closed(line: Line): Group | Path {
  const name = line.names.at(-1)!
  const { mode, names, nodes, site, children } = line
  const steps = nodes.slice(line.inherited).some((node) => node.kind === 'step')
  if (children.length === 0) {
    if (!steps) throw at(site, empty(line))
    return { kind: 'path', name, mode: modeOf(line), names, nodes, site }
  }
  if (line.goesOn) {
    if (line.declared.has(`branch ${MAIN_LINE}`)) throw at(site, mainLineTaken(line))
    const mainLine = { kind: 'path', name: MAIN_LINE, names: [...names, MAIN_LINE], nodes, site } as const
    children.push({ ...mainLine, mode: mode === 'skip' ? 'skip' : modeOf({ ...line, mode: 'run' }) })
  }
  return { kind: 'group', name, mode, children, site }
}

/** `.only` and `.todo` of a step hold for the paths through it. A skipped step is found when the path runs, to give the reason. */
function modeOf({ mode, nodes }: Line): Mode {
  const has = (wanted: Mode): boolean => nodes.some((node) => node.kind === 'step' && node.mode === wanted)
  if (mode === 'skip') return mode
  if (has('todo')) return 'todo'
  return has('only') ? 'only' : mode
}

/** How many of the line's nodes a new branch shares. Throws `UNKNOWN_CHECKPOINT` and `AMBIGUOUS_BRANCH`. */
export function forkOf(line: Line, name: string, from: string | undefined, site: Error): number {
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

/** Throws `DUPLICATE_NAME` when the line has something of this kind and name already. */
export function declare(line: Line, what: string, name: string, site: Error): void {
  const key = `${what} ${name}`
  if (line.declared.has(key)) throw at(site, duplicate(what, name, line))
  line.declared.add(key)
}

/** A line that nothing was declared on yet. `nodes` are those of the line it forks from. */
export function newLine(
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

/** The path of a journey or branch that is yet to be written. */
export function todo(name: string, names: readonly string[], site: Error, nodes: Path['nodes'] = []): Path {
  return { kind: 'path', name, mode: 'todo', names, nodes, site }
}
