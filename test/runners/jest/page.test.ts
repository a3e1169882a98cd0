import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { blocks } from '../../docs/blocks.ts'
import { type Format, JestProject } from '../jest-project.ts'
import { root } from '../package.ts'

vi.setConfig({ testTimeout: 120_000 })

// docs/jest.md: its test files run with each of its configurations.
const page = readFileSync(join(root, 'docs/jest.md'), 'utf8')

test.each<[heading: string, format: Format]>([
  ['swc', 'swc'],
  ['Babel', 'babel'],
  ['ES modules', 'esm'],
])('what the page says works with %s', (heading, format) => {
  const [, config = ''] = new RegExp(`^## ${heading}.*?^\`\`\`js\n(.*?)^\`\`\``, 'ms').exec(page) ?? []
  expect(config).toMatch(/^\/\/ jest\.config\.js\n/)
  using project = new JestProject('checkout', format)
  project.write('package.json', JSON.stringify({ private: true, type: format === 'esm' ? 'module' : 'commonjs' }))
  project.write('jest.config.js', config)
  mkdirSync(join(project.folder, 'test'))
  for (const { file, code } of blocks(page)) {
    project.write(file!, format === 'esm' ? code.replace("'./world'", "'./world.ts'") : code)
  }
  const { text, passed, messages } = project.run(['test/'])
  expect([...messages.values()].filter(Boolean)).toEqual([])
  expect(passed).toHaveLength(6)
  for (const line of blocks(page).flatMap(({ output }) => output)) {
    expect(text.replaceAll(/[\d.]+ ms/g, 'ms')).toContain(line.replaceAll(/[\d.]+ ms/g, 'ms'))
  }
})
