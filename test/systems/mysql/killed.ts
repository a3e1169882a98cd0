// Opens the system, writes, and kills itself where it is told to.
import { createConnection } from 'mysql2/promise'
import { Session } from '../../../src/systems/mysql/session.ts'
import { systemOn, worker } from './bench.ts'

const [, , url = '', at] = process.argv
const system = systemOn(url)
await system.open(worker())
await system.checkpoint('start')
const app = await createConnection({ uri: url, multipleStatements: true })
await app.query("INSERT INTO users (name) VALUES ('one'); UPDATE users SET name = 'x' WHERE id = 1; DELETE FROM notes")
const inner = await system.checkpoint('inner')
await app.query(
  "INSERT INTO users (name) VALUES ('two'); DELETE FROM users WHERE id = 2; INSERT INTO notes VALUES ('two')",
)
if (at === 'migration') await app.query('TRUNCATE users')
if (at === 'rollback') {
  const run = Session.prototype.run
  Session.prototype.run = async function (statements) {
    if (statements[0] !== 'COMMIT') return run.call(this, statements)
    // The rows are put back, but not yet committed.
    process.kill(process.pid, 'SIGKILL')
    return []
  }
  await system.rollback(inner)
}
process.kill(process.pid, 'SIGKILL')
