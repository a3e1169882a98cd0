import { venomqa } from 'venomqa/vitest-plugin'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [venomqa({ changes: 'always' })],
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/start-shop.ts',
    // One application on one database: files run one after the other.
    fileParallelism: false,
  },
})
