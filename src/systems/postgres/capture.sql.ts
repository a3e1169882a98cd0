const PINNED = 'venomqa.image(old)'

const where = (ordinary: string): string => `case when ${ordinary} then old::pg_catalog.text else ${PINNED} end`

/**
 * The old row as text, by what that depends on: `venomqa.image_of` says which is for a table.
 *
 * A function with settings costs more than all the rest of a trigger, so it is called only where a setting is odd that
 * matters to some column.
 */
const IMAGES = {
  plain: 'old::pg_catalog.text',
  dated: where(`('2000-01-31'::pg_catalog.date)::pg_catalog.text = '2000-01-31'`),
  checked: where(`current_setting('DateStyle') like 'ISO%' and current_setting('IntervalStyle') = 'postgres'
    and current_setting('extra_float_digits') in ('1', '2', '3')`),
  pinned: PINNED,
}

/** What a variable is set to is prepared once in a transaction; inside of the statement it would be for each row. */
const logOld = ([kind, image]: readonly [string, string]): string => `
create function venomqa.log_update_${kind}() returns trigger language plpgsql as $$
declare
  v_row pg_catalog.text := ${image};
begin
  insert into venomqa.log values (tg_relid, new.ctid, new.xmin, old.ctid, old.xmin, v_row);
  return null;
end $$;

create function venomqa.log_delete_${kind}() returns trigger language plpgsql as $$
declare
  v_row pg_catalog.text := ${image};
begin
  insert into venomqa.log (rel, old_at, old_by, old_row) values (tg_relid, old.ctid, old.xmin, v_row);
  return null;
end $$;`

/**
 * What is kept in the database, and the triggers that fill it.
 *
 * A version of a row is named by its place and the transaction that made it (`ctid`, `xmin`), so a table needs no key.
 * Each line of `log` is one step from an old version to a new one: an insert has no old one, a delete no new one. The
 * steps need no order. What a table was at a mark follows from the steps after it: its rows now, without those that
 * such a step made, and with those that such a step ended and none made.
 *
 * The steps after a mark are those that were not yet committed when it was taken. Taking a mark moves the lines that
 * its own statement can see from `log` to `past`; what a transaction in flight has written is not among them, and is
 * found in `log` when it is committed. So a mark is exact whoever is writing. A largest line number would not be.
 */
export const captureSql = `
create schema venomqa;
comment on schema venomqa is 'Made by venomqa to undo what a test run changes. It goes when the run ends.';
grant usage on schema venomqa to public;

create table venomqa.log (
  rel oid not null,
  new_at tid, new_by xid,
  old_at tid, old_by xid,
  old_row text
) with (autovacuum_enabled = off, toast_tuple_target = 8160);
alter table venomqa.log alter old_row set storage external;
grant insert on venomqa.log to public;

-- The commands that changed the schema since it was last described.
create table venomqa.ddl (command text);
grant insert on venomqa.ddl to public;

create table venomqa.past (
  mark int not null,            -- the mark after which it happened
  like venomqa.log including storage
) with (autovacuum_enabled = off, toast_tuple_target = 8160);
create index on venomqa.past (rel, new_at);
create index on venomqa.past (mark);

create table venomqa.mark (
  id int generated always as identity primary key,
  name text not null,
  taken timestamptz not null default clock_timestamp(),
  shape int not null,           -- how the schema was: a version in venomqa.shape
  sequences oid[], last_values bigint[], called boolean[]
);

create table venomqa.tables (
  rel oid primary key,
  name text not null,
  file oid,                     -- changes when the server rewrites the table, and with it the places of its rows
  truncated boolean not null default false
);

create table venomqa.about (
  version text not null,
  database oid not null,
  run text not null,            -- the run that holds the lease, or held it when it died
  opened timestamptz not null default clock_timestamp(),
  told_of_ddl boolean not null, -- by event triggers; else the signature of the catalogs is compared
  signature text,
  shape int not null default 0
);

create sequence venomqa.shape_version;
create table venomqa.shape (version int not null, rel oid not null, line text not null);

-- A publication of all tables publishes these too, and refuses what is done to rows that nothing identifies.
alter table venomqa.log replica identity full;
alter table venomqa.ddl replica identity full;
alter table venomqa.past replica identity full;
alter table venomqa.about replica identity full;
alter table venomqa.shape replica identity full;

-- The self-test writes here, and nothing else does.
create table venomqa.probe (id int generated always as identity primary key, note text);

-- The text of a row depends on settings of the session: how dates and floats are written, and, for money and the
-- names of tables and functions, on the locale and the search path.
create function venomqa.image(version anyelement) returns text language plpgsql
  set datestyle = 'ISO, YMD' set intervalstyle = 'postgres' set extra_float_digits = 1
  set lc_monetary = 'C' set search_path = pg_catalog
as $$
begin
  return version::text;
end $$;
grant execute on function venomqa.image(anyelement) to public;

create function venomqa.log_insert() returns trigger language plpgsql as $$
begin
  insert into venomqa.log (rel, new_at, new_by) values (tg_relid, new.ctid, new.xmin);
  return null;
end $$;

${Object.entries(IMAGES).map(logOld).join('\n')}

-- For sessions in replica mode, such as loaders: rare, so one function for all.
create function venomqa.log_any() returns trigger language plpgsql as $$
begin
  insert into venomqa.log values (tg_relid, new.ctid, new.xmin, old.ctid, old.xmin,
    case when tg_op <> 'INSERT' then ${PINNED} end);
  return null;
end $$;

create function venomqa.log_truncate() returns trigger language plpgsql security definer
  set datestyle = 'ISO, YMD' set intervalstyle = 'postgres' set extra_float_digits = 1
  set lc_monetary = 'C' set search_path = pg_catalog set row_security = off
as $$
begin
  execute format(
    'insert into venomqa.log (rel, old_at, old_by, old_row)
     select %s, "venomqa$row".ctid, "venomqa$row".xmin, ("venomqa$row".*)::text from only %s as "venomqa$row"',
    tg_relid, tg_relid::regclass);
  return null;
end $$;

create function venomqa.log_truncated() returns trigger language plpgsql security definer
  set search_path = pg_catalog
as $$
begin
  update venomqa.tables set file = pg_relation_filenode(tg_relid), truncated = true where rel = tg_relid;
  return null;
end $$;

create function venomqa.log_ddl() returns event_trigger language plpgsql as $$
begin
  if current_setting('venomqa.control', true) = 'on' then return; end if;
  insert into venomqa.ddl
    select concat_ws(' ', command_tag, object_identity) from pg_event_trigger_ddl_commands()
    where schema_name is distinct from 'pg_temp';
end $$;

create function venomqa.log_drop() returns event_trigger language plpgsql as $$
begin
  if current_setting('venomqa.control', true) = 'on' then return; end if;
  insert into venomqa.ddl
    select concat_ws(' ', 'DROP', upper(object_type), object_identity) from pg_event_trigger_dropped_objects()
    where original and not is_temporary;
end $$;
`
