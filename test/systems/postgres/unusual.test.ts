import { expect, test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { differences } from './content.ts'
import { postgresServers } from './each.ts'
import { makeRole, type Opened, open } from './open.ts'

// What databases have seldom, and applications do seldom. Each must be undone to the last character.

const ODD = `set datestyle = 'SQL, DMY'; set intervalstyle = 'sql_standard'; set extra_float_digits = -3; set timezone = 'Asia/Kathmandu'; set search_path = apart, public`

const SCHEMA = `
  create schema apart; create table apart.hidden (a int);
  create table keyless (a int, b text); insert into keyless values (1, 'x'), (1, 'x'), (2, 'y');
  create table keyed (id int primary key, at timestamptz, f float8, m money);
  insert into keyed values (1, '2024-03-04 05:06:07.8+00', 0.1::float8 + 0.2, 3.5), (2, '0044-03-15 BC', 'NaN', null), (3, 'infinity', '-0', 1);

  create table ours ("venomqa$row" int, image text, version text, given text, at int); insert into ours values (1, 'i', 'v', 'g', 2);
  create table grown (a int); insert into grown values (1), (2);
  alter table grown add n int default 7, add d timestamptz default '2024-01-02 03:04:05+00', add took interval not null default '1 day';

  create table par (id int, v text, at date); create table chi (w int, at date, v text, id int); alter table chi inherit par;
  create table both_of (x int) inherits (par, chi);
  insert into par values (1, 'p', '2024-03-04'); insert into chi values (2, '2024-04-03', 'c', 3);
  insert into both_of (id, v, at, w, x) values (4, 'd', 'infinity', 5, 6);

  create type p as (a int, gone text, at timestamptz); create table c (id int, p p, ps p[]);
  insert into c values (1, row(1, 'g', '2024-03-04 05:06+00'), array[row(2, 'h', null)::p, null]); alter type p drop attribute gone;
  create domain dp as p check ((value).a is distinct from 5); create table d (p dp, r dp[]);
  insert into d values (row(1, '2024-03-04 05:06+00'), array[row(2, null)::dp]), (null, '{}');
  create type nest as (p p, d date); create table n (n nest, ns nest[]);
  insert into n values (row(row(1, '2024-03-04 05:06+00'), '2024-03-04'), array[row(null, 'infinity')::nest]);

  create table many (${Array.from({ length: 1590 }, (_, i) => `c${i} ${['int', 'bool', 'smallint', 'date'][i % 4]}`).join()});
  insert into many (c0, c1589, c3) values (1, true, '2024-03-04'), (2, null, null);

  create table kept (id int primary key, gone bool default false); insert into kept values (1), (2);
  create rule soft as on delete to kept do instead update kept set gone = true where id = old.id;
  create table mute (a int); insert into mute values (1); create rule no_more as on insert to mute do instead nothing;

  create view seen as select * from keyed;
  create function through() returns trigger language plpgsql as $$ begin
    if tg_op = 'DELETE' then delete from keyed where id = old.id; return old; end if;
    insert into keyed values (new.id + 100, new.at) on conflict (id) do update set f = 5; return new;
  end $$;
  create trigger through instead of insert or update or delete on seen for each row execute function through();

  create table again (id int primary key, n int, note text); insert into again values (1, 0), (2, 0);
  create function again() returns trigger language plpgsql as $$ begin
    if pg_trigger_depth() < 3 then update again set n = n + 1 where id = new.id; end if; return null;
  end $$;
  create trigger aaa after insert or update on again for each row execute function again();
  create trigger zzz after insert or update on again for each row execute function again();
  create function changed() returns trigger language plpgsql as $$ begin
    if new.id = 66 then return null; end if; new.note = concat(new.note, '!'); return new;
  end $$;
  create trigger changed before insert or update on again for each row execute function changed();
  create function late() returns trigger language plpgsql as $$ begin insert into keyless values (new.id, 'late'); return null; end $$;
  create constraint trigger late after update on again deferrable initially deferred for each row execute function late();
`

const CASES: Readonly<Record<string, string>> = {
  'columns that are named as ours': `truncate ours; insert into ours (image) values ('i'); update ours set given = 'h'`,
  'values that are in no row, since a column was added with a default': `${ODD}; update public.grown set a = 9 where a = 1; delete from public.grown where a = 2`,
  'such values, truncated': `truncate grown`,
  'inheritance with the columns in another order': `${ODD}; update public.par set v = 'u'; delete from public.par where id = 3; update only public.chi set w = 0; truncate only public.par`,
  'composites that lost a part, domains over them, arrays of both': `${ODD}; update public.c set id = 2; update public.d set p = null; delete from public.d; delete from public.n`,
  'the same, truncated': `${ODD}; truncate public.c, public.d, public.n`,
  'as many columns as a table can have': `${ODD}; update public.many set c4 = 5; delete from public.many where c0 = 2`,
  'rules that do something instead': `delete from kept where id = 1; insert into mute values (2); set session_replication_role = replica; delete from kept where id = 2; insert into mute values (3); delete from mute where a = 1`,
  'triggers instead of writes to a view': `insert into seen (id, at) values (1, now()); update seen set id = id + 1; delete from seen where id = 3`,
  'triggers that write the row again, change it, leave it out, or come late': `begin; update again set n = 5; insert into again values (3, 0, 'n'), (66, 0, ''); savepoint s; delete from again; rollback to s; commit`,
  'rows that are frozen from the start': `begin; truncate keyless; copy keyless from program 'printf "7\\tseven\\n"' with (freeze); update keyless set b = 'u'; commit`,
  'strings as they once were': `set standard_conforming_strings = off; set escape_string_warning = off; set quote_all_identifiers = on; update keyed set f = 1; delete from keyless`,
  'replica mode with odd settings': `${ODD}; set session_replication_role = replica; update public.keyed set f = 4; delete from public.keyed where id = 2; set session_replication_role = local; update public.keyed set f = 5`,
}

for (const name of postgresServers) {
  describeServer(name, (server) => {
    test('what is seldom comes back', async () => {
      await using opened = await open(server, SCHEMA)
      for (const [title, sql] of Object.entries(CASES)) await undoes(opened, title, sql)
    })

    test('what a publication of all tables tells of, also where no key identifies a row', async () => {
      const schema = `${SCHEMA} create publication everything for all tables; alter table grown replica identity nothing`
      await using opened = await open(server, schema)
      await undoes(
        opened,
        'inserts',
        `insert into keyless values (3, 'z'); insert into keyed values (9); insert into grown values (3)`,
      )
      await undoes(opened, 'a table with a key', `update keyed set f = 1; delete from keyed where id = 1`)
      const { rows } = await opened.database.query(
        `select relname, relreplident from pg_class where relname in ('keyless', 'keyed', 'grown') order by 1`,
      )
      expect(rows.map(({ relreplident }) => relreplident)).toEqual(['n', 'd', 'd'])
    })

    test('a role that may call no function that was not given to it', async () => {
      await makeRole(server, 'appuser')
      await using opened = await open(
        server,
        `alter default privileges revoke execute on functions from public; ${SCHEMA} grant all on all tables in schema public to appuser`,
      )
      await undoes(
        opened,
        'writes',
        `set role appuser; ${ODD}; update public.keyed set f = 1; delete from public.keyed where id = 2; truncate public.keyless`,
      )
    })

    test('changes() of a table whose columns are named as ours', async () => {
      await using opened = await open(server, SCHEMA)
      const mark = await opened.system.checkpoint('start')
      await opened.database.query(`update ours set given = 'h'`)
      const row = { venomqa$row: '1', image: 'i', version: 'v', at: '2' }
      expect(await opened.system.changes(mark)).toEqual([
        { table: 'ours', inserted: [{ ...row, given: 'h' }], updated: [], deleted: [{ ...row, given: 'g' }] },
      ])
    })
  })
}

async function undoes({ system, reader, connect }: Opened, title: string, sql: string): Promise<void> {
  const application = await connect()
  const mark = await system.checkpoint('start')
  const before = await reader.content()
  for (const time of ['first', 'second']) {
    await application.query(sql)
    await application.query('reset role; reset all')
    expect(differences(before, await reader.content()), `${title} changes nothing`).not.toEqual([])
    await system.rollback(mark)
    expect(differences(before, await reader.content()), `${title}, the ${time} time`).toEqual([])
  }
  await system.release(mark)
  await application.end()
}
