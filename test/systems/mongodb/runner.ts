// A runner: opens a world, changes documents after its first mark, and waits to be killed.
import { mongodb, type MongodbOptions } from '../../../src/systems/mongodb/index.ts'
import { World } from '../../../src/world.ts'

const [url = '', options = '{}', opens = 'change'] = process.argv.slice(2)
const world = await World.open({ systems: { db: mongodb(url, JSON.parse(options) as MongodbOptions) } })
const { db } = world.systems
if (opens === 'change') {
  await db.collection('stock').updateOne({ _id: 'lamp' as never }, { $set: { left: 0 } })
  await db.collection('stock').deleteOne({ _id: 'chair' as never })
  await db.collection('orders').insertOne({ of: 'lamp' })
  await world.checkpoint('later')
  await db.collection('later').insertOne({})
}
process.send?.('ready')
setInterval(() => {}, 1000)
