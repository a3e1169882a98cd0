import { existsSync, globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Block, blocks } from './docs/blocks.ts'
import { Project } from './docs/project.ts'
import { notRun, server } from './servers/server.ts'

// Every ts block of README.md and docs/ is type-checked and run, as test/docs/README.md says.
const pages = ['README.md', 'test/docs/README.md', ...globSync('docs/**/*.md').toSorted()].filter((page) =>
  existsSync(page),
)

const blocksOf = new Map(pages.map((page) => [page, blocks(readFileSync(page, 'utf8'))]))

test('the blocks are typed', { timeout: 300_000 }, () => {
  const project = new Project('docs-types')
  for (const [page, all] of blocksOf) for (const block of all) project.write(page, fileOf(block), block.code)
  expect(project.check()).toEqual({ ok: true, text: '' })
})

const project = new Project('docs')
for (const [page, all] of blocksOf) {
  if (all.length === 0) continue
  describe(page, { timeout: 300_000 }, () => {
    for (const block of all) {
      const missing = block.needs.filter((name) => server(name) === undefined)
      for (const name of missing) notRun(name)
      if (missing.length === 0) test(`line ${block.line}: ${fileOf(block)}`, () => proves(page, block))
    }
  })
}

function proves(page: string, block: Block): void {
  project.write(page, fileOf(block), block.code)
  if (block.kind === 'file' || block.kind === 'no-run') return
  const { ok, text } = project.run(page, fileOf(block), urls(block))
  expect.soft(ok, text).toBe(block.kind === 'run')
  let from = 0
  for (const line of block.output) {
    const found = pattern(line).exec(text.slice(from))
    expect(found, `"${line.trim()}" is not printed, or not at this place, in:\n${text}`).not.toBeNull()
    from += (found?.index ?? 0) + (found?.[0].length ?? 0)
  }
}

function fileOf({ file, line, code }: Block): string {
  const isTest = /from '(?:vitest|venomqa\/vitest|venomqa\/jest)'/.test(code)
  return file ?? `line-${line}${isTest ? '.test' : ''}.ts`
}

/** The servers under the names that the pages use: POSTGRES_URL, REDIS_URL, and DATABASE_URL for the first. */
function urls({ needs }: Block): NodeJS.ProcessEnv {
  const named = needs.map((name) => [`${name.toUpperCase().replaceAll('-', '_')}_URL`, server(name)] as const)
  return { ...Object.fromEntries(named), ...(named[0] !== undefined && { DATABASE_URL: named[0][1] }) }
}

/** A line of output: `…` stands for anything, a duration for any duration. */
function pattern(line: string): RegExp {
  const literal = line.trim().replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
  return new RegExp(literal.replaceAll(/\d+(?:\\\.\d+)? ?(ms|s)\b/g, String.raw`[\d.]+ ?m?s`).replaceAll('…', '.*'))
}
