import type { LogTail } from '../logs.ts'
import { type Exchange, exchangeText, repeatsAsOne } from './exchanges.ts'
import type { CheckpointNode, Path, StepNode } from './tree.ts'

/**
 * What became of one node of a path. `kept`: not run, its state came back with a checkpoint. `replayed`: run again
 * because no checkpoint held what an earlier path had done.
 */
export type NodeState = 'ran' | 'replayed' | 'kept' | 'failed' | 'not run'

/** One step or checkpoint in a report, as plain JSON. */
export interface NodeReport {
  readonly kind: 'step' | 'checkpoint'
  readonly name: string
  /** How many branches deep it was written: 0 on the journey's own line. */
  readonly depth: number
  state: NodeState
  /** How long it took, in ms; absent when it was not run. */
  ms?: number
  /** The HTTP requests that the step made, the last 50 of its last try; absent where it made none. */
  http?: Exchange[]
}

/** How one path went, as plain JSON: what reporters get as `task.meta.venomqa`. */
export interface PathReport {
  /** The journey and the branches down to the leaf. */
  readonly names: readonly string[]
  readonly nodes: NodeReport[]
  /** The checkpoint it started from; absent when it started from the start. */
  from?: string
  /** What the path changed since its last checkpoint, a line a table or key. */
  changed?: { since: string; lines: readonly string[] }
  /** What the application logged during the step that failed. */
  logs?: readonly LogTail[]
  /** Why it did not run. */
  skipped?: string
  /** How it was written, where it was not to run: filters leave no trace here. */
  declared?: 'skip' | 'todo'
}

/** A report in which nothing has run yet. */
export function reportOf(path: Path): PathReport {
  const nodes = path.nodes.map(({ kind, name, scope }): NodeReport => ({
    kind,
    name,
    depth: scope.length - 1,
    state: 'not run',
  }))
  const { names, mode } = path
  return mode === 'skip' || mode === 'todo' ? { names, nodes, declared: mode } : { names, nodes }
}

/** A path as one line: `sign up → order → ◆ order created → refund it`, up to what failed and with a ✗ before it. */
export function lineOf(nodes: readonly Pick<NodeReport, 'kind' | 'name' | 'state'>[]): string {
  const failed = nodes.findIndex(({ state }) => state === 'failed')
  const walked = failed < 0 ? nodes : nodes.slice(0, failed + 1)
  return walked.map((node) => `${node.state === 'failed' ? '✗ ' : ''}${labelOf(node)}`).join(' → ')
}

/** A step by its name, a checkpoint with its ◆. */
export function labelOf({ kind, name }: { readonly kind: NodeReport['kind']; readonly name: string }): string {
  return kind === 'checkpoint' ? `◆ ${name}` : name
}

/** How many of the failed step's requests a failure text shows. */
const SHOWN_EXCHANGES = 10

/** What a failure text says beside the user's own error: the path walked, what the step asked for, changed and logged. */
export function failureText(report: PathReport): string {
  const lines = [`path: ${lineOf(report.nodes)}`]
  const { http = [] } = report.nodes.find(({ state }) => state === 'failed') ?? {}
  if (http.length > 0) {
    const texts = repeatsAsOne(http).map(exchangeText)
    const left = texts.length > SHOWN_EXCHANGES ? ` (the last ${SHOWN_EXCHANGES})` : ''
    lines.push(`requests${left}:`, ...texts.slice(-SHOWN_EXCHANGES).map((text) => `  ${text}`))
  }
  if (report.changed && report.changed.lines.length > 0) {
    lines.push(`changed since ${report.changed.since}:`, ...report.changed.lines.map((line) => `  ${line}`))
  }
  for (const { log, lines: last } of report.logs ?? []) lines.push(`${log}:`, ...last.map((line) => `  ${line}`))
  return lines.join('\n')
}

/** A message without what `failureText` stands for beside it. */
export function ownMessage(message: string): string {
  return message.replace(/\n\npath: [^]*$/, '')
}

/** Why a path is skipped whose shared beginning has failed, and who reported it. */
export function blockedText(node: StepNode | CheckpointNode, reportedBy: string): string {
  return `${node.kind} "${node.name}" failed, reported by "${reportedBy}"`
}
