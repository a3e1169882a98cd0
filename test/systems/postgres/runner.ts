// A run that is killed: it opens a system, takes marks, writes, and says how far it is.
import pg from 'pg'
import { postgres } from '../../../src/systems/postgres/index.ts'

const [url, what] = process.argv.slice(2)
const system = postgres(url!)
await system.open({ id: '3', runner: 'none', runId: 'killed', notice: (text) => process.send?.(text) })
const application = new pg.Client({ connectionString: url, application_name: 'shop' })
await application.connect()

const first = await system.checkpoint('first of the killed run')
await application.query(`insert into orders values (100, 'by the killed run'); select nextval('numbers')`)
await system.checkpoint('second')
if (what === 'schema') await application.query('alter table orders add column more int')
if (what === 'rollback') {
  await application.query(`insert into orders select g, 'bulk' from generate_series(1000, 40000) g`)
  await application.query(`update orders set status = 'changed'`)
  process.send?.('rolling back')
  await system.rollback(first)
} else {
  await application.query(`update orders set status = 'changed'; truncate empty`)
  process.send?.('written')
}
setInterval(() => undefined, 1000)
