/** An order as it lies in the database. */
export interface Order {
  readonly id: number
  readonly status: 'new' | 'paid' | 'shipped' | 'returned' | 'refunded'
  readonly paid: number
  readonly refunded: number
}

/** Where the orders lie. */
export interface Orders {
  all(): Promise<readonly Order[]>
  add(): Promise<Order>
  find(id: number): Promise<Order | undefined>
  save(order: Order): Promise<void>
}

/** The orders of `database`: the URL of one on PostgreSQL, or a SQLite file. */
export async function open(database: string): Promise<Orders> {
  return /^postgres(ql)?:/.test(database) ? inPostgres(database) : inSqlite(database)
}

async function inPostgres(url: string): Promise<Orders> {
  const { Pool } = await import('pg')
  const pool = new Pool({ connectionString: url, application_name: 'shop' })
  await pool.query(`create table if not exists orders (
    id integer generated always as identity primary key,
    status text not null default 'new',
    paid integer not null default 0,
    refunded integer not null default 0
  )`)
  return {
    all: async () => (await pool.query<Order>('select * from orders order by id')).rows,
    add: async () => (await pool.query<Order>('insert into orders default values returning *')).rows[0]!,
    find: async (id) => (await pool.query<Order>('select * from orders where id = $1', [id])).rows[0],
    async save({ id, status, paid, refunded }) {
      const values = [status, paid, refunded, id]
      await pool.query('update orders set status = $1, paid = $2, refunded = $3 where id = $4', values)
    },
  }
}

async function inSqlite(file: string): Promise<Orders> {
  const { default: Database } = await import('better-sqlite3')
  const db = new Database(file)
  db.pragma('journal_mode = wal')
  db.exec(`create table if not exists orders (
    id integer primary key autoincrement,
    status text not null default 'new',
    paid integer not null default 0,
    refunded integer not null default 0
  )`)
  return {
    all: async () => db.prepare<[], Order>('select * from orders').all(),
    add: async () => db.prepare<[], Order>('insert into orders default values returning *').get()!,
    find: async (id) => db.prepare<[number], Order>('select * from orders where id = ?').get(id),
    async save({ id, status, paid, refunded }) {
      db.prepare('update orders set status = ?, paid = ?, refunded = ? where id = ?').run(status, paid, refunded, id)
    },
  }
}
