import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Client } from 'pg'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    library: { url: string; database: string }
  }
}

/** Starts the application as it runs in production: its own process, its own pool, on a fresh database. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = new Client(project.config.env['POSTGRES_URL'])
  await server.connect()
  const name = `library_test_${randomUUID().slice(0, 8)}`
  await server.query(`create database ${name}`)
  const database = Object.assign(new URL(project.config.env['POSTGRES_URL'] ?? ''), { pathname: `/${name}` }).href
  const app = spawn(process.execPath, [project.config.env['APPLICATION'] ?? ''], {
    cwd: new URL('..', import.meta.url),
    env: { ...process.env, DATABASE_URL: database, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(app, 'exit')
  const stop = async (): Promise<void> => {
    app.kill()
    await ended
    await server.query(`drop database ${name} with (force)`)
    await server.end()
  }
  const line = once(createInterface(app.stdout), 'line') as Promise<[string]>
  const failed = ended.then(([code]) => Promise.reject(new Error(`the library ended with code ${code}`)))
  failed.catch(() => {})
  try {
    const [url] = await Promise.race([line, failed])
    project.provide('library', { url, database })
    return stop
  } catch (error) {
    await stop()
    throw error
  }
}
