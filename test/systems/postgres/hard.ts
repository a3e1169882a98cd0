/** A schema with everything in it that makes undoing rows hard. `appuser` is a role without rights but on the tables. */
export const hardSchema = `
  do $$ begin create role appuser login; exception when duplicate_object or unique_violation then null; end $$;
  grant create, usage on schema public to appuser;

  create type mood as enum ('ok', 'bad');
  create domain positive as int check (value > 0);
  create type pair as (a int, b text);
  create domain ordered_pair as pair check (value is null or (value).a is not null);

  create table keyless (a int, b text, c float8, d numeric);
  insert into keyless values (1, 'x', 0.1, 'NaN'), (1, 'x', 0.1, 'NaN'), (2, null, 'Infinity', 1.10), (3, '', '-0', 2.50);

  create table computed (
    id int generated always as identity primary key, a int,
    b int generated always as (a * 2) stored,
    words tsvector generated always as (to_tsvector('simple', a::text)) stored
  );
  insert into computed (a) select generate_series(1, 5);
  create table only_computed (a int generated always as (1 + 1) stored);
  insert into only_computed select from generate_series(1, 2);
  create table columnless ();
  insert into columnless select from generate_series(1, 2);

  create table types (
    id serial primary key, m mood, p positive, c pair, pairs pair[], op ordered_pair, arr text[], grid int[][], ba bytea,
    j json, jb jsonb, ts timestamptz, t timestamp, d date, tz timetz, iv interval, u uuid, r int4range, mr nummultirange,
    x xml, h money, f4 float4, f8 float8, big text, bits bit varying(10), ip inet, pt point, ch char(5), name name,
    rel regclass, fn regprocedure, oid oid, lsn pg_lsn, q tsquery, path path, one "char"
  );
  insert into types (m, p, c, pairs, op, arr, grid, ba, j, jb, ts, t, d, tz, iv, u, r, mr, x, h, f4, f8, big, bits, ip, pt, ch, name, rel, fn, oid, lsn, q, path, one)
  values
    ('ok', 1, '(1,"q""u,o\\te")', array[row(1, 'a,b')::pair, null, row(null, '"')::pair], row(7, 'seven'), '{"a,b","c\\"d",NULL,""}', '[0:1][2:3]={{1,2},{3,4}}',
     '\\x00ff10', '{"z": 1,  "a":2, "a":3}', '{"a":[1,null]}', '2024-03-31 01:30:00.123456+00', '0044-03-15 12:00 BC', 'infinity', '12:34:56.789+05:30',
     '1 year -2 days +03:04:05.678', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '[1,5)', '{[1.1,2.2),(3,4]}', '<a>b</a>', 12.34, 1.1, 0.1::float8 + 0.2,
     repeat('long text ', 3000), '10101', '10.0.0.1/8', '(1.1,2.2)', 'ab', 'name', 'keyless', 'now()', 4294967295, '16/B374D848', 'a & !b', '[(0,0),(1.1,1)]', 'c'),
    (null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null),
    ('bad', 2, '(,)', '{}', row(0, null), '{}', '{}', '', '[]', '[]', 'infinity', '-infinity', '4714-11-24 BC', '00:00:00-15:59', '0',
     'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', 'empty', '{}', 'text only', -0.01, 'NaN', '-Infinity', '', '', '::1', '(0,0)', '', '', 'pg_class', 'upper(text)', 0, '0/0', '', '((1,2),(3,4))', '');

  -- Without money or names of objects, so that the text of a row is the ordinary one.
  create table times (ts timestamptz, d date, iv interval, f8 float8, f4 float4, tss timestamp[]);
  insert into times values ('2024-03-04 05:06:07.89+00', '2024-03-04', '-1 mon 2 days -03:04:05', 0.1::float8 + 0.2, 1.1, '{2024-03-04 05:06:07}');

  create table part (id int, k int, v text, primary key (id, k)) partition by range (k);
  create table part1 partition of part for values from (0) to (10);
  create table part2 (v text, gone int, k int not null, id int not null);
  alter table part2 drop column gone;
  alter table part attach partition part2 for values from (10) to (20);
  create table part3 partition of part for values from (20) to (30) partition by hash (id);
  create table part3a partition of part3 for values with (modulus 2, remainder 0);
  create table part3b partition of part3 for values with (modulus 2, remainder 1);
  create table partd partition of part default;
  insert into part select g, g % 40, 'v' || g from generate_series(1, 60) g;

  create table tree (id int primary key, parent int references tree on delete cascade on update cascade, n int default 0);
  insert into tree values (1, null, 0), (2, 1, 0), (3, 2, 0), (4, 1, 0);
  create table kid (
    id int primary key, tid int references tree on delete cascade on update cascade deferrable initially deferred,
    unique (tid) deferrable initially immediate
  );
  insert into kid values (1, 1), (2, 2), (3, 3);
  create function bump() returns trigger language plpgsql as $$
  begin
    if pg_trigger_depth() < 3 then update tree set n = n + 1 where id <> new.id and n < 5; end if;
    return null;
  end $$;
  create trigger aaa after insert or update on tree for each row execute function bump();

  -- Triggers and rules that fire whatever the session's mode is.
  create table audited (id int primary key, v text);
  create table audit (what text, at timestamptz default now());
  create function audit() returns trigger language plpgsql as $$
  begin
    insert into public.audit (what) values (concat_ws(' ', tg_op, old::text, new::text));
    return coalesce(new, old);
  end $$;
  create trigger always before insert or update or delete on audited for each row execute function audit();
  alter table audited enable always trigger always;
  create trigger replica after insert or update or delete on audited for each row execute function audit();
  alter table audited enable replica trigger replica;
  create rule noted as on delete to audited do also insert into audit (what) values ('a rule saw it');
  alter table audited enable always rule noted;
  insert into audited values (1, 'a'), (2, 'b');

  create table par (id int primary key, v text);
  create table chi (w int) inherits (par);
  insert into par values (1, 'a');
  insert into chi values (2, 'b', 9);
  create unlogged table unl (id int primary key, v text);
  insert into unl values (1, 'a');

  create table rls (id int primary key, owner text);
  alter table rls enable row level security;
  alter table rls force row level security;
  create policy mine on rls for all to appuser using (owner = current_user) with check (owner = current_user);
  insert into rls values (1, 'appuser'), (2, 'other');

  create table dropped (a int, b int, c int);
  alter table dropped drop column b;
  insert into dropped values (1, 2);
  create schema "S p.a""ce";
  create table "S p.a""ce"."We ird'$1%s" ("Id" int primary key, "sel""ect" text, "venomqa$row" int, p_gone int, rel int, ctid_ int);
  insert into "S p.a""ce"."We ird'$1%s" values (1, 'x', 1, 2, 3, 4);
  create table "S p.a""ce".hidden (a int);
  create table named (id int, rel regclass, price money);
  insert into named values (1, '"S p.a""ce".hidden', 12.34);
  create table text (text text, version text, image text);
  insert into text values ('text', 'version', 'image');

  create table excl (id int primary key, r int4range, exclude using gist (r with &&));
  insert into excl values (1, '[1,5)');
  create sequence counted start 100;
  create sequence called;
  select nextval('called');
  create sequence set_back;
  select setval('set_back', 7, false);
  create table sq (id serial primary key);
  create table rp (a int);
  create rule rr as on insert to rp do also insert into sq default values;
  create table wide (id int primary key, a text, b text);
  alter table wide alter a set storage external, alter b set storage plain;
  insert into wide values (1, (select string_agg(md5(g::text), '') from generate_series(1, 1000) g), repeat('b', 7000));

  grant select, insert, update, delete, truncate on all tables in schema public to appuser;
  grant usage on all sequences in schema public to appuser;
`

/** What the application does: each must be undone to the last character. */
export const hardCases: Readonly<Record<string, string>> = {
  'equal rows without a key': `update keyless set b = 'changed' where ctid = (select min(ctid) from keyless); delete from keyless where a = 1 and b = 'x'; insert into keyless values (9, 'n', 1, 1)`,
  'computed columns and an identity': `update computed set a = a + 1; insert into computed (a) values (77); delete from computed where id = 2`,
  'a table with computed columns only': `delete from only_computed; insert into only_computed select`,
  'a table without columns': `insert into columnless select from generate_series(1, 2); delete from columnless where ctid = (select min(ctid) from columnless)`,
  'every type, updated and deleted': `update types set p = 9, big = 's'; delete from types where id = 2; delete from types where id = 1`,
  'every type, truncated': `truncate types`,
  'odd settings of the session': `set datestyle = 'SQL, DMY'; set intervalstyle = 'sql_standard'; set bytea_output = 'escape'; set timezone = 'Asia/Kolkata'; set search_path = pg_catalog; set lc_monetary = 'C.UTF-8'; set xmloption = document; update public.types set p = 8; truncate public.types; update public.times set f4 = 2; delete from public.times; reset all`,
  'names that only the application finds': `set search_path = "S p.a""ce", public; update named set id = 2; delete from named; insert into named values (3, 'hidden', 1); reset search_path`,
  'odd precision of floats': `set extra_float_digits = -3; update types set p = 8; update keyless set a = 5; delete from types; update times set d = 'today'; reset extra_float_digits`,
  'an empty search path': `set search_path = ''; update public.types set p = 8; delete from public.keyless; insert into public.unl values (8, 'eight'); reset search_path`,
  'rows that move between partitions': `update part set k = k + 10 where id < 10; delete from part2 where id = 11; insert into part2 (v, k, id) values ('direct', 15, 999); insert into part values (500, 25, 'd'); update part set id = id + 1001 where k > 20`,
  'a cascade within one table': `delete from tree where id = 1`,
  'a changed key, cascades and triggers on the same table': `update tree set id = 10 where id = 1; insert into tree values (50, 10, 0), (51, 50, 0); update tree set n = 0; delete from tree where id = 50`,
  'triggers and rules that fire always': `update audited set v = v || '!'; delete from audited where id = 1; insert into audited values (3, 'c')`,
  upserts: `insert into unl values (1, 'z'), (2, 'n') on conflict (id) do update set v = excluded.v; insert into unl values (1, 'q') on conflict do nothing`,
  inheritance: `update par set v = 'inh'; delete from par where id = 2; insert into chi values (5, 'c', 1)`,
  'savepoints given up': `begin; savepoint a; update unl set v = 'lost'; delete from keyless; rollback to a; update unl set v = 'kept'; savepoint b; insert into unl values (3, 'x'); savepoint c; update unl set v = 'deep'; release c; rollback to b; insert into unl values (4, 'y'); commit`,
  'a transaction given up': `begin; delete from types; truncate keyless; insert into sq default values; rollback`,
  'truncate cascade, and filled again': `truncate tree cascade; insert into tree values (1, null, 0); insert into kid values (1, 1); truncate keyless; insert into keyless values (1, 'x', 1, 1)`,
  'truncate restart identity': `insert into sq default values; truncate sq restart identity; insert into sq default values`,
  'truncate of a partitioned table': `insert into part values (600, 5, 'x'); truncate part; insert into part values (1, 1, 'again')`,
  'filled, truncated and filled in one transaction': `begin; insert into keyless values (1, 'first'); truncate keyless; insert into keyless values (2, 'second'); truncate keyless; insert into keyless values (3, 'third'); commit`,
  'rows in bulk, and sequences': `insert into types (m) select 'ok' from generate_series(1, 300); select nextval('counted'), nextval('called'); select setval('called', 500)`,
  'sequences set back': `select setval('counted', 3000, false), setval('called', 1, false), setval('set_back', 9); alter sequence sq_id_seq restart`,
  'swapped unique values': `begin; set constraints all deferred; update kid set tid = null; update kid set tid = case id when 1 then 2 when 2 then 1 else 3 end; commit`,
  'a constraint checked at the end': `begin; insert into kid values (9, 99); insert into tree values (99, 1, 0); commit`,
  'row level security': `set role appuser; update rls set id = 11 where id = 1; insert into rls values (12, 'appuser'); delete from rls where id = 12; reset role`,
  'a truncate by a role without rights': `set role appuser; truncate unl; insert into unl values (7, 'by appuser'); reset role`,
  'a column that was dropped, and odd names': `update dropped set c = 5; update "S p.a""ce"."We ird'$1%s" set "sel""ect" = 'y'; insert into "S p.a""ce"."We ird'$1%s" values (2, null); update text set text = 'T', version = 'V', image = 'I'`,
  'an exclusion constraint': `update excl set r = '[10,15)'; insert into excl values (2, '[1,5)')`,
  'a rule': `insert into rp values (1)`,
  'an application in replica mode': `set session_replication_role = replica; update unl set v = 'rep'; delete from tree where id = 4; insert into kid values (9, 99); truncate kid; reset session_replication_role`,
  'a long value left as it was by an update': `update types set j = '[1]' where id = 1; update wide set b = 'short' where id = 1; update wide set a = 'short'`,
  'locks only': `begin; select * from tree for update; select * from kid for key share; commit`,
  'an update that changes nothing': `update tree set n = n where id = 1; update keyless set a = a`,
  copy: `copy (select 100 + g, 'copied' from generate_series(1, 50) g) to '/dev/null'; insert into unl select 100 + g, 'copied' from generate_series(1, 50) g`,
  'vacuum in between': `update tree set n = n + 1 where id = 4`,
}

/** What only a newer server can do, from which version on. */
export const newerCases: Readonly<
  Record<string, { readonly since: number; readonly schema: string; readonly sql: string }>
> = {
  merge: {
    since: 15,
    schema: '',
    sql: `merge into unl u using (values (1, 'm'), (7, 'mm')) s (id, v) on u.id = s.id when matched then update set v = s.v when not matched then insert values (s.id, s.v)`,
  },
  'virtual columns': {
    since: 18,
    schema: `create table virtual (id int primary key, a int, twice int generated always as (a * 2) virtual); insert into virtual values (1, 1), (2, 2)`,
    sql: `update virtual set a = 5 where id = 1; delete from virtual where id = 2; insert into virtual values (3, 3)`,
  },
}
