import { DIALECT, type Session } from './session.ts'
import { text } from './sql.ts'

/** The settings of a session that the server keeps with a definition, and under which it runs it. */
export interface Modes {
  readonly sqlMode: string
  readonly charset: string
  readonly collation: string
}

/** Runs a statement that defines something of the user, in the modes of its author. */
export async function inModes(
  session: Session,
  { sqlMode, charset, collation }: Modes,
  statement: string,
): Promise<void> {
  // The text goes over in utf8mb4; only where it is plain ASCII may the server call it what it was called before.
  const client = /^[\0-\x7f]*$/.test(statement) ? charset : 'utf8mb4'
  try {
    await session.run([
      `SET SESSION sql_mode = ${text(sqlMode)}, character_set_client = ${client}, collation_connection = ${collation}`,
    ])
    // By itself: MySQL would keep the semicolon that stands before another statement.
    await session.run([statement])
  } finally {
    await session.run(DIALECT)
  }
}
