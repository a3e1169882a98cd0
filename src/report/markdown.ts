import { outline, SIGNS } from '../journey/outline.ts'
import {
  type Failure,
  type ReportedFile,
  type ReportedPath,
  type ReportedTest,
  type RunReport,
  totalsOf,
} from './run.ts'

/** A run as Markdown, as GitHub and GitLab show it: the tree of each journey, every failure, each exploration's graph. */
export function toMarkdown(run: RunReport): string {
  return (
    ['# Journeys', totalsOf(run) || 'Nothing ran.', ...run.files.flatMap(fileBlocks), ''].join('\n\n').trimEnd() + '\n'
  )
}

function fileBlocks({ file, journeys, tests }: ReportedFile): string[] {
  return [
    `## ${plain(file)}`,
    ...journeys.flatMap((paths) => journeyBlocks(file, paths)),
    ...tests.flatMap((test) => testBlocks(test)),
  ]
}

function journeyBlocks(file: string, paths: readonly ReportedPath[]): string[] {
  const failed = paths.filter(({ outcome }) => outcome === 'failed')
  return [
    fenced(
      'text',
      outline(paths, file)
        .map((line) => line.slice(1))
        .join('\n'),
    ),
    ...failed.flatMap(({ report, failures }) => failureBlocks(report.names.join(' › '), failures)),
  ]
}

function testBlocks({ name, outcome, failures, exploration }: ReportedTest): string[] {
  if (!exploration) return outcome === 'failed' ? failureBlocks(name, failures) : []
  const { text, mermaid } = exploration
  return [`### ${SIGNS[outcome]} ${plain(name)}`, fenced('text', text), fenced('mermaid', mermaid.trimEnd())]
}

function failureBlocks(name: string, failures: readonly Failure[]): string[] {
  const blocks = failures.flatMap(({ message, diff, place }) => [
    fenced('text', place === undefined ? message : `${message}\nat ${place}`),
    ...(diff === undefined ? [] : [fenced('diff', diff)]),
  ])
  return [`### ${SIGNS.failed} ${plain(name)}`, ...blocks]
}

/** A block with a fence that is longer than any in the text. */
function fenced(language: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${text}\n${fence}`
}

/** A name as it is, whatever Markdown or HTML it looks like. */
function plain(name: string): string {
  return name
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\\`*_[\]#|~]/g, String.raw`\$&`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
}
