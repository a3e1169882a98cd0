import { venomqa } from 'venomqa/vitest-plugin'
import { defineConfig } from 'vitest/config'

const report = { html: 'out/report.html', markdown: 'out/report.md' }

export default defineConfig({ plugins: [venomqa({ report })], test: { include: ['*.test.ts'] } })
