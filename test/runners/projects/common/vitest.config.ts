import { venomqa } from 'venomqa/vitest-plugin'
import { defineConfig } from 'vitest/config'

export default defineConfig({ plugins: [venomqa()], test: { include: ['*.test.ts'] } })
