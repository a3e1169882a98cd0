// A process of the application: it runs the commands it is sent, as extended JSON, in the transaction they name.
import { BSON, type ClientSession, MongoClient } from 'mongodb'

const [url = '', appName = 'application'] = process.argv.slice(2)
const client = await MongoClient.connect(url, { appName })
const sessions = new Map<string, ClientSession>()

interface Request {
  readonly id: number
  readonly database: string
  readonly command: string
  /** The name of a transaction. The command `begin` opens it, `commit` and `abort` end it. */
  readonly on?: string
}

async function run({ database, command, on }: Request): Promise<unknown> {
  if (on === undefined) return client.db(database).command(BSON.EJSON.parse(command, { relaxed: false }))
  if (command === 'begin') {
    const session = client.startSession()
    session.startTransaction({ writeConcern: { w: 1 } })
    sessions.set(on, session)
    return {}
  }
  const session = sessions.get(on)
  if (!session) throw new Error(`there is no transaction ${on}`)
  if (command !== 'commit' && command !== 'abort') {
    return client.db(database).command(BSON.EJSON.parse(command, { relaxed: false }), { session })
  }
  sessions.delete(on)
  await (command === 'commit' ? session.commitTransaction() : session.abortTransaction())
  await session.endSession()
  return {}
}

process.on('message', (request: Request) => {
  run(request).then(
    (reply) => process.send?.({ id: request.id, reply: BSON.EJSON.stringify(reply, { relaxed: false }) }),
    (error: Error & { code?: unknown }) => process.send?.({ id: request.id, error: error.message, code: error.code }),
  )
})

await client.db('admin').command({ ping: 1 })
process.send?.('ready')
