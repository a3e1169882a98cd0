import type { ClientBase } from 'pg'
import { asText } from './driver.ts'
import type { Readable } from './observe.ts'
import { refersToEmptied } from './reset.ts'
import { codeOf, detailOf } from './trouble.ts'

/** A table as it is shown, where nothing of ours is installed. */
export interface ListedTable extends Readable {
  readonly shown: string
  /** What this transaction did to it as the server counts it, and where it is stored; empty when it does not count. */
  readonly moved: string
}

const TABLES = {
  name: 'venomqa_tables',
  text: `
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
  order by shown`,
  types: asText,
}

/** All tables of the user, each with what the transaction did to it and to its partitions. */
export async function listTables(client: ClientBase): Promise<ListedTable[]> {
  const { rows } = await client.query<Record<'shown' | 'name' | 'key' | 'moved', string | null>>(TABLES)
  return rows.map(({ shown, name, key, moved }) => ({
    shown: shown!,
    name: name!,
    key: JSON.parse(key ?? '[]'),
    moved: moved ?? '',
  }))
}

/** Empties tables and starts their ids anew. `run` runs a statement. Throws `BAD_ARGUMENT`. */
export async function truncate(run: (text: string) => Promise<unknown>, tables: readonly ListedTable[]): Promise<void> {
  if (tables.length === 0) return
  try {
    await run(`truncate ${tables.map(({ name }) => name).join(', ')} restart identity`)
  } catch (error) {
    throw codeOf(error) === '0A000' ? refersToEmptied(detailOf(error)) : error
  }
}
