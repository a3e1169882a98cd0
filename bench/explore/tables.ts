import type { Shop } from '../../test/explore/shop.ts'

type Store = ConstructorParameters<typeof Shop>[0]

/** What a `pg.Pool` and a client of it have in common. */
export interface Database {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>
}

/** The tables of the shop, a row each but for the orders. */
export const SCHEMA = `
  create table stock (item text primary key, left_over integer not null);
  create table carts (id integer primary key, qty integer not null, coupon boolean not null);
  create table coupons (code text primary key, used boolean not null);
  create table orders (
    id integer generated always as identity primary key, qty integer not null, coupon boolean not null,
    status text not null, intent boolean not null, paid integer not null, refunded integer not null,
    was_shipped boolean not null, was_returned boolean not null);`

/** What is in them at first. */
export const SEED = `
  insert into stock values ('lamp', 3);
  insert into carts values (1, 0, false);
  insert into coupons values ('WELCOME', false);`

/** Starting over, the fastest of the ways that leave the application its own connections: small tables are deleted from. */
export const START_OVER = `begin; delete from orders; delete from stock; delete from carts; delete from coupons; ${SEED} commit`

/** The data as one text, without ids: what somebody without rollback compares, in one round trip. */
export async function contentOf(db: Database): Promise<string> {
  const { rows } = await db.query(`select (select left_over from stock) || (select carts::text from carts)
    || (select coupons::text from coupons)
    || (select coalesce(string_agg((to_jsonb(orders) - 'id')::text, ' ' order by id), '') from orders) as content`)
  return String(rows[0]?.['content'])
}

/** The shop's data in tables, read and written as an ORM does it: a statement a table and a changed row. */
export function inTables(db: Database): Store & { latest(): string } {
  let latest = '{}'
  let before = { stock: 0, cart: '', couponUsed: false, orders: [] as { id: unknown; text: string }[] }
  return {
    async all() {
      const { rows: stocks } = await db.query('select left_over from stock where item = $1 for update', ['lamp'])
      const { rows: carts } = await db.query('select qty, coupon from carts where id = $1 for update', [1])
      const { rows: coupons } = await db.query('select used from coupons where code = $1', ['WELCOME'])
      const { rows } = await db.query(`select id, qty, coupon, status, intent, paid, refunded,
        was_shipped as "wasShipped", was_returned as "wasReturned" from orders order by id`)
      const orders = rows.map(({ id, ...order }) => ({ id, order }))
      const stock = Number(stocks[0]?.['left_over'])
      const couponUsed = coupons[0]?.['used'] === true
      before = {
        stock,
        cart: JSON.stringify(carts[0]),
        couponUsed,
        orders: orders.map(({ id, order }) => ({ id, text: JSON.stringify(order) })),
      }
      latest = JSON.stringify({ stock, cart: carts[0], couponUsed, orders: orders.map(({ order }) => order) })
      return { shop: latest }
    },
    /** The data as it was read or written last. */
    latest: () => latest,
    async put(_, text) {
      latest = text
      const { stock, cart, couponUsed, orders } = JSON.parse(text) as {
        stock: number
        cart: { qty: number; coupon: boolean }
        couponUsed: boolean
        orders: Record<string, unknown>[]
      }
      if (stock !== before.stock) await db.query('update stock set left_over = $1 where item = $2', [stock, 'lamp'])
      if (JSON.stringify(cart) !== before.cart) {
        await db.query('update carts set qty = $1, coupon = $2 where id = 1', [cart.qty, cart.coupon])
      }
      if (couponUsed !== before.couponUsed) {
        await db.query('update coupons set used = $1 where code = $2', [couponUsed, 'WELCOME'])
      }
      for (const [i, order] of orders.entries()) {
        const known = before.orders[i]
        const { qty, coupon, status, intent, paid, refunded, wasShipped, wasReturned } = order
        const values = [qty, coupon, status, intent, paid, refunded, wasShipped, wasReturned]
        if (!known) {
          await db.query(
            `insert into orders (qty, coupon, status, intent, paid, refunded, was_shipped, was_returned)
             values ($1, $2, $3, $4, $5, $6, $7, $8)`,
            values,
          )
        } else if (known.text !== JSON.stringify(order)) {
          await db.query(
            `update orders set qty = $1, coupon = $2, status = $3, intent = $4, paid = $5, refunded = $6,
             was_shipped = $7, was_returned = $8 where id = $9`,
            [...values, known.id],
          )
        }
      }
    },
  }
}
