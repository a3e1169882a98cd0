import { venomqa } from 'venomqa/vitest-plugin'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [venomqa()],
  test: {
    projects: [
      { extends: true, test: { name: 'left', include: ['left.test.ts'] } },
      { extends: true, test: { name: 'right', include: ['right.test.ts'] } },
    ],
  },
})
