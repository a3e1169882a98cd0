import { venomqa } from 'venomqa/vitest-plugin'
import { defineConfig } from 'vitest/config'

// The second ones are what this repository calls the servers that it starts for its own tests.
const { env } = process
const postgres = env['POSTGRES_URL'] ?? env['VENOMQA_TEST_POSTGRES_URL'] ?? ''
const elasticsearch = env['ELASTICSEARCH_URL'] ?? env['VENOMQA_TEST_ELASTICSEARCH_URL'] ?? ''
const missing = postgres === '' || elasticsearch === ''
if (missing) console.log('not run: POSTGRES_URL and ELASTICSEARCH_URL do not both say where a server is')

export default defineConfig({
  plugins: [venomqa({ changes: 'always' })],
  test: {
    include: missing ? [] : ['test/**/*.test.ts'],
    passWithNoTests: missing,
    env: { POSTGRES_URL: postgres, ELASTICSEARCH_URL: elasticsearch },
    globalSetup: missing ? [] : 'test/start-catalogue.ts',
    // One application on one database: files run one after the other.
    fileParallelism: false,
  },
})
