import { VenomError } from '../../errors.ts'
import type { ResetOptions } from '../../rollbackable.ts'
import { isMigrations } from '../../systems/shared/migrations.ts'
import { isBackendError } from '../../systems/shared/backend-error.ts'
import { type Table, tablesOf } from './image.ts'
import type { Reached, Session } from './session.ts'

/** Empties tables, all or none of them. Throws `BAD_ARGUMENT` for unknown ones, `INTEGRITY` when rows that stay refer to rows that go. */
export async function empty<C>(session: Session<C>, { dialect }: Reached<C>, options: ResetOptions): Promise<void> {
  const all = (await tablesOf(session.run.bind(session), dialect)).filter(({ isInternal }) => !isInternal)
  const chosen = chosenOf(all, options)
  if (chosen.length === 0) return
  const { truncate, supports } = dialect
  if (!truncate && !supports.savepoints) return deleteInTurn(session, chosen)
  await session.manager.transaction(async () => {
    if (truncate) await session.run(truncate(chosen.map(({ sql }) => sql)))
    else await deleteAll(session, chosen)
  })
}

/** Without savepoints an error is the end of all: again, with the table that was refused after the others. */
async function deleteInTurn<C>(session: Session<C>, tables: readonly Table[]): Promise<void> {
  const order = [...tables]
  for (let tries = tables.length ** 2; ; tries -= 1) {
    let at = 0
    try {
      return await session.manager.transaction(async () => {
        for (; at < order.length; at += 1) await session.run(`delete from ${order[at]!.sql}`)
      })
    } catch (error) {
      if (!isBackendError(error, 'integrity') || tries === 0 || at >= order.length - 1) throw error
      order.push(...order.splice(at, 1))
    }
  }
}

/** Deletes in rounds, since only what nothing refers to any more may go. */
async function deleteAll<C>(session: Session<C>, tables: readonly Table[]): Promise<void> {
  let left = tables
  while (left.length > 0) {
    const refused: Table[] = []
    let why: unknown
    for (const table of left) {
      try {
        await session.manager.transaction(() => session.run(`delete from ${table.sql}`))
      } catch (error) {
        if (!isBackendError(error, 'integrity')) throw error
        refused.push(table)
        why = error
      }
    }
    if (refused.length === left.length) throw why
    left = refused
  }
}

function chosenOf(tables: readonly Table[], { only, except = [] }: ResetOptions): readonly Table[] {
  for (const name of [...(only ?? []), ...except]) {
    if (!tables.some((table) => table.name === name)) throw unknown(name, tables)
  }
  return tables.filter(({ name }) => {
    const isWanted = only ? only.includes(name) : !isMigrations(name.split('.').at(-1)!)
    return isWanted && !except.includes(name)
  })
}

function unknown(name: string, tables: readonly Table[]): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `There is no table "${name}" to reset or to leave out.\n` +
      'It was renamed, or its migration has not run.\n' +
      `These are the tables: ${tables.map((table) => table.name).join(', ') || '(none)'}.`,
  )
}
