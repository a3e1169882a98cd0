import { createRequire } from 'node:module'
import { venomqa } from 'venomqa/vitest-plugin'
import { defineConfig } from 'vitest/config'

const ready = canResolve('bullmq')
if (!ready) console.log('not run: bullmq is not installed (npm install)')
if (!ready && process.env['CI'] !== undefined) throw new Error('bullmq is not installed')

export default defineConfig({
  plugins: [venomqa({ changes: 'always' })],
  test: {
    include: ready ? ['test/**/*.test.ts'] : [],
    passWithNoTests: !ready,
    globalSetup: ready ? 'test/start-shop.ts' : [],
    // One application on one database: files run one after the other.
    fileParallelism: false,
  },
})

function canResolve(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name)
    return true
  } catch {
    return false
  }
}
