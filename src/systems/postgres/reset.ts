import { messageOf, VenomError } from '../../errors.ts'
import type { ResetOptions } from '../../rollbackable.ts'
import { isMigrations } from '../shared/migrations.ts'
import type { Control } from './control.ts'
import { codeOf } from './trouble.ts'

interface Named {
  readonly shown: string
}

interface Table extends Named {
  /** The table and all its partitions. */
  readonly rels: readonly string[]
}

/** Empties tables, as a change like any other. Throws `BAD_ARGUMENT`; nothing is then emptied. */
export async function reset(control: Control, options: ResetOptions): Promise<void> {
  const tables = (
    await control.query(`
      select shown, to_json(array(select oid::text from pg_class where oid = root or oid in (select relid from pg_partition_tree(root)))) as rels
      from (select distinct shown, root from venomqa.shown_tables) as tables order by shown`)
  ).map(({ shown, rels }): Table => ({ shown: shown!, rels: JSON.parse(rels ?? '[]') }))
  const rels = wanted(tables, options).flatMap((table) => table.rels)
  try {
    await control.query('select venomqa.empty($1::oid[])', [`{${rels.join(',')}}`])
  } catch (error) {
    throw codeOf(error) === 'VQ006' ? refersToEmptied(messageOf(error)) : error
  }
}

/** Which of the tables are to be emptied. Throws `BAD_ARGUMENT` for one that is not there. */
export function wanted<T extends Named>(tables: readonly T[], { only, except = [] }: ResetOptions): T[] {
  const kept = new Set(except.map((name) => find(tables, name)))
  const all = only?.map((name) => find(tables, name)) ?? tables.filter(({ shown }) => !isMigration(shown))
  return all.filter((table) => !kept.has(table))
}

function isMigration(shown: string): boolean {
  return isMigrations(shown.slice(shown.indexOf('.') + 1))
}

/** A table by the name that changes() and observe() give it; `public.` may be said. */
function find<T extends Named>(tables: readonly T[], name: string): T {
  const found = tables.find(({ shown }) => shown === name || `public.${shown}` === name)
  if (found) return found
  throw new VenomError(
    'BAD_ARGUMENT',
    `postgres: there is no table "${name}" to reset or to keep.\n` +
      'A name that is misspelt would empty what you meant to keep.\n' +
      `These are the tables: ${tables.map(({ shown }) => shown).join(', ')}.`,
  )
}

/** Rows that are kept refer to rows that are to go. */
export function refersToEmptied(what: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `postgres: these tables cannot be reset: ${what}, and is to be kept.\n` +
      'Rows that are kept would refer to rows that are gone; a CASCADE would empty the table that you want to keep.\n' +
      'Reset both, or keep both: reset({ only: […], except: […] }).',
  )
}
