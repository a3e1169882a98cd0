import { venomqa } from 'venomqa/vitest-plugin'
import { defineConfig } from 'vitest/config'

// The second one is what this repository calls the server that it starts for its own tests.
const server = process.env['MONGODB_URL'] ?? process.env['VENOMQA_TEST_MONGODB_URL'] ?? ''
if (server === '') console.log('not run: MONGODB_URL does not say where a MongoDB replica set is')

export default defineConfig({
  plugins: [venomqa({ changes: 'always' })],
  test: {
    include: server === '' ? [] : ['test/**/*.test.ts'],
    passWithNoTests: server === '',
    env: { MONGODB_URL: server },
    globalSetup: server === '' ? [] : 'test/start-shop.ts',
    // One application on one database: files run one after the other.
    fileParallelism: false,
  },
})
