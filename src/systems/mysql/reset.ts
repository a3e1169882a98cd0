import { VenomError } from '../../errors.ts'
import type { ResetOptions } from '../../rollbackable.ts'
import { isMigrations } from '../shared/migrations.ts'
import type { Catalog, ForeignKey } from './catalog.ts'
import type { Session, TextRow } from './session.ts'
import { name } from './sql.ts'
import type { State } from './state.ts'
import type { Places } from './tracked.ts'

/**
 * Empties tables, children before their parents, in one transaction that the logs remember. Answers with the tables.
 *
 * Throws `BAD_ARGUMENT` when rows that stay refer to rows that go.
 */
export async function emptied(
  session: Session,
  places: Places,
  { catalog }: State,
  options: ResetOptions,
): Promise<readonly string[]> {
  const tables = chosen(catalog, options)
  await requireNoOrphans((sql) => session.query(sql), places, catalog.foreignKeys, tables)
  const statements = deletions(places, tables, catalog.foreignKeys)
  try {
    await session.run(['SET @vq = 2', 'START TRANSACTION', ...statements, 'COMMIT'])
  } catch (error) {
    await session.run(['ROLLBACK'])
    throw error
  } finally {
    await session.run(['SET @vq = 1'])
  }
  return tables
}

/** The tables that are to be emptied. */
export function chosen({ tables }: Catalog, { only, except = [] }: ResetOptions): readonly string[] {
  return [...tables.keys()].filter((table) => {
    const isWanted = only ? only.includes(table) : !isMigrations(table)
    return isWanted && !except.includes(table)
  })
}

/** What empties tables, children before their parents. */
export function deletions(places: Places, tables: readonly string[], foreignKeys: readonly ForeignKey[]): string[] {
  return childrenFirst(tables, foreignKeys).map((table) => `DELETE FROM ${places.table(table)}`)
}

/** Throws `BAD_ARGUMENT` when rows that stay refer to rows that go. */
export async function requireNoOrphans(
  query: (sql: string) => Promise<readonly TextRow[]>,
  places: Places,
  foreignKeys: readonly ForeignKey[],
  tables: readonly string[],
): Promise<void> {
  for (const { child, columns, parent } of foreignKeys) {
    if (!tables.includes(parent) || tables.includes(child)) continue
    const refers = columns.map((column) => `${name(column)} IS NOT NULL`).join(' AND ')
    const [row] = await query(`SELECT 1 AS there FROM ${places.table(child)} WHERE ${refers} LIMIT 1`)
    if (!row) continue
    throw new VenomError(
      'BAD_ARGUMENT',
      `mysql: reset() cannot empty ${parent}: rows of ${child} refer to it by ${columns.join(', ')}, and ${child} is to stay.\n` +
        'They would refer to rows that are not there, which the foreign key is there to prevent.\n' +
        `Empty ${child} too, or keep both: reset({ except: ['${child}', '${parent}'] }).`,
    )
  }
}

/** A circle of foreign keys is cut anywhere: they are not checked meanwhile. */
function childrenFirst(tables: readonly string[], foreignKeys: readonly ForeignKey[]): readonly string[] {
  const ordered = new Set<string>()
  const visited = new Set<string>()
  const visit = (table: string): void => {
    if (visited.has(table)) return
    visited.add(table)
    for (const { parent, child } of foreignKeys) if (parent === table && tables.includes(child)) visit(child)
    ordered.add(table)
  }
  for (const table of tables) visit(table)
  return [...ordered]
}
