import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Client as SearchClient } from 'elasticsearch8'
import { Client } from 'pg'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    catalogue: { url: string; database: string; server: string; index: string }
  }
}

/** Starts the application as it runs in production: its own process, on a fresh database and an index of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { POSTGRES_URL = '', ELASTICSEARCH_URL: server = '' } = project.config.env
  const admin = new Client(POSTGRES_URL)
  await admin.connect()
  const name = `catalogue_test_${randomUUID().slice(0, 8)}`
  await admin.query(`create database ${name}`)
  const database = Object.assign(new URL(POSTGRES_URL), { pathname: `/${name}` }).href
  const env = { ...process.env, POSTGRES_URL: database, ELASTICSEARCH_URL: server, PRODUCTS_INDEX: name, PORT: '0' }
  const cwd = new URL('..', import.meta.url)
  const app = spawn(process.execPath, ['app/main.ts'], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(app, 'exit')
  const stop = async (): Promise<void> => {
    app.kill()
    await ended
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
    const search = new SearchClient({ node: server })
    await search.indices.delete({ index: name, ignore_unavailable: true })
    await search.close()
  }
  const line = once(createInterface(app.stdout), 'line') as Promise<[string]>
  const failed = ended.then(([code]) => Promise.reject(new Error(`the application ended with code ${code}`)))
  failed.catch(() => {})
  try {
    const [url] = await Promise.race([line, failed])
    project.provide('catalogue', { url, database, server, index: name })
    return stop
  } catch (error) {
    await stop()
    throw error
  }
}
