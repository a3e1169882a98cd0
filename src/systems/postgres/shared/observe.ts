import type { ClientBase } from 'pg'
import { type Answer, answersOf, AS_TEXT } from '../control.ts'
import { type Content, type Readable, readTables } from '../observe.ts'
import type { SharedConnection } from './connection.ts'

/** A table as it is shown: what it is called, and by what the server counts its changes. */
interface Shown extends Readable {
  readonly shown: string
  /** What the server counted in it since the transaction began, and where it is stored; empty when it does not count. */
  readonly moved: string
}

interface Read {
  readonly content: Content
  readonly moved: string
}

/** The tables of the user, each with what the transaction did to it and to its partitions. */
const TABLES = `
  select case n.nspname when 'public' then c.relname else n.nspname || '.' || c.relname end as shown,
    format('%s%I.%I', case when c.relkind = 'p' then '' else 'only ' end, n.nspname, c.relname) as name,
    (select to_json((
        select array_agg(attname order by place) from unnest(k.indkey::int2[]) with ordinality as part (number, place)
        join pg_attribute on attrelid = c.oid and attnum = number where place <= k.indnkeyatts))
      from pg_index k where indrelid = c.oid and indisprimary) as key,
    case when current_setting('track_counts')::bool then (
      select string_agg(concat_ws(' ', l.oid, l.relfilenode, pg_stat_get_xact_tuples_inserted(l.oid),
        pg_stat_get_xact_tuples_updated(l.oid), pg_stat_get_xact_tuples_deleted(l.oid)), ',' order by l.oid)
      from pg_class l where l.oid = c.oid or l.oid in (select relid from pg_partition_tree(c.oid)))
    else '' end as moved
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and c.relpersistence <> 't' and not c.relispartition
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = c.oid and deptype = 'e')
  order by shown`

/** What the tables hold, reading only those again that the transaction wrote to since they were read. */
export class SharedObserved {
  readonly #read = new Map<string, Read>()
  readonly #atMark = new Map<number, ReadonlyMap<string, Read>>()

  async look(shared: SharedConnection): Promise<Record<string, Content>> {
    return shared.aside(async (client) => {
      const run = (text: string): Promise<Answer[]> => answersOf(client, text)
      await run(AS_TEXT)
      const tables = await this.tables(client)
      const stale = tables.filter(({ shown, moved }) => moved === '' || this.#read.get(shown)?.moved !== moved)
      const contents = await readTables(run, stale)
      for (const [i, { shown, moved }] of stale.entries()) this.#read.set(shown, { content: contents[i]!, moved })
      return Object.fromEntries(tables.map(({ shown }) => [shown, this.#read.get(shown)!.content]))
    })
  }

  /** All tables of the user. */
  async tables(client: ClientBase): Promise<Shown[]> {
    const [answer] = await answersOf(client, TABLES)
    return answer!.rows.map(([shown, name, key, moved]) => ({
      shown: shown!,
      name: name!,
      key: JSON.parse(key ?? '[]'),
      moved: moved ?? '',
    }))
  }

  marked(mark: number): void {
    this.#atMark.set(mark, new Map(this.#read))
  }

  /** What was read since then may be of a state that is undone, though as much was written. */
  rolledBack(mark: number): void {
    this.#read.clear()
    for (const [shown, read] of this.#atMark.get(mark) ?? []) this.#read.set(shown, read)
    this.released(mark + 1)
  }

  /** Nobody goes back to this mark or a later one. */
  released(mark: number): void {
    for (const known of this.#atMark.keys()) if (known >= mark) this.#atMark.delete(known)
  }

  forget(): void {
    this.#read.clear()
    this.#atMark.clear()
  }
}
