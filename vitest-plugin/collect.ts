import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { TestCase, TestModule } from 'vitest/node'
import type { Failure, ReportedFile, ReportedPath, ReportedTest } from '../src/report/run.ts'

/** As much of an error as Vitest hands on, and is read here. */
interface Thrown {
  readonly message?: string
  readonly diff?: string
  readonly stacks?: readonly { readonly file: string; readonly line: number; readonly column: number }[]
}

/** What became of a test file, as plain data. `root` is what file names are relative to. */
export function collected(module: TestModule, root: string): ReportedFile {
  const tests: ReportedTest[] = [...module.children.allTests()].flatMap((test) => {
    const { state, errors = [] } = test.result()
    if (test.meta().venomqa || (state !== 'passed' && state !== 'failed')) return []
    const { venomqaExploration: exploration } = test.meta()
    const failures = errors.map((error) => failureOf(error, root))
    return [{ name: test.fullName, outcome: state, failures, ...(exploration && { exploration }) }]
  })
  const broken = module.errors().map((error) => failureOf(error, root))
  if (broken.length > 0) tests.unshift({ name: 'the file itself', outcome: 'failed', failures: broken })
  return { file: fileOf(module, root), journeys: journeysOf(module, root), tests }
}

/** The paths that belong to this run, by journey, in the order they were written in. */
function journeysOf(module: TestModule, root: string): ReportedPath[][] {
  const journeys = new Map<string, ReportedPath[]>()
  for (const test of module.children.allTests()) {
    const report = test.meta().venomqa
    const { state, errors = [] } = test.result()
    if (!report) continue
    const wanted = state !== 'skipped' || report.skipped !== undefined || report.declared !== undefined
    if (!wanted) continue
    const settled = state === 'pending' ? 'not run' : state
    const outcome = report.declared === 'todo' ? 'todo' : settled
    const failures = errors.map((error) => failureOf(error, root))
    const paths = journeys.get(keyOf(test, report.names)) ?? []
    paths.push({ report, outcome, retries: test.diagnostic()?.retryCount ?? 0, failures })
    journeys.set(keyOf(test, report.names), paths)
  }
  return [...journeys.values()]
}

/** The journey's place in the file: two of one name may stand in different suites. */
function keyOf(test: TestCase, names: readonly string[]): string {
  let parent = test.parent
  for (let depth = 1; depth < names.length && parent.type === 'suite'; depth++) parent = parent.parent
  return `${parent.id} ${names[0]}`
}

/** Several projects may share a file. */
function fileOf({ moduleId, project }: TestModule, root: string): string {
  const path = relative(root, moduleId)
  return project.name === '' ? path : `[${project.name}] ${path}`
}

function failureOf({ message, diff, stacks: [frame] = [] }: Thrown, root: string): Failure {
  return {
    message: stripVTControlCharacters(message ?? 'It failed without a message.'),
    ...(diff !== undefined && { diff: stripVTControlCharacters(diff) }),
    ...(frame && { place: `${relative(root, frame.file)}:${frame.line}:${frame.column}` }),
  }
}
