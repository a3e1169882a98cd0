import { expect, test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { differences } from './content.ts'
import { postgresServers } from './each.ts'
import { open } from './open.ts'

// The text of an old row must be the same whatever the session is set to that writes. What a table's triggers ask for
// follows from its columns: here is a table for each type, and sessions that are set to everything odd.

const TYPES = `
  create type mood as enum ('ok', 'ok, "really"');
  create type shade as (at timestamptz, f float8);
  create type plain_pair as (a int, b text);
  create domain day as date;
  create domain days as day[];
  create domain label as text check (value <> '');
  create domain wrapped as shade;
  create type daytime as range (subtype = interval);
  create type floats as range (subtype = float8, subtype_diff = float8mi);
  create type worded as range (subtype = text);
`

/** By what their triggers ask for: columns, and the values that they hold. */
const COLUMNS: Readonly<Record<string, readonly (readonly [type: string, ...values: string[]])[]>> = {
  plain: [
    ['bool', 'true'],
    ['int2', '-1'],
    ['int8', '9007199254740993'],
    ['numeric', `'NaN'`, '1.10', '1e40', '0.000000000000000000001'],
    ['text', `'a,"b\\'`, `''`],
    ['varchar(10)', `'04/03/2024'`],
    ['char(5)', `'ab'`],
    ['"char"', `'x'`],
    ['name', `'n'`],
    ['uuid', `'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'`],
    ['json', `'{"at":  1.0, "at": 2}'`],
    ['jsonb', `'{"at": "04.03.2024", "n": 1.10}'`, `to_jsonb(0.1::float8 + 0.2::float8)`],
    ['bytea', `'\\x00ff5c27'`, `'\\x5c7830'`],
    ['bit varying(9)', `'101'`],
    ['time', `'01:02:03.000004'`],
    ['inet', `'10.0.0.1/8'`],
    ['cidr', `'10.0.0.0/8'`],
    ['macaddr', `'08:00:2b:01:02:03'`],
    ['oid', '4294967295'],
    ['tsvector', `to_tsvector('simple', '1.0 04/03/2024')`],
    ['tsquery', `'a & !b'`],
    ['mood', `'ok, "really"'`],
    ['label', `'l'`],
    ['int4range', `'[1,5)'`],
    ['nummultirange', `'{[1.1,2.2),(3,4]}'`],
    ['worded', `'[a,"b,c")'`],
    ['numeric(9,2)[]', `'{1.1,NULL}'`],
    ['bytea[]', `array['\\x5c'::bytea]`],
    ['mood[]', `'{"ok, \\"really\\""}'`],
  ],
  dated: [
    ['date', `'2024-03-04'`, `'infinity'`, `'0044-03-15 BC'`],
    ['timestamp', `'2024-03-04 05:06:07.000008'`, `'12345-03-04'`],
    ['timestamptz', `'2024-03-31 01:30:00.5+00'`, `'1900-01-02 00:00+00'`],
    ['day', `'2024-03-04'`],
    ['days', `'{2024-03-04}'`],
    ['daterange', `'[2024-03-04,2024-04-03)'`],
    ['tstzmultirange', `'{[2024-03-04 05:06+00,2024-04-03 05:06+00)}'`],
    ['timestamp[]', `'{2024-03-04 05:06:07,NULL}'`],
  ],
  checked: [
    ['float4', '1.1', `'-0'`],
    ['float8', '0.1::float8 + 0.2::float8', `'-Infinity'`],
    ['interval', `'-1 year +2 days -03:04:05.678'`, `'-1 day -02:03:04'`],
    ['timetz', `'12:34:56.789+05:30'`],
    ['point', `'(0.30000000000000004,1.1)'`],
    ['float8[]', 'array[0.1::float8 + 0.2::float8]'],
    ['interval[]', `'{-1 day -02:03:04}'`],
    ['shade', `row('2024-03-04 05:06+00', 0.1::float8 + 0.2::float8)`],
    ['shade[]', `array[row('2024-03-04 05:06+00', 0.1::float8 + 0.2::float8)::shade]`],
    ['wrapped', `row('2024-03-04 05:06+00', 0.1::float8 + 0.2::float8)`],
    ['plain_pair', `row(1, 'b')`],
    ['daytime', `'[-1 day -02:03:04,1 day)'`],
    ['floats', `floats(0.1::float8 + 0.2::float8, 2)`],
    ['pg_lsn', `'16/B374D848'`],
    ['xml', `'<a>b</a>'`],
  ],
  pinned: [
    ['money', '12.34', '-0.01'],
    ['regclass', `'apart.hidden'`],
    ['regtype[]', `'{apart.hidden}'`],
  ],
}

const tables = Object.entries(COLUMNS).flatMap(([image, columns]) =>
  columns.map(([type, ...values], i) => ({ name: `${image}_${i}`, image, type, values })),
)

const ofType = (type: string): string => `public.${tables.find((table) => table.type === type)?.name}`

const SCHEMA = `
  create schema apart; create table apart.hidden (a int);
  ${TYPES}
  ${tables
    .map(
      ({ name, type, values }) =>
        `create table ${name} (id int primary key, v ${type}); insert into ${name} values (0, null), ${values.map((value, i) => `(${i + 1}, ${value})`).join(', ')};`,
    )
    .join('\n')}
`

const ODD: readonly string[] = [
  `set datestyle = 'SQL, DMY'`,
  `set datestyle = 'German'`,
  `set datestyle = 'Postgres, MDY'; set timezone = 'Asia/Kolkata'`,
  `set intervalstyle = 'sql_standard'`,
  `set intervalstyle = 'iso_8601'; set datestyle = 'ISO, DMY'`,
  `set extra_float_digits = 0`,
  `set extra_float_digits = -15; set bytea_output = 'escape'`,
  `set search_path = apart, public; set lc_monetary = 'C.UTF-8'`,
  `set datestyle = 'SQL, DMY'; set intervalstyle = 'postgres_verbose'; set extra_float_digits = -4; set bytea_output = 'escape';
   set timezone = 'America/St_Johns'; set search_path = apart, public; set quote_all_identifiers = on; set array_nulls = off;
   set xmloption = document; set lc_monetary = 'C.UTF-8'`,
]

/** Every row updated and deleted, and those of every other table truncated. */
const CHANGE_ALL = tables
  .map(
    ({ name }, i) =>
      `update public.${name} set id = id + 100; delete from public.${name} where id > 100; ${i % 2 === 0 ? `truncate public.${name};` : ''}`,
  )
  .join('\n')

for (const name of postgresServers) {
  describeServer(name, (server) => {
    test('the triggers ask for what the columns of a table depend on, and for no more', async () => {
      await using opened = await open(server, SCHEMA)
      const { rows } = await opened.database.query(`
        select relname as name, string_agg(distinct substring(tgfoid::regproc::text from '[a-z]+$'), ' ') as image
        from pg_trigger join pg_class c on c.oid = tgrelid where tgname in ('venomqa_update', 'venomqa_delete') group by relname`)
      expect(Object.fromEntries(rows.map((row) => [row.name, row.image]))).toMatchObject(
        Object.fromEntries(tables.map((table) => [table.name, table.image])),
      )
    })

    test('a session that is set oddly is undone exactly, whatever the types are', async () => {
      await using opened = await open(server, SCHEMA)
      const { system, reader } = opened
      const application = await opened.connect()
      const before = await reader.content()
      const start = await system.checkpoint('start')
      // The same session each time, so that what it has prepared is used again; and within one transaction, too.
      for (const settings of ['', ...ODD]) {
        await application.query(settings)
        await application.query(CHANGE_ALL)
        await application.query('reset all')
        await system.rollback(start)
        expect(differences(before, await reader.content()), settings).toEqual([])
        await application.query(`begin; ${half(0)} ${settings}; ${half(1)} commit; reset all`)
        await system.rollback(start)
        expect(differences(before, await reader.content()), `within a transaction: ${settings}`).toEqual([])
      }
    })

    test('what the server or the role prefers is a setting like any other', async () => {
      await using opened = await open(server, SCHEMA)
      const { system, reader, database } = opened
      for (const setting of [`datestyle = 'SQL, DMY'`, `intervalstyle = 'sql_standard'`, 'extra_float_digits = -3']) {
        await database.query(`alter database ${database.name} set ${setting}`)
      }
      const application = await opened.connect()
      const before = await reader.content()
      const start = await system.checkpoint('start')
      await application.query(CHANGE_ALL)
      await system.rollback(start)
      expect(differences(before, await reader.content())).toEqual([])
    })

    for (const [title, change] of Object.entries({
      'a column that is added': `alter table ${ofType('int2')} add at timestamptz, add took interval, add f float8`,
      'a column that gets another type': `alter table ${ofType('int2')} alter v type timestamptz using '2024-03-04'::timestamptz + v * interval '1 day'`,
      'a date that becomes a float': `alter table ${ofType('date')} alter v type float8 using extract(epoch from nullif(v, 'infinity')) / 7`,
      'a domain that becomes its type': `alter table ${ofType('day')} alter v type date`,
      'a composite that grows': 'alter type plain_pair add attribute at timestamptz, add attribute took interval',
      'a composite that grows by the name of a table and money':
        'alter type plain_pair add attribute rel regclass, add attribute price money',
      'a number that becomes the name of a table': `alter table ${ofType('oid')} alter v type regclass using 0`,
    })) {
      test(`${title} while the world is open`, async () => {
        await using opened = await open(server, SCHEMA)
        const { system, reader } = opened
        const application = await opened.connect()
        const start = await system.checkpoint('start')
        // What the session has prepared is of the table as it was, in the same transaction even.
        await application.query(CHANGE_ALL)
        await system.rollback(start)
        await application.query(`begin; ${half(0)} ${change}; ${half(0)} ${half(1)} commit; ${FILL}`)
        await application.query(ODD.at(-1)!)
        await application.query(FILL)
        const altered = await system.checkpoint('altered')
        const before = await reader.content()
        for (const settings of ODD.slice(-2)) {
          await application.query(`reset all; ${settings}`)
          await application.query(FILL)
          await application.query(CHANGE_ALL)
          await system.rollback(altered)
          expect(differences(before, await reader.content())).toEqual([])
        }
        await expect(system.rollback(start)).rejects.toMatchObject({ code: 'SCHEMA_CHANGED' })
        expect(differences(before, await reader.content())).toEqual([])
        await system.rollback(altered)
      })
    }
  })
}

/** Values that depend on every setting, where a table has a column for them. */
const FILL = `
  do $$ begin
    update ${ofType('int2')} set at = '2024-03-04 05:06:07+00', took = '-1 year +2 days', f = 0.1::float8 + 0.2::float8;
  exception when undefined_column then null; end $$;
  do $$ begin
    update ${ofType('plain_pair')} set v = row(1, 'b', '2024-03-04 05:06:07+00', '-1 year +2 days')::public.plain_pair;
  exception when others then null; end $$;
  do $$ begin
    update ${ofType('plain_pair')} set v = row(1, 'b', 'apart.hidden', '12.34')::public.plain_pair;
  exception when others then null; end $$;
  do $$ begin
    update ${ofType('oid')} set v = 'apart.hidden'::regclass;
  exception when datatype_mismatch then null; end $$;
`

function half(which: 0 | 1): string {
  return tables.map(({ name }) => `update public.${name} set id = id + 100 where id % 2 = ${which};`).join(' ')
}
