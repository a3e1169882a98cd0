import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect, test } from 'vitest'
import { World } from '../../src/world.ts'
import { Store, thrownBy } from './store.ts'

test('a server that api starts is closed with the world, after the way back and before the systems', async () => {
  const calls: string[] = []
  const db = new Store()
  const server = createServer()
  server.on('close', () => calls.push('server closed'))
  await using world = await World.open({
    systems: { db: Object.assign(db, { close: () => calls.push('system closed') }) },
    api: async () => {
      server.listen(0)
      await once(server, 'listening')
      return server
    },
    afterRollback: ({ api }) => calls.push(api.listening ? 'told' : 'told too late'),
  })
  expect(world.api.listening).toBe(true)
  await world.close()
  expect(server.listening).toBe(false)
  expect(calls).toEqual(['told', 'server closed', 'system closed'])
})

test('a child process that api starts is ended also when the world does not open', async () => {
  const app = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  const ended = once(app, 'exit')
  const db = new Store()
  db.checkpoint = () => {
    throw new Error('no room')
  }
  await expect(World.open({ systems: { db }, api: () => app })).rejects.toMatchObject({ code: 'CHECKPOINT_FAILED' })
  expect(await ended).toEqual([null, 'SIGTERM'])
})

test('one that cannot be ended is named, and the systems are closed all the same', async () => {
  let closed = 0
  const world = await World.open({
    systems: { db: Object.assign(new Store(), { close: () => (closed += 1) }) },
    api: () => ({ [Symbol.asyncDispose]: () => Promise.reject(new Error('it hangs')) }),
  })
  expect(await thrownBy(() => world.close())).toMatchObject({
    code: 'CLOSE_FAILED',
    message: 'api could not be closed: it hangs',
  })
  expect(closed).toBe(1)
})

test('a client that answers to any name is left alone', async () => {
  const asked: (string | symbol)[] = []
  const anything: object = new Proxy(() => undefined, {
    get: (_, name) => (asked.push(name), name === 'then' ? undefined : anything),
  })
  const world = await World.open({ systems: { db: new Store() }, api: () => anything })
  await world.close()
  expect(asked).not.toContain(Symbol.asyncDispose)
  expect(asked).not.toContain(Symbol.dispose)
})
