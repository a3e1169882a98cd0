import { createPool, type Pool, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise'
import type { Subject } from '../../../src/kit/index.ts'
import { mysql, type SharedMysql, type SharedOptions } from '../../../src/systems/mysql/index.ts'
import { type Database, makeDatabase } from './database.ts'

const TABLES = `
  CREATE TABLE kv (k VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, v LONGTEXT NOT NULL);
  CREATE TABLE numbered (id INT AUTO_INCREMENT PRIMARY KEY);
`
const PUT = 'INSERT INTO kv VALUES (?, ?) ON DUPLICATE KEY UPDATE v = VALUES(v)'

/**
 * A subject for the conformance kit: an application in this process, which handed over its pool. It has no `begin`, for
 * what reads beside an open transaction waits for its end, and changes no schema, for that is refused: see shared.test.ts.
 */
export async function openShared(
  server: string,
  options: SharedOptions = {},
): Promise<Subject & { readonly system: SharedMysql; readonly pool: Pool; readonly database: Database }> {
  const database = await makeDatabase(server, TABLES)
  const pool = createPool({ uri: database.url, connectionLimit: 3 })
  const all = async (): Promise<Record<string, string>> => {
    const [rows] = await pool.query<RowDataPacket[]>('SELECT k, v FROM kv')
    return Object.fromEntries(rows.map(({ k, v }) => [k, v]))
  }
  return {
    database,
    pool,
    system: mysql.shared(pool, options),
    put: async (key, value) => void (await pool.execute(PUT, [key, value])),
    remove: async (key) => void (await pool.query('DELETE FROM kv WHERE k = ?', [key])),
    putMany: async (entries) => {
      const connection = await pool.getConnection()
      await connection.beginTransaction()
      for (const [key, value] of Object.entries(entries)) await connection.execute(PUT, [key, value])
      await connection.commit()
      connection.release()
    },
    all,
    fail: async () => void (await pool.query("INSERT INTO kv VALUES ('refused', NULL)")),
    other: {
      put: async (key, value) => {
        const connection = await pool.getConnection()
        await connection.query('REPLACE INTO kv VALUES (?, ?)', [key, value])
        connection.release()
      },
      remove: async (key) => void (await pool.execute('DELETE FROM kv WHERE k = ?', [key])),
    },
    connections: async () => {
      const [rows] = await pool.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id')
      return String(rows[0]?.['id'])
    },
    generate: async () => {
      const [{ insertId }] = await pool.query<ResultSetHeader>('INSERT INTO numbered () VALUES ()')
      return String(insertId)
    },
    leftovers: () => database.leftovers(),
    dispose: async () => {
      await pool.end()
      await database[Symbol.asyncDispose]()
    },
  }
}
