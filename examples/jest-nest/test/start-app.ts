import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Client } from 'pg'

/** Starts the application as it runs in production: its own process, its own pool, on a fresh database. */
export default async function setup(): Promise<void> {
  const { POSTGRES_URL = '' } = process.env
  const server = new Client(POSTGRES_URL)
  await server.connect()
  const name = `box_office_test_${randomUUID().slice(0, 8)}`
  await server.query(`create database ${name}`)
  const database = Object.assign(new URL(POSTGRES_URL), { pathname: `/${name}` }).href
  const app = spawn(process.execPath, ['--import', './app/swc.ts', 'app/main.ts'], {
    env: { ...process.env, POSTGRES_URL: database, PORT: '0' },
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
  const failed = ended.then(([code]) => Promise.reject(new Error(`the application ended with code ${code}`)))
  failed.catch(() => {})
  try {
    const [url] = await Promise.race([line, failed])
    Object.assign(process.env, { APP_URL: url, APP_DATABASE: database }) // for the workers
    Object.assign(globalThis, { stopApp: stop })
  } catch (error) {
    await stop()
    throw error
  }
}
