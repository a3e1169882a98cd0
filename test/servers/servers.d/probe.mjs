// Is a server healthy? node probe.mjs KIND URL  (exit 0: yes)
// KIND: postgres | mysql | redis | mongodb | mongodb-init | http | browser
// Speaks just enough of each wire protocol; needs no npm package.
import net from 'node:net'

const [kind, target] = process.argv.slice(2)
const url = new URL(target)
const host = url.hostname.replace(/^\[|\]$/g, '')
const standardPort = { postgres: 5432, mysql: 3306, redis: 6379, mongodb: 27017, http: 9200, browser: 9222 }[
  kind.split('-')[0]
]
const port = Number(url.port || standardPort)
setTimeout(() => fail('timeout'), 5000).unref()

function fail(why) {
  console.error(`${kind} at ${host}:${port}: ${why}`)
  process.exit(1)
}

/** Opens a connection, sends `first` if given; `read(buffer)` gets all bytes so far until it returns a value. */
function exchange(first, read) {
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0)
    const socket = net.connect(port, host, () => first && socket.write(first))
    socket.on('data', (chunk) => {
      seen = Buffer.concat([seen, chunk])
      const value = read(seen)
      if (value !== undefined) {
        socket.destroy()
        resolve(value)
      }
    })
    socket.on('error', (e) => reject(new Error(e.code ?? e.message)))
    socket.on('close', () => reject(new Error('closed')))
  })
}

// --- postgres: a startup message is answered by R (authentication), or by E while starting up
async function postgres() {
  const user = decodeURIComponent(url.username) || 'postgres'
  const database = url.pathname.slice(1) || user
  const body = Buffer.from(`\0\x03\0\0user\0${user}\0database\0${database}\0\0`, 'latin1')
  const size = Buffer.alloc(4)
  size.writeUInt32BE(body.length + 4)
  const answer = await exchange(Buffer.concat([size, body]), (b) => (b.length ? b.toString('latin1') : undefined))
  if (answer[0] !== 'R') throw new Error(answer.slice(5).replace(/\0+/g, ' ').trim() || 'no postgres')
}

// --- mysql: the server speaks first, protocol version 10 (0xff: an error)
async function mysql() {
  const first = await exchange(null, (b) => (b.length > 4 ? b[4] : undefined))
  if (first !== 10) throw new Error('it refuses connections')
}

// --- redis: PING; -NOAUTH is an answer of a healthy server too, -LOADING is not
async function redis() {
  const answer = await exchange('PING\r\n', (b) => (b.includes('\r\n') ? b.toString() : undefined))
  if (!/^(\+PONG|-NOAUTH)/.test(answer)) throw new Error(answer.trim())
}

// --- mongodb: OP_MSG with a minimal BSON (string, int32, object, array, boolean)
function bson(doc) {
  const parts = Object.entries(doc).map(([key, v]) => {
    const name = Buffer.from(key + '\0')
    if (typeof v === 'boolean') return Buffer.concat([Buffer.of(8), name, Buffer.of(v ? 1 : 0)])
    if (typeof v === 'number') {
      const n = Buffer.alloc(4)
      n.writeInt32LE(v)
      return Buffer.concat([Buffer.of(16), name, n])
    }
    if (typeof v === 'string') {
      const n = Buffer.alloc(4)
      n.writeInt32LE(Buffer.byteLength(v) + 1)
      return Buffer.concat([Buffer.of(2), name, n, Buffer.from(v + '\0')])
    }
    return Buffer.concat([Buffer.of(Array.isArray(v) ? 4 : 3), name, bson(v)])
  })
  const body = Buffer.concat([...parts, Buffer.of(0)])
  const size = Buffer.alloc(4)
  size.writeInt32LE(body.length + 4)
  return Buffer.concat([size, body])
}

function parse(b, at = 0) {
  const doc = {}
  const text = (from) => b.toString('utf8', from, b.indexOf(0, from))
  for (let i = at + 4; b[i] !== 0;) {
    const type = b[i],
      key = text(i + 1)
    i += 2 + Buffer.byteLength(key)
    if (type === 1) {
      doc[key] = b.readDoubleLE(i)
      i += 8
    } else if (type === 2) {
      const n = b.readInt32LE(i)
      doc[key] = b.toString('utf8', i + 4, i + 3 + n)
      i += 4 + n
    } else if (type === 3 || type === 4) {
      doc[key] = parse(b, i)
      i += b.readInt32LE(i)
    } else if (type === 5) i += 5 + b.readInt32LE(i)
    else if (type === 7) i += 12
    else if (type === 8) {
      doc[key] = b[i] === 1
      i += 1
    } else if (type === 16) {
      doc[key] = b.readInt32LE(i)
      i += 4
    } else if (type === 9 || type === 17 || type === 18) {
      doc[key] = Number(b.readBigInt64LE(i))
      i += 8
    } else if (type !== 10) throw new Error(`BSON type ${type} in the reply`)
  }
  return doc
}

function command(doc) {
  const body = bson({ ...doc, $db: 'admin' })
  const head = Buffer.alloc(21) // length, id, reply to, OP_MSG, flags, section kind 0
  head.writeInt32LE(21 + body.length, 0)
  head.writeInt32LE(1, 4)
  head.writeInt32LE(2013, 12)
  return exchange(Buffer.concat([head, body]), (b) =>
    b.length >= 4 && b.length >= b.readInt32LE(0) ? parse(b, 21) : undefined,
  )
}

async function mongodb() {
  const hello = await command({ hello: 1 })
  if (hello.isWritablePrimary !== true) throw new Error('not a writable primary')
}

/** Makes a replica set of this one member, or gives the set the new port if it has changed. */
async function initReplicaSet() {
  const set = url.searchParams.get('replicaSet')
  const members = [{ _id: 0, host: `${host}:${port}` }]
  const made = await command({ replSetInitiate: { _id: set, members } })
  if (made.ok === 1) return
  if (made.codeName !== 'AlreadyInitialized') throw new Error(made.errmsg)
  if ((await command({ hello: 1 })).setName) return // a member of its own set: nothing to do
  const moved = await command({ replSetReconfig: { _id: set, version: 1, protocolVersion: 1, members }, force: true })
  if (moved.ok !== 1) throw new Error(moved.errmsg)
}

// --- elasticsearch, opensearch
async function http() {
  await get('/_cluster/health?wait_for_status=yellow&timeout=4s')
}

// --- chromium's debugging port
async function browser() {
  await get('/json/version')
}

async function get(path) {
  const answer = await fetch(new URL(path, url))
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`)
}

const probes = { postgres, mysql, redis, mongodb, 'mongodb-init': initReplicaSet, http, browser }
try {
  await probes[kind]()
  process.exit(0)
} catch (e) {
  fail(e.cause?.code ?? e.message)
}
