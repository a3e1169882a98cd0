import { venomqa } from 'venomqa/vitest-plugin'
import { defineConfig } from 'vitest/config'

// The second one is what this repository calls the server that it starts for its own tests.
const server = process.env['POSTGRES_URL'] ?? process.env['VENOMQA_TEST_POSTGRES_URL'] ?? ''
if (server === '') console.log('not run: POSTGRES_URL does not say where a PostgreSQL server is')

export default defineConfig({
  plugins: [venomqa({ changes: 'always' })],
  test: {
    include: server === '' ? [] : ['test/**/*.test.ts'],
    passWithNoTests: server === '',
    env: { POSTGRES_URL: server },
    globalSetup: server === '' ? [] : 'test/start-shop.ts',
    // One application on one database: files run one after the other.
    fileParallelism: false,
  },
})
