// Makes the client of app/prisma.js, where Prisma is installed.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'

rmSync(new URL('generated', import.meta.url), { recursive: true, force: true })
try {
  const cli = createRequire(import.meta.url).resolve('prisma/build/index.js')
  // The client needs no engine. Prisma downloads that of migrations all the same, unless it is told where one is.
  const env = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, ...process.env }
  const schema = `${import.meta.dirname}/schema.prisma`
  const { status } = spawnSync(process.execPath, [cli, 'generate', '--schema', schema], { env, stdio: 'inherit' })
  process.exitCode = status ?? 1
} catch {
  console.log('skipped: app/prisma.js, because Prisma is not installed')
}
