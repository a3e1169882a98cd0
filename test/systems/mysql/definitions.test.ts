import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { contentsOf, onBoth, open, systemOn, undoes, worker } from './bench.ts'
import { type Database, makeDatabase, quoted } from './database.ts'
import { shapeOf } from './subject.ts'

/** What a trigger writes down, as text in its own sql_mode: every character that some mode reads in its own way. */
const TEXTS: Readonly<Record<string, string>> = {
  '': String.raw`'back\\slash \' \" \n \t \% \_ \x', "double ""quotes"" \" ' \\", 'two
lines' ' in pieces'`,
  NO_BACKSLASH_ESCAPES: String.raw`'back\slash '' \n \', "double \ ""quotes"" \", 'two
lines \'`,
  ANSI_QUOTES: String.raw`'back\\slash \' " \n', '\\', '\''`,
  'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT': String.raw`'\' || "NEW"."v" || '"\n', '\\', ''''`,
  'NO_AUTO_VALUE_ON_ZERO,HIGH_NOT_PRECEDENCE,IGNORE_SPACE': String.raw`'/* no comment */ -- \\', /* a ' comment \ */ '#', CONCAT ('a', 'ü🏴')`,
}

const TRIGGERS = Object.entries(TEXTS).map(
  ([mode, texts], i) => `SET SESSION sql_mode = '${mode}';
    CREATE TRIGGER ${mode.startsWith('ANSI') ? `"odd${i} for each row \\"` : `odd${i}`} AFTER INSERT ON notes FOR EACH ROW
    /* what it says; */ INSERT INTO said (a, b, c) VALUES (${texts}) -- the \\ end '
`,
)

const NOTES = `
  CREATE TABLE notes (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20));
  CREATE TABLE said (id INT AUTO_INCREMENT PRIMARY KEY, a TEXT, b TEXT, c TEXT);
  ${TRIGGERS.join(';')};
  SET SESSION sql_mode = '';
  /*!50003 CREATE*/ /*!50017 DEFINER=\`root\`@\`localhost\`*/ /*!50003 TRIGGER \`dumped\` BEFORE INSERT ON \`notes\` FOR EACH ROW
    BEGIN SET NEW.v = CONCAT(NEW.v, ' \\\\ \\'d\\''); END */;
`

const ODD = String.raw`
  SET SESSION sql_mode = '';
  CREATE TABLE odd (
    id INT AUTO_INCREMENT PRIMARY KEY, e ENUM('a\\b', 'it''s', 'n\nl', '"dq"', '\\'), s SET('x\\y', '\'z'),
    d VARCHAR(40) NOT NULL DEFAULT 'd\\e\'f\ng' COMMENT 'c\\o\'m\nm"ent',
    g VARCHAR(60) AS (CONCAT(d, '\\g\'\n"')) STORED, h VARCHAR(60) AS (REPLACE(d, '\\', '\\\\')) VIRTUAL, KEY (h),
    CHECK (d <> 'k\\l\'\n')) COMMENT 'tab\\le';
  CREATE TABLE parts (id INT AUTO_INCREMENT, c VARCHAR(20) NOT NULL DEFAULT 'a\\b', PRIMARY KEY (id, c))
    PARTITION BY LIST COLUMNS (c) (PARTITION p1 VALUES IN ('a\\b', 'c''d') COMMENT 'p\\c', PARTITION p2 VALUES IN ('e'));
  CREATE TABLE computed (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20) DEFAULT (CONCAT('x\\y', '\'')));
  INSERT INTO odd (e, s) VALUES ('a\\b', 'x\\y'), ('it''s', '\'z'), ('n\nl', ''), ('"dq"', ''), ('\\', 'x\\y,\'z');
  INSERT INTO parts () VALUES (); INSERT INTO parts (c) VALUES ('c''d'), ('e'); INSERT INTO computed () VALUES (), ();
`
const CHANGE = `UPDATE odd SET e = NULL, s = '', d = 'x'; DELETE FROM odd WHERE id > 2; INSERT INTO odd () VALUES ();
  INSERT INTO parts () VALUES (); DELETE FROM parts WHERE c = 'e'; UPDATE parts SET c = 'e' WHERE id = 1; INSERT INTO computed () VALUES (); DELETE FROM computed WHERE id = 1`

async function triggersOf({ name, sql }: Database): Promise<unknown[]> {
  const triggers = await sql(`SHOW TRIGGERS FROM ${quoted(name)}`)
  const written = await Promise.all(triggers.map(({ Trigger }) => sql(`SHOW CREATE TRIGGER ${quoted(Trigger)}`)))
  return written.map(([row]) => [row!['Trigger'], row!['sql_mode'], bodyOf(row!['SQL Original Statement'])])
}

/** The server may write the beginning down in another way, and MySQL keeps the semicolon between two statements. */
function bodyOf(statement: string): string {
  return statement.replace(/^.*?(\/\* what|BEGIN)/is, '$1').replace(/[\s;]*$/, '')
}

onBoth((url) => {
  test('triggers of every sql_mode do what they did, and are written back as they were', async () => {
    await using database = await makeDatabase(url, NOTES)
    const { sql } = database
    const said = async (): Promise<unknown> => {
      await sql("DELETE FROM notes; DELETE FROM said; INSERT INTO notes (v) VALUES ('one')")
      return [await sql('SELECT a, b, c FROM said ORDER BY id'), await sql('SELECT v FROM notes')]
    }
    const [before, effect] = [await triggersOf(database), await said()]
    const system = systemOn(database.url)
    await system.open(worker())
    assert.deepEqual(await said(), effect)
    const mark = await system.checkpoint('before')
    const contents = await contentsOf(database)
    await said()
    await sql('DROP TRIGGER odd0; DROP TRIGGER odd4')
    await system.rollback(mark)
    assert.deepEqual(await contentsOf(database), contents)
    assert.deepEqual(await said(), effect)
    await system.close()
    assert.deepEqual(await triggersOf(database), before)
    assert.deepEqual(await said(), effect)
    assert.deepEqual(await database.leftovers(), [])
  })

  describe('tables with backslashes and quotes in their definitions', () => {
    test('come back from logs', async () => {
      await using bench = await open(url, ODD)
      await undoes(bench, () => bench.app.sql(CHANGE))
    })

    test('are made again as they were', async () => {
      await using bench = await open(url, ODD)
      const shape = await shapeOf(bench.database)
      await undoes(bench, () =>
        bench.app.sql(`ALTER TABLE odd ADD COLUMN more INT; ALTER TABLE computed ADD COLUMN more INT; ${CHANGE}`),
      )
      assert.equal(await shapeOf(bench.database), shape)
    })

    test('come back from copies', async () => {
      await using bench = await open(url, ODD, { copy: true })
      const shape = await shapeOf(bench.database)
      await undoes(bench, () => bench.app.sql(`${CHANGE}; DROP TABLE odd; DROP TABLE parts; TRUNCATE computed`))
      assert.equal(await shapeOf(bench.database), shape)
    })
  })
})
