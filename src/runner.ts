import type { Group, JourneyNode, Mode, Path } from './journey/tree.ts'

/** The few functions we need of a test runner. */
export interface Runner {
  /** Declares a group of tests; `body` declares what is in it. */
  group(name: string, mode: Mode, site: Error, body: () => void): void
  /** Declares the test that runs `path`. */
  path(path: Path): void
  /** Has `end` called once after the last test of the group that is being declared. */
  afterGroup(end: () => Promise<void>): void
}

/** Declares a journey's paths as tests, in groups by branch. `end` is called when the last of several has run. */
export function declareJourney({ root }: JourneyNode, runner: Runner, end: () => Promise<void>): void {
  const declare = (node: Group | Path, isRoot: boolean): void => {
    if (node.kind === 'path') return runner.path(node)
    runner.group(node.name, node.mode, node.site, () => {
      for (const child of node.children) declare(child, false)
      if (isRoot) runner.afterGroup(end)
    })
  }
  declare(root, true)
}
