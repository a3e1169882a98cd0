// An application in a process of its own: `node app-process.mjs better-sqlite3|node:sqlite`. It opens connections and runs
// SQL on them as it is told, one JSON line for each request and each answer, and knows nothing of rollbacks.
const driver = process.argv[2]
const Database =
  driver === 'node:sqlite' ? (await import('node:sqlite')).DatabaseSync : (await import('better-sqlite3')).default
const connections = new Map()
const cursors = new Map()

const acts = {
  open({ on, path }) {
    const db = new Database(path)
    db.exec('pragma busy_timeout = 5000; pragma synchronous = normal')
    connections.set(on, { db, statements: new Map() })
  },
  close({ on }) {
    connections.get(on)?.db.close()
    connections.delete(on)
  },
  run({ on, sql, values }) {
    return Number(prepared(on, sql).run(...values).changes)
  },
  all({ on, sql, values }) {
    return prepared(on, sql).all(...values)
  },
  exec({ on, sql }) {
    connections.get(on).db.exec(sql)
  },
  /** Begins to read and stops after the first row, so that a read transaction stays open. */
  begin({ on, sql }) {
    const rows = connections.get(on).db.prepare(sql).iterate()
    rows.next()
    cursors.set(on, rows)
  },
  end({ on }) {
    cursors.get(on)?.return()
    cursors.delete(on)
  },
  /** Writes or reads in a tight loop until the next request. */
  busy({ on, sql, ms }) {
    const end = Date.now() + ms
    const statement = prepared(on, sql)
    let times = 0
    while (Date.now() < end) {
      if (/^\s*select/i.test(sql)) statement.all()
      else statement.run()
      times++
    }
    return times
  },
}

function prepared(on, sql) {
  const { db, statements } = connections.get(on)
  let statement = statements.get(sql)
  if (!statement) statements.set(sql, (statement = db.prepare(sql)))
  return statement
}

let received = ''
process.stdin.setEncoding('utf8').on('data', (text) => {
  const lines = (received + text).split('\n')
  received = lines.pop()
  for (const line of lines) answer(JSON.parse(line))
})

function answer({ id, act, ...request }) {
  let said
  try {
    said = { id, result: acts[act](request) ?? null }
  } catch (error) {
    said = { id, error: error.message, code: error.code }
  }
  process.stdout.write(`${JSON.stringify(said)}\n`)
}
