// A runner: opens a world, changes keys after its first mark, and waits to be killed.
import { World } from '../../../src/world.ts'
import { redis, type RedisOptions } from '../../../src/systems/redis/index.ts'

const [url = '', options = '{}', change = 'set', opens = 'change'] = process.argv.slice(2)
const world = await World.open({ systems: { cache: redis(url, JSON.parse(options) as RedisOptions) } })
const { cache } = world.systems
if (opens === 'change') {
  const prefix = (JSON.parse(options) as { prefix?: string }).prefix ?? ''
  if (change === 'flush') await cache.flushdb()
  await cache.set(`${prefix}stock`, '0')
  await cache.rpush(`${prefix}orders`, '1', '2')
  await world.checkpoint('later')
  await cache.set(`${prefix}later`, '1')
}
process.send?.('ready')
setInterval(() => {}, 1000)
