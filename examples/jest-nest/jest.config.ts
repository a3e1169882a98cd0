import type { Config } from 'jest'

// The second one is what this repository calls the server that it starts for its own tests.
const server = process.env['POSTGRES_URL'] ?? process.env['VENOMQA_TEST_POSTGRES_URL'] ?? ''
if (server === '') console.log('not run: POSTGRES_URL does not say where a PostgreSQL server is')
else process.env['POSTGRES_URL'] = server

export default {
  preset: 'venomqa',
  transform: { '\\.ts$': ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } } }] },
  ...(server === ''
    ? { testMatch: ['none'], passWithNoTests: true }
    : { globalSetup: './test/start-app.ts', globalTeardown: './test/stop-app.ts' }),
  // One application on one database: files run one after the other.
  maxWorkers: 1,
} satisfies Config
