import type { Cascades } from './cascade.sql.ts'
import type { Column } from './catalog.ts'
import { list, name } from './sql.ts'
import { type Image, isInnodb, logged, type Places, type Tracked } from './tracked.ts'

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
 * alone. So no transaction is ever on both sides of a mark. A foreign key of the log takes that lock, which costs half
 * of what reading the gate does; where foreign keys are not checked, the gate is read. With the foreign key the seq is
 * drawn before the lock is there, and a mark may come between: then another number was drawn too, and the entry is made
 * again. The first one is one too many, since its row was locked before either.
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
    'gate TINYINT NOT NULL DEFAULT 1',
    'seq BIGINT UNSIGNED NOT NULL AUTO_INCREMENT',
    'was TINYINT NOT NULL',
    ...images.map(({ column, as }) => imageColumn(column, as)),
    // With this key InnoDB looks at the gate before it writes anything: who waits there holds no entry.
    `PRIMARY KEY (gate, seq), KEY (seq), FOREIGN KEY (gate) REFERENCES ${own('gate')} (id)`,
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
export function capturesOf({ own, table: at }: Places, cascades: Cascades, tracked: Tracked): readonly Capture[] {
  const { table, number, way, key } = tracked
  if (!isInnodb(table)) return []
  const images = way === 'log' ? logged(tracked) : []
  const keys = way === 'log' ? key : []
  const gate = `(SELECT UUID_SHORT() FROM ${own('gate')} WHERE id = 1 LOCK IN SHARE MODE)`
  const logs = '@vq IS NULL OR @vq = 2'
  const entry = (seq: string, was: 0 | 1, parts: readonly Image[]): string =>
    `INSERT INTO ${own(`u${number}`)} (${list(['seq', 'was', ...parts.map(({ as }) => as)])}) ` +
    `VALUES (${list([seq, String(was), ...parts.map(({ column }) => `${was ? 'OLD' : 'NEW'}.${name(column.name)}`)])});`
  const capture = (letter: string, timing: string, event: string, does: readonly string[]): Capture => ({
    name: `vq_${number}${letter}`,
    timing,
    event,
    body: `BEGIN ${does.join(' ')} END`,
  })
  // Each statement of a trigger has its price, so what is rare stands behind one condition. The name s ends with the
  // block: elsewhere it could be a column.
  const first = (was: 0 | 1, parts: readonly Image[], when?: string, does = ''): string => {
    const sometimes = when ? ` IF ${when} THEN ${does} END IF;` : ''
    const late = 'UUID_SHORT() <> s + 1'
    return (
      'IF @vq IS NULL AND @@foreign_key_checks THEN BEGIN DECLARE s BIGINT UNSIGNED DEFAULT UUID_SHORT(); ' +
      `${entry('s', was, parts)} IF ${when ? `${late} OR ${when}` : late} THEN ${entry('UUID_SHORT()', was, parts)}${sometimes} END IF; END; ` +
      `ELSEIF ${logs} THEN ${entry(gate, was, parts)}${sometimes} END IF;`
    )
  }
  const further = (does: readonly string[]): readonly string[] =>
    does.length > 0 ? [`IF ${logs} THEN ${does.join(' ')} END IF;`] : []
  const same = keys.map(({ column }) => `OLD.${name(column.name)} <=> NEW.${name(column.name)}`).join(' AND ')
  const moved = `NOT (${same})`
  const arrived = entry('UUID_SHORT()', 0, keys)
  // MariaDB fires this also where UPDATE IGNORE leaves a row as it is, because another row has the new key already.
  const still = keys.map(({ column }) => `t.${name(column.name)} = OLD.${name(column.name)}`).join(' AND ')
  const ignored = `EXISTS (SELECT 1 FROM ${at(table.name)} AS t WHERE ${still} LOCK IN SHARE MODE)`
  const arrives = cascades.flavour === 'mariadb' ? `IF NOT ${ignored} THEN ${arrived} END IF;` : arrived
  const updated = way === 'log' ? first(1, images, moved, arrives) : first(1, images)
  const cascaded = cascades.onUpdate(table.name).map(({ references, before, after }) => {
    // The server cascades what differs in bytes, also where the collation calls it equal.
    const kept = references.map(
      (column) => `CAST(OLD.${name(column)} AS BINARY) <=> CAST(NEW.${name(column)} AS BINARY)`,
    )
    const unlessKept = (does: readonly string[]): string =>
      `IF NOT (${kept.join(' AND ')}) THEN ${does.join(' ')} END IF;`
    return {
      before: unlessKept([`DO ${gate};`, ...whereThere(before)]),
      after: after.length > 0 ? [unlessKept(whereThere(after))] : [],
    }
  })
  const before = cascaded.map((statements) => statements.before)
  return [
    capture('i', 'AFTER', 'INSERT', [first(0, keys)]),
    ...(before.length > 0 ? [capture('b', 'BEFORE', 'UPDATE', further(before))] : []),
    // After the user's own triggers: they may change the new key.
    capture('u', 'AFTER', 'UPDATE', [updated, ...further(cascaded.flatMap(({ after }) => after))]),
    capture('d', 'BEFORE', 'DELETE', [first(1, images), ...further(whereThere(cascades.onDelete(table.name)))]),
  ]
}

/** Statements about other tables. One that was dropped, or lost a column, must not make the application's statement fail. */
function whereThere(statements: readonly string[]): readonly string[] {
  return statements.map((sql) => `BEGIN DECLARE EXIT HANDLER FOR 1146, 1054 BEGIN END; ${sql} END;`)
}
