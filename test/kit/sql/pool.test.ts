import { expect, test } from 'vitest'
import { BackendError, Pool } from '../../../src/kit/index.ts'

interface Fake {
  readonly id: number
  isOpen: boolean
}

/** Connections to nothing, which are counted. */
function pool(
  limits: Partial<ConstructorParameters<typeof Pool>[2]> = {},
  opening: (id: number) => unknown = () => {},
) {
  const made: Fake[] = []
  let tries = 0
  const source = {
    open: async (): Promise<Fake> => {
      await opening(++tries)
      const connection = { id: made.length + 1, isOpen: true }
      made.push(connection)
      return connection
    },
    close: async (connection: Fake): Promise<void> => void (connection.isOpen = false),
  }
  const all = { poolSize: 2, acquireTimeoutMs: 50, connectTimeoutMs: 50, ...limits }
  return { made, pool: new Pool<Fake>('fake', source, all) }
}

const lost = new BackendError({ family: 'connection', code: 'CONNECTION_REFUSED' }, 'lost', { backend: 'fake' })

test('connections are made when they are needed, and used again', async () => {
  const { pool: it, made } = pool()
  for (let i = 0; i < 5; i += 1) await it.use(() => {})
  expect(made).toHaveLength(1)
  await Promise.all(Array.from({ length: 10 }, () => it.use(async () => new Promise((done) => setTimeout(done, 1)))))
  expect(made).toHaveLength(2)
  expect(it.counts).toEqual({ open: 2, idle: 2, waiting: 0 })
})

test('a connection is given back when the work with it fails', async () => {
  const { pool: it, made } = pool({ poolSize: 1 })
  await expect(it.use(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
  expect(await it.use(({ id }) => id)).toBe(1)
  expect(made).toHaveLength(1)
})

test('a connection that was lost is not given to the next one', async () => {
  const { pool: it, made } = pool({ poolSize: 1 })
  await expect(it.use(() => Promise.reject(lost))).rejects.toBe(lost)
  expect(await it.use(({ id }) => id)).toBe(2)
  expect(made.map(({ isOpen }) => isOpen)).toEqual([false, true])
})

test('who asked first is served first', async () => {
  const { pool: it } = pool({ poolSize: 1 })
  const lease = await it.lease()
  const order: number[] = []
  const waiting = [1, 2, 3].map((n) => it.use(() => order.push(n)))
  expect(it.counts.waiting).toBe(3)
  await lease.release()
  await Promise.all(waiting)
  expect(order).toEqual([1, 2, 3])
})

test('a lease that is released twice is released once', async () => {
  const { pool: it } = pool({ poolSize: 1 })
  const lease = await it.lease()
  await Promise.all([lease.release(), lease.release(), lease.discard()])
  expect(it.counts).toEqual({ open: 1, idle: 1, waiting: 0 })
})

test('who waits too long is told who holds the connections', async () => {
  const { pool: it } = pool({ poolSize: 1 })
  const lease = await it.lease()
  await expect(it.lease()).rejects.toMatchObject({
    code: 'TIMED_OUT',
    message: expect.stringContaining('acquireTimeoutMs'),
  })
  await lease.release()
  expect(it.counts).toEqual({ open: 1, idle: 1, waiting: 0 })
})

test('a connection that could not be made takes no place', async () => {
  const { pool: it } = pool({ poolSize: 1 }, (id) => (id < 3 ? Promise.reject(lost) : undefined))
  const results = await Promise.allSettled([it.lease(), it.lease(), it.lease()])
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
  expect(it.counts.open).toBe(1)
})

test('a connection that is made too late is ended when it comes', async () => {
  const { pool: it, made } = pool({}, () => new Promise((done) => setTimeout(done, 100)))
  await expect(it.lease()).rejects.toMatchObject({
    code: 'CONNECTION_REFUSED',
    message: expect.stringContaining('50 ms'),
  })
  await expect.poll(() => made.map(({ isOpen }) => isOpen)).toEqual([false])
})

test('closing ends what is free at once, what is lent when it comes back, and refuses who waits', async () => {
  const { pool: it, made } = pool()
  const [first, second] = [await it.lease(), await it.lease()]
  await second.release()
  const third = await it.lease()
  const waiting = it.lease()
  await Promise.all([expect(waiting).rejects.toMatchObject({ code: 'CLOSED' }), it.close()])
  await first.release()
  expect(made.map(({ isOpen }) => isOpen)).toEqual([false, true])
  await third.release()
  expect(it.counts.open).toBe(0)
  await expect(it.lease()).rejects.toMatchObject({ code: 'CLOSED' })
})
