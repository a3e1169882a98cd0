import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkReport, writeReports } from '../../src/report/write.ts'
import { venomqa } from '../../vitest-plugin/plugin.ts'
import { run } from './run.ts'

test('folders are made, and paths start at the root', async () => {
  const root = mkdtempSync(join(tmpdir(), 'venomqa-report-'))
  await writeReports(run, { html: 'a/b/page.html', markdown: join(root, 'run.md') }, root)
  expect(readFileSync(join(root, 'a/b/page.html'), 'utf8')).toMatch(/^<!doctype html>/)
  expect(readFileSync(join(root, 'run.md'), 'utf8')).toMatch(/^# Journeys/)
  rmSync(root, { recursive: true })
})

test('a misspelt option is refused, and so is what is no path', () => {
  const report = { htm: 'report.html' } as object
  expect(() => venomqa({ report })).toThrow('A report has no option "htm".\nThe report would not be written')
  expect(() => checkReport({ html: true }, ['changes'])).toThrow('"html" of the report is true, which is no path.')
  expect(() => checkReport({ html: 'report.html', changes: 'always' }, ['changes'])).not.toThrow()
})
