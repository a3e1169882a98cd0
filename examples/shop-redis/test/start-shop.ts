import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    redisShop: { url: string; redis: string; prefix: string }
  }
}

/**
 * Starts the application as it runs in production: the shop and its worker, each a process with connections of its own.
 * Their keys have a prefix that nobody else has, so the server may hold whatever else there is.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { REDIS_URL: redis = '' } = project.config.env
  const prefix = `shop-test-${randomUUID().slice(0, 8)}:`
  const client = new Redis(redis, { lazyConnect: true, retryStrategy: () => null })
  client.on('error', (error) => console.error(`REDIS_URL: ${error.message}`))
  await client.connect()
  const env = { ...process.env, REDIS_URL: redis, SHOP_PREFIX: prefix, PORT: '0' }
  const started = ['app/main.ts', 'app/worker.ts'].map((file) => start(file, env))
  const stop = async (): Promise<void> => {
    await Promise.all(started.map(({ end }) => end()))
    const keys = await client.keys(`${prefix}*`)
    if (keys.length > 0) await client.unlink(keys)
    client.disconnect()
  }
  try {
    const [url = ''] = await Promise.all(started.map(({ line }) => line))
    project.provide('redisShop', { url, redis, prefix })
    return stop
  } catch (error) {
    await stop()
    throw error
  }
}

interface Started {
  /** The first line that it prints, which says that it is there. */
  readonly line: Promise<string>
  end(): Promise<unknown>
}

function start(file: string, env: NodeJS.ProcessEnv): Started {
  const cwd = new URL('..', import.meta.url)
  const child = spawn(process.execPath, [file], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const failed = ended.then((code) => Promise.reject(new Error(`${file} ended with code ${code}`)))
  const printed = new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve))
  failed.catch(() => {})
  return { line: Promise.race([printed, failed]), end: () => (child.kill(), ended) }
}
