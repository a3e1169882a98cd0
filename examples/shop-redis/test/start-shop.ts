import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    shop: { url: string; database: string }
  }
}

/** The database that the shop has for the tests: REDIS_URL, or number 2 of the server that this repository starts. */
function database(): string {
  const { REDIS_URL, VENOMQA_TEST_REDIS_URL } = process.env
  return REDIS_URL ?? `${VENOMQA_TEST_REDIS_URL ?? 'redis://localhost:6379'}/2`
}

/** Starts the shop and its worker as they run in production: two processes, with their own connections. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = database()
  const client = new Redis(redis, { maxRetriesPerRequest: 1 })
  // It is emptied at the end, so it must be nobody else's.
  const keys = await client.dbsize()
  if (keys > 0)
    throw new Error(`REDIS_URL must be an empty database; ${keys} keys are in ${redis.replace(/\/\/.*@/, '//')}`)
  const env = { ...process.env, REDIS_URL: redis, PORT: '0' }
  const started: ChildProcess[] = []
  const start = async (file: string): Promise<string> => {
    const cwd = new URL('..', import.meta.url)
    const child = spawn(process.execPath, [file], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] })
    started.push(child)
    const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${file} ended with code ${code}`)))
    ended.catch(() => {})
    const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), ended])
    return String(line)
  }
  const [url] = await Promise.all([start('app/main.js'), start('app/worker.js')])
  project.provide('shop', { url, database: redis })
  return async () => {
    for (const child of started) child.kill()
    await client.flushdb()
    client.disconnect()
  }
}
