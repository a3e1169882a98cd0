import { venomqa } from 'venomqa/vitest-plugin'
import { defineConfig } from 'vitest/config'

// The second one is what this repository calls the server that it starts for its own tests.
const redis = process.env['REDIS_URL'] ?? process.env['VENOMQA_TEST_REDIS_URL'] ?? ''
if (redis === '') console.log('not run: REDIS_URL does not say where a Redis server is')

export default defineConfig({
  plugins: [venomqa({ changes: 'always' })],
  test: {
    include: redis === '' ? [] : ['test/**/*.test.ts'],
    passWithNoTests: redis === '',
    env: { REDIS_URL: redis },
    globalSetup: redis === '' ? [] : 'test/start-shop.ts',
    // One application on one server: files run one after the other.
    fileParallelism: false,
  },
})
