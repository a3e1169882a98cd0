import { existsSync, readFileSync } from 'node:fs'

/** What a run came to, and the servers whose tests did not run. */
export interface Results {
  passed: number
  failed: number
  skipped: number
  readonly notRun: string[]
}

interface VitestJson {
  readonly success: boolean
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly {
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly title: string }[]
  }[]
}

/** Reads the file of Vitest's JSON reporter. A file that failed outside its tests, or no report at all, is a failure. */
export function readVitest(file: string, ok: boolean): Results {
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0, notRun: [] }
  const json: VitestJson = JSON.parse(readFileSync(file, 'utf8'))
  const broken = json.testResults.filter(({ status, assertionResults }) => {
    return status === 'failed' && !assertionResults.some((result) => result.status === 'failed')
  })
  const failed = json.numFailedTests + broken.length
  const titles = json.testResults.flatMap((result) => result.assertionResults.map(({ title }) => title))
  return {
    passed: json.numPassedTests,
    failed: ok ? failed : Math.max(failed, 1), // an error outside any test
    skipped: json.numPendingTests + json.numTodoTests,
    notRun: [...new Set(titles.flatMap((title) => /^not run: (\S+) /.exec(title)?.[1] ?? []))],
  }
}

/** The last line of a run. */
export function closingLine({ passed, failed, skipped }: Results): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
