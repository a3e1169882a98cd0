import { outline, SIGNS } from '../journey/outline.ts'
import {
  type Failure,
  otherFailures,
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
    ...failed.flatMap(({ report, failures }) => [
      `### ${SIGNS.failed} ${plain(report.names.join(' › '))}`,
      ...failureBlocks(failures),
    ]),
  ]
}

function testBlocks(test: ReportedTest): string[] {
  const { name, outcome, exploration } = test
  if (!exploration && outcome === 'passed') return []
  const heading = `### ${SIGNS[outcome]} ${plain(name)}`
  const story = exploration ? [fenced('text', exploration.text), fenced('mermaid', exploration.mermaid.trimEnd())] : []
  return [heading, ...story, ...failureBlocks(otherFailures(test))]
}

function failureBlocks(failures: readonly Failure[]): string[] {
  return failures.flatMap(({ message, diff, place }) => [
    fenced('text', place === undefined ? message : `${message}\nat ${place}`),
    ...(diff === undefined ? [] : [fenced('diff', diff)]),
  ])
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
