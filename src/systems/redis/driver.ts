import type { Cluster, Redis } from 'ioredis'
import { VenomError } from '../../errors.ts'
import type { Place } from './place.ts'

/** Connects the client that steps use. In a Cluster it is a `Cluster`, which has the same commands. */
export async function connectClient(place: Place, cluster: boolean): Promise<Redis> {
  const ioredis = await driver()
  const { host, port, path, username, password, database, tls } = place
  const login = password === undefined ? {} : { username: username ?? 'default', password }
  const address = path === undefined ? { host: host ?? 'localhost', port: port ?? 6379 } : { path }
  const options = { ...login, ...(tls ? { tls } : {}), lazyConnect: true }
  const nodes = [{ host: host ?? 'localhost', port: port ?? 6379 }]
  // Through `unknown`: to compare the two clients' types takes the compiler twenty seconds.
  const client = cluster
    ? (new ioredis.Cluster(nodes, { redisOptions: options, lazyConnect: true }) as unknown as Redis)
    : new ioredis.Redis({ ...address, ...options, db: database })
  // Without a listener ioredis prints every error beside rejecting the commands it fails.
  client.on('error', () => {})
  await client.connect()
  return client
}

async function driver(): Promise<{ readonly Redis: typeof Redis; readonly Cluster: typeof Cluster }> {
  try {
    return await import('ioredis')
  } catch (cause) {
    throw new VenomError(
      'DRIVER_MISSING',
      'redis: ioredis is not installed.\n' +
        'Steps reach the server through it; the application may use any client it likes.\n' +
        'npm install -D ioredis',
      { cause },
    )
  }
}
