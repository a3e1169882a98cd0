// A run of tests that does what it is told and is then killed: `node killed-run.ts PATH WAY STATEMENT…`.
import { sqlite } from '../../../src/systems/sqlite/index.ts'
import { World } from '../../../src/world.ts'

const [path, way, ...statements] = process.argv.slice(2) as [string, 'wal' | 'backup', ...string[]]
const world = await World.open({ systems: { db: sqlite(path, { way }) } })
const inner = await world.checkpoint('inner')
for (const statement of statements) {
  if (statement === 'rollback') await world.rollback(inner)
  else world.systems.db.exec(statement)
}
process.stdout.write('ready\n')
setInterval(() => undefined, 1000)
