import type { Subject } from '../../../src/kit/index.ts'
import { mysql, type MysqlOptions } from '../../../src/systems/mysql/index.ts'
import { type Database, makeDatabase } from './database.ts'
import { Application } from './process.ts'

const TABLES = `
  CREATE TABLE kv (k VARCHAR(200) CHARACTER SET utf8mb4 COLLATE COLLATION PRIMARY KEY, v LONGTEXT CHARACTER SET utf8mb4 NOT NULL);
  CREATE TABLE numbered (id INT AUTO_INCREMENT PRIMARY KEY, at DATETIME DEFAULT CURRENT_TIMESTAMP);
`
const PUT = 'INSERT INTO kv (k, v) VALUES (?, ?) ON DUPLICATE KEY UPDATE v = VALUES(v)'

/** A subject for the conformance kit: an application in its own process, on a database of its own. */
export async function openSubject(
  server: string,
  flavour: 'mariadb' | 'mysql',
  options: MysqlOptions = {},
): Promise<Subject> {
  const collation = flavour === 'mariadb' ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin'
  const database = await makeDatabase(server, TABLES.replace('COLLATION', collation))
  const application = Application.on(database.url)
  return {
    system: mysql(database.url, options),
    put: async (key, value) => void (await application.sql(PUT, key, value)),
    remove: async (key) => void (await application.sql('DELETE FROM kv WHERE k = ?', key)),
    putMany: async (entries) => {
      await application.sql(
        'INSERT INTO kv (k, v) VALUES ? ON DUPLICATE KEY UPDATE v = VALUES(v)',
        Object.entries(entries),
      )
    },
    all: async () => {
      const rows = await application.sql('SELECT k, v FROM kv ORDER BY k')
      return Object.fromEntries(rows.map(({ k, v }) => [k, v]))
    },
    fail: async () => {
      try {
        await application.on(
          'refused',
          "START TRANSACTION; INSERT INTO kv VALUES ('refused', '1'); INSERT INTO kv VALUES ('twice', '1'), ('twice', '2')",
        )
      } finally {
        await application.on('refused', 'ROLLBACK')
      }
    },
    other: {
      put: async (key, value) =>
        void (await database.sql(PUT.replace('?, ?', () => `${quoted(key)}, ${quoted(value)}`))),
      remove: async (key) => void (await database.sql(`DELETE FROM kv WHERE k = ${quoted(key)}`)),
    },
    begin: async () => {
      await application.on('in flight', 'START TRANSACTION')
      return {
        put: async (key, value) => void (await application.on('in flight', PUT, key, value)),
        commit: async () => void (await application.on('in flight', 'COMMIT')),
        rollback: async () => void (await application.on('in flight', 'ROLLBACK')),
      }
    },
    crash: async () => {
      const killed = await Application.alone(database.url)
      await killed.on('in flight', "START TRANSACTION; INSERT INTO kv VALUES ('killed', '1')")
      await killed.kill()
    },
    connections: async () => {
      const names = ['one', 'two', 'three']
      const rows = await Promise.all(names.map((name) => application.on(name, 'SELECT CONNECTION_ID() AS id')))
      return rows.map(([row]) => row!['id']).join()
    },
    generate: async () => String(await application.insert('INSERT INTO numbered () VALUES ()')),
    reshape: async () => void (await application.sql('ALTER TABLE kv ADD COLUMN more INT DEFAULT 1')),
    create: async () => {
      await application.sql(
        'CREATE TABLE made (id INT AUTO_INCREMENT PRIMARY KEY, x INT); INSERT INTO made (x) VALUES (1)',
      )
    },
    shape: () => shapeOf(database),
    leftovers: () => database.leftovers(),
    dispose: async () => {
      await application[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

/** Every definition there is, without counters, and without what the server writes down in two ways. */
export async function shapeOf(database: Database): Promise<string> {
  const tables = (await database.sql('SHOW FULL TABLES')).map((row) => Object.values(row)[0] as string)
  const shapes: string[] = []
  for (const table of tables) {
    const [row] = await database.sql(`SHOW CREATE TABLE \`${table.replaceAll('`', '``')}\``)
    shapes.push(
      String(Object.values(row!)[1])
        .replace(/ AUTO_INCREMENT=\d+/, '')
        .replaceAll(/ CHARACTER SET \w+ COLLATE /g, ' COLLATE '),
    )
  }
  return shapes.join('\n')
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`
}
