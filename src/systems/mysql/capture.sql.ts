import type { Cascades } from './cascade.sql.ts'
import type { Column } from './catalog.ts'
import { list, name } from './sql.ts'
import { isInnodb, logged, type Places, type Tracked } from './tracked.ts'

/*
 * How changes are remembered. Each table has a log, and triggers write into it:
 *
 *   seq  where the entry stands among all entries of all logs. UUID_SHORT() grows by one with each call of the whole
 *        server, also over restarts, so a mark is one number: what has a higher seq came later.
 *   was  1: the row existed and looked like this (c1, c2, …). 0: there was no row with this key.
 *
 * An entry says how a row was at that time, so the oldest one since a mark says how it was at the mark, and one too
 * many is never wrong.
 *
 * The gate is one row, which every entry locks for share until its transaction ends; a mark and a rollback lock it
 * alone. So no transaction is ever on both sides of a mark, and the seq is drawn after the lock is there.
 *
 * seq is an AUTO_INCREMENT column that is always given a value: InnoDB then tells the highest seq of each log in
 * INNODB_TABLESTATS, without a look at the log. https://dev.mysql.com/doc/refman/9.0/en/miscellaneous-functions.html
 */

/** The tables that every capture needs, beside the logs. */
export function gateTables({ schema, own }: Places): readonly string[] {
  return [
    `CREATE DATABASE IF NOT EXISTS ${schema} CHARACTER SET utf8mb4`,
    `CREATE TABLE IF NOT EXISTS ${own('gate')} (id TINYINT PRIMARY KEY) ENGINE = InnoDB`,
    `INSERT IGNORE INTO ${own('gate')} VALUES (1)`,
    `CREATE TABLE IF NOT EXISTS ${own('notes')} (id VARCHAR(20) CHARACTER SET ascii PRIMARY KEY, note LONGTEXT NOT NULL) ENGINE = InnoDB`,
  ]
}

/** The table that holds the log of a table. */
export function logTable({ own }: Places, tracked: Tracked): string {
  const images = tracked.way === 'log' ? logged(tracked) : []
  const columns = [
    'seq BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY',
    'was TINYINT NOT NULL',
    ...images.map(({ column, as }) => imageColumn(column, as)),
  ]
  return `CREATE TABLE ${own(`u${tracked.number}`)} (${list(columns)}) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`
}

/** A column that holds what `column` holds, byte for byte, or nothing. */
export function imageColumn({ type, collation }: Column, as: string): string {
  const text = collation ? ` CHARACTER SET ${collation.charset} COLLATE ${collation.name}` : ''
  return `${as} ${type}${text} NULL`
}

/**
 * Fires the triggers of a table for no row at all, so that the server opens the table and its log.
 *
 * It must follow each statement that uses a log directly: MariaDB notes in its cache of open tables which statement that
 * was, and then refuses what an application writes under LOCK TABLES (error 1442). This clears the note.
 */
export function firesForNothing({ table: at }: Places, { table }: Tracked): string {
  const column = name(table.columns.find(({ generated }) => !generated)!.name)
  return `INSERT INTO ${at(table.name)} (${column}) SELECT ${column} FROM ${at(table.name)} WHERE FALSE`
}

/** A trigger of ours. */
export interface Capture {
  readonly name: string
  readonly timing: string
  readonly event: string
  readonly body: string
}

/** What makes a trigger of ours. */
export function createCapture(places: Places, table: string, { name: trigger, timing, event, body }: Capture): string {
  return `CREATE TRIGGER ${name(places.database)}.${trigger} ${timing} ${event} ON ${places.table(table)} FOR EACH ROW ${body}`
}

/** The triggers that write the log of a table. Tables of other engines have none: their writes cannot be rolled back with a log. */
export function capturesOf({ own }: Places, cascades: Cascades, tracked: Tracked): readonly Capture[] {
  const { table, number, way, key } = tracked
  if (!isInnodb(table)) return []
  const images = way === 'log' ? logged(tracked) : []
  const keys = way === 'log' ? key : []
  const seq = `(SELECT UUID_SHORT() FROM ${own('gate')} WHERE id = 1 LOCK IN SHARE MODE)`
  const entry = (was: 0 | 1, parts: readonly { readonly column: Column; readonly as: string }[]): string =>
    `INSERT INTO ${own(`u${number}`)} (${list(['seq', 'was', ...parts.map(({ as }) => as)])}) ` +
    `VALUES (${list([seq, String(was), ...parts.map(({ column }) => `${was ? 'OLD' : 'NEW'}.${name(column.name)}`)])});`
  const capture = (letter: string, timing: string, event: string, does: readonly string[]): Capture => ({
    name: `vq_${number}${letter}`,
    timing,
    event,
    body: `IF @vq IS NULL OR @vq = 2 THEN ${does.join(' ')} END IF`,
  })
  const same = keys.map(({ column }) => `OLD.${name(column.name)} <=> NEW.${name(column.name)}`).join(' AND ')
  const moved = way === 'log' ? [`IF NOT (${same}) THEN ${entry(0, keys)} END IF;`] : []
  const cascaded = cascades.onUpdate(table.name).map(({ references, before, after }) => {
    // The server cascades what differs in bytes, also where the collation calls it equal.
    const kept = references.map(
      (column) => `CAST(OLD.${name(column)} AS BINARY) <=> CAST(NEW.${name(column)} AS BINARY)`,
    )
    const unlessKept = (does: readonly string[]): string =>
      `IF NOT (${kept.join(' AND ')}) THEN ${does.join(' ')} END IF;`
    return {
      before: unlessKept([`DO ${seq};`, ...whereThere(before)]),
      after: after.length > 0 ? [unlessKept(whereThere(after))] : [],
    }
  })
  return [
    capture('i', 'AFTER', 'INSERT', [entry(0, keys)]),
    ...(cascaded.length > 0
      ? [
          capture(
            'b',
            'BEFORE',
            'UPDATE',
            cascaded.map(({ before }) => before),
          ),
        ]
      : []),
    // After the user's own triggers: they may change the new key.
    capture('u', 'AFTER', 'UPDATE', [entry(1, images), ...moved, ...cascaded.flatMap(({ after }) => after)]),
    capture('d', 'BEFORE', 'DELETE', [entry(1, images), ...whereThere(cascades.onDelete(table.name))]),
  ]
}

/** Statements about other tables. One that was dropped, or lost a column, must not make the application's statement fail. */
function whereThere(statements: readonly string[]): readonly string[] {
  return statements.map((sql) => `BEGIN DECLARE EXIT HANDLER FOR 1146, 1054 BEGIN END; ${sql} END;`)
}
