import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { MongoClient } from 'mongodb'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    mongodbShop: { url: string; database: string }
  }
}

/** Starts the application as it runs in production: its own process, its own connections, on a fresh database. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = project.config.env['MONGODB_URL'] ?? ''
  const name = `shop_test_${randomUUID().slice(0, 8)}`
  const database = Object.assign(new URL(server), { pathname: `/${name}` }).href
  const app = spawn(process.execPath, ['app/main.ts'], {
    cwd: new URL('..', import.meta.url),
    env: { ...process.env, MONGODB_URL: database, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(app, 'exit')
  const stop = async (): Promise<void> => {
    app.kill()
    await ended
    const client = await MongoClient.connect(server)
    await client.db(name).dropDatabase()
    await client.close()
  }
  const line = once(createInterface(app.stdout), 'line') as Promise<[string]>
  const failed = ended.then(([code]) => Promise.reject(new Error(`the shop ended with code ${code}`)))
  failed.catch(() => {})
  try {
    const [url] = await Promise.race([line, failed])
    project.provide('mongodbShop', { url, database })
    return stop
  } catch (error) {
    await stop()
    throw error
  }
}
