import { existsSync } from 'node:fs'
import { venomqa } from 'venomqa/vitest-plugin'
import { defineConfig } from 'vitest/config'

// The second one is what this repository calls the server that it starts for its own tests.
const server = process.env['POSTGRES_URL'] ?? process.env['VENOMQA_TEST_POSTGRES_URL'] ?? ''
if (server === '') console.log('not run: POSTGRES_URL does not say where a PostgreSQL server is')

const applications = ['drizzle.ts', 'knex.ts', 'kysely.ts', 'typeorm.ts']
const generated = new URL('app/prisma/generated/client.ts', import.meta.url)
if (existsSync(generated)) applications.push('prisma.js')

export default defineConfig({
  plugins: [venomqa()],
  test:
    server === ''
      ? { include: [], passWithNoTests: true }
      : {
          // A project each: the same journeys, a process and a database of its own.
          projects: applications.map((name) => ({
            extends: true,
            test: {
              name: name.slice(0, -3),
              include: ['test/**/*.test.ts'],
              env: { POSTGRES_URL: server, APPLICATION: `app/${name}` },
              globalSetup: 'test/start-library.ts',
              fileParallelism: false,
            },
          })),
        },
})
