import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { inspect } from 'node:util'
import { VenomError } from '../errors.ts'
import { drawer } from './drawing.ts'
import { toMarkdown } from './markdown.ts'
import { toPage } from './page.ts'
import type { RunReport } from './run.ts'

/** Files for a report of the run, relative to the project's root. */
export interface ReportFiles {
  /** A page for the browser. */
  readonly html?: string
  /** Markdown, for a summary in CI or a comment. */
  readonly markdown?: string
}

/** Throws `BAD_ARGUMENT` for an option that is not known, or is no path. `others` are those that the runner's part has. */
export function checkReport(given: object, others: readonly string[] = []): void {
  for (const [name, value] of Object.entries(given)) {
    if (others.includes(name)) continue
    const known = name === 'html' || name === 'markdown'
    if (known && (value === undefined || (typeof value === 'string' && value !== ''))) continue
    throw new VenomError(
      'BAD_ARGUMENT',
      `${known ? `"${name}" of the report is ${inspect(value)}, which is no path` : `A report has no option "${name}"`}.\n` +
        'The report would not be written, without a word.\n' +
        `Its options are ${['html', 'markdown', ...others].join(', ')}: html: 'report/index.html'.`,
    )
  }
}

/** Writes the report of a run to the files that are wanted. */
export async function writeReports(run: RunReport, { html, markdown }: ReportFiles, root: string): Promise<void> {
  const write = (file: string, text: string): void => {
    const path = resolve(root, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  if (markdown !== undefined) write(markdown, toMarkdown(run))
  if (html === undefined) return
  const explores = run.files.some(({ tests }) => tests.some(({ exploration }) => exploration))
  write(html, toPage(run, explores ? await drawer() : undefined))
}
