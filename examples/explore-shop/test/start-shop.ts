import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    shop: { url: string; database: string }
  }
}

/** Starts the application as it runs in production: its own process, its own connection, on a fresh database. */
export default async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'explore-shop-test-'))
  const database = join(folder, 'shop.db')
  const app = spawn(process.execPath, ['app/main.ts'], {
    cwd: new URL('..', import.meta.url),
    env: { ...process.env, SHOP_DATABASE: database, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [url] = (await Promise.race([
    createInterface(app.stdout)
      [Symbol.asyncIterator]()
      .next()
      .then(({ value }) => [value]),
    new Promise<never>((_, reject) =>
      app.once('exit', (code) => reject(new Error(`the shop ended with code ${code}`))),
    ),
  ])) as [string]
  project.provide('shop', { url, database })
  return () => {
    app.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}
