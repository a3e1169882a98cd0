import { randomBytes } from 'node:crypto'
import type { Plugin } from 'vitest/config'
import type { RunInfo } from './define.ts'
import { VenomError } from '../src/errors.ts'
import { checkReport, type ReportFiles } from '../src/report/write.ts'
import { isOwnFile } from '../src/stack.ts'
import { showPathsToStaticAnalysis } from './discovery.ts'
import { JourneyReporter, ReportWriter } from './reporter.ts'

export type { ReportFiles } from '../src/report/write.ts'
export { JourneyReporter } from './reporter.ts'

/** The options of the plugin. */
export interface PluginOptions {
  /** Whether the tree of journeys is printed beside Vitest's own report. Default true. */
  readonly reporter?: boolean
  /** Files for a report of the run, relative to Vitest's root: a page for the browser, Markdown. */
  readonly report?: ReportFiles
  /** Which paths tell what they changed. Default `'failed'`. */
  readonly changes?: RunInfo['changes']
}

/** The reporters for people: beside others, such as `json` on stdout, nothing more may be printed. */
const FOR_PEOPLE = new Set(['default', 'verbose', 'tree', 'dot'])

/**
 * The Vitest plugin: one run id for all workers, the tree of journeys after the run, lines for `file:line` filters, and
 * journeys that `vitest list` and editors can see.
 *
 * Journeys run without it as well; then `vitest list` does not see them and there is no tree.
 */
export function venomqa(options: PluginOptions = {}): Plugin {
  const terminal = process.stdout.isTTY && !process.env['CI']
  const { report, changes = 'failed' } = options
  if (report) checkReport(report)
  const graphs = report?.html !== undefined || report?.markdown !== undefined
  const run: RunInfo = { runId: randomBytes(4).toString('hex'), changes, terminal, graphs }
  return {
    name: 'venomqa',
    enforce: 'post',
    config: () => ({ test: { includeTaskLocation: true, provide: { 'venomqa:run': run } } }),
    configureVitest({ vitest, project }) {
      needsVitest41(vitest.version)
      // Every project may have loaded a plugin of its own, but they are one run.
      const provided = (vitest.config.provide ??= {}) as { 'venomqa:run'?: RunInfo }
      const { runId } = (provided['venomqa:run'] ??= run)
      project.provide('venomqa:run', { ...run, runId })
      const { onStackTrace } = project.config
      project.config.onStackTrace = (error, frame) => !isOwnFile(frame.file) && onStackTrace?.(error, frame)
      const { reporters } = vitest.config
      const names = reporters.map((reporter) => (Array.isArray(reporter) ? reporter[0] : reporter))
      const wanted =
        options.reporter !== false && names.some((name) => typeof name === 'string' && FOR_PEOPLE.has(name))
      // Called once for each project, and before the others so that the tree comes above Vitest's summary.
      if (wanted && !reporters.some((reporter) => reporter instanceof JourneyReporter))
        reporters.unshift(new JourneyReporter())
      if (report && !reporters.some((reporter) => reporter instanceof ReportWriter))
        reporters.push(new ReportWriter(report))
    },
    transform(code, id) {
      return showPathsToStaticAnalysis(code, id, (source) => this.parse(source))
    },
  }
}

function needsVitest41(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 4 || (major === 4 && minor >= 1)) return
  throw new VenomError(
    'UNSUPPORTED',
    `venomqa needs Vitest 4.1 or newer, and this is ${version}.\n` +
      'npm refuses to install the two together; pnpm and yarn only warn.\n' +
      'npm install -D vitest@latest',
  )
}
