import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, extname } from 'node:path'
import { VenomError } from '../../errors.ts'
import type { ExploreReport } from '../report.ts'
import { toDot } from './dot.ts'
import { toHtml } from './html.ts'
import { toJson } from './json.ts'
import { toMermaid } from './mermaid.ts'

const WRITERS: Readonly<Record<string, (report: ExploreReport) => string>> = {
  '.html': toHtml,
  '.json': toJson,
  '.mmd': ({ graph }) => toMermaid(graph),
  '.dot': ({ graph }) => toDot(graph),
}

/** What writes reports to `file`, in the form that its extension says. Throws `BAD_ARGUMENT`. */
export function writerTo(file: string): (report: ExploreReport) => void {
  const write = WRITERS[extname(file)]
  if (write) {
    return (report) => {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, write(report))
    }
  }
  throw new VenomError(
    'BAD_ARGUMENT',
    `The report cannot be written to ${file}.\n` +
      'Its form is told by the extension, and this one is not known.\n' +
      `Use one of ${Object.keys(WRITERS).join(', ')}.`,
  )
}

/** Writes a report to a file, in the form that its extension says. Throws `BAD_ARGUMENT`. */
export function writeReport(report: ExploreReport, file: string): void {
  writerTo(file)(report)
}
