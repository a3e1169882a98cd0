import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { TestProject } from 'vitest/node'
import { makeDatabase } from './database.ts'

declare module 'vitest' {
  interface ProvidedContext {
    shop: { url: string; database: string }
  }
}

/** Starts the application as it runs in production: its own process, its own connections, on a fresh database. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { database, drop } = await makeDatabase()
  const app = spawn(process.execPath, ['app/main.ts'], {
    cwd: new URL('..', import.meta.url),
    env: { ...process.env, SHOP_DATABASE: database, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(app, 'exit')
  const stop = async (): Promise<void> => {
    app.kill()
    await ended
    await drop()
  }
  const line = once(createInterface(app.stdout), 'line') as Promise<[string]>
  const failed = ended.then(([code]) => Promise.reject(new Error(`the shop ended with code ${code}`)))
  failed.catch(() => {})
  try {
    const [url] = await Promise.race([line, failed])
    project.provide('shop', { url, database })
    return stop
  } catch (error) {
    await stop()
    throw error
  }
}
