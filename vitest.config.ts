import { defineConfig } from 'vitest/config'
import { runningServers } from './test/servers/running.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/runners/projects/**', '**/node_modules/**'],
    env: runningServers(),
    setupFiles: 'test/seed.ts',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
