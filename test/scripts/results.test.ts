import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { closingLine, readVitest } from '../../scripts/results.ts'

const folder = mkdtempSync(join(tmpdir(), 'venomqa-results-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function report(
  files: readonly { status: string; assertionResults: readonly { status: string; title: string }[] }[],
): string {
  const all = files.flatMap((file) => file.assertionResults)
  const count = (status: string): number => all.filter((result) => result.status === status).length
  const file = join(folder, 'vitest.json')
  const counts = { numPassedTests: count('passed'), numFailedTests: count('failed'), numPendingTests: count('skipped') }
  writeFileSync(file, JSON.stringify({ ...counts, numTodoTests: 0, testResults: files }))
  return file
}

const passed = { status: 'passed', title: 'adds' }
const failed = { status: 'failed', title: 'subtracts' }

test('a run without skipped tests ends with passed and failed', () => {
  const results = readVitest(report([{ status: 'failed', assertionResults: [passed, failed] }]), false)
  expect(closingLine(results)).toBe('1 passed, 1 failed')
})

test('a server that is not there is named', () => {
  const skipped = { status: 'skipped', title: 'not run: mongodb is not there' }
  const results = readVitest(report([{ status: 'passed', assertionResults: [passed, skipped, skipped] }]), true)
  expect(results.notRun).toEqual(['mongodb'])
  expect(closingLine(results)).toBe('1 passed, 0 failed, 2 skipped')
})

test('a file that breaks outside its tests is one failure', () => {
  const broken = { status: 'failed', assertionResults: [{ status: 'skipped', title: 'divides' }] }
  const results = readVitest(report([{ status: 'failed', assertionResults: [failed] }, broken]), false)
  expect(closingLine(results)).toBe('0 passed, 2 failed, 1 skipped')
})

test('a run that fails with every test passed has failed', () => {
  const results = readVitest(report([{ status: 'passed', assertionResults: [passed] }]), false)
  expect(closingLine(results)).toBe('1 passed, 1 failed')
})

test('a run without a report has failed', () => {
  expect(closingLine(readVitest(join(folder, 'nothing.json'), true))).toBe('0 passed, 1 failed')
})
