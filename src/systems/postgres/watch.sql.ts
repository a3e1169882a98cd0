/**
 * Which tables are watched, and what is made for each: the triggers, and a function that puts it back.
 *
 * Only leaves are watched: a trigger on a partitioned table would be cloned to tables that the application attaches
 * later, and collide there with the ones they have.
 */
export const watchSql = `
-- The user's schemas: all but the server's own and ours.
create view venomqa.spaces as
  select oid, nspname::text as name from pg_namespace
  where nspname !~ '^pg_' and nspname not in ('information_schema', 'venomqa');

-- The tables that can be watched. What belongs to an extension is the extension's own affair.
create view venomqa.user_tables as
  select c.oid as rel, format('%I.%I', s.name, c.relname) as name
  from pg_class c join venomqa.spaces s on s.oid = c.relnamespace
  where c.relkind = 'r' and c.relpersistence <> 't'
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e');

-- What the text of a row depends on: the locale or the search path (pinned) where some column is, or contains, money or
-- the name of a database object; the style of dates (dated); nothing (plain). Where a type is none that is known, the
-- settings of the session are asked for (checked).
create function venomqa.image_of(p_rel oid) returns text language sql stable set search_path = pg_catalog as $$
  with recursive contained (type) as (
      select atttypid from pg_attribute where attrelid = p_rel and attnum > 0 and not attisdropped
    union
      select inner_type from contained
      join pg_type t on t.oid = contained.type
      cross join lateral (
        select t.typelem union all select t.typbasetype
        union all select atttypid from pg_attribute where attrelid = t.typrelid and attnum > 0 and not attisdropped
        union all select rngsubtype from pg_range where rngtypid = t.oid
        union all select rngtypid from pg_range where rngmultitypid = t.oid
      ) as part (inner_type)
      where inner_type <> 0
  )
  select case
    when bool_or(oid in (
      'money'::regtype, 'regclass'::regtype, 'regproc'::regtype, 'regprocedure'::regtype, 'regoper'::regtype,
      'regoperator'::regtype, 'regtype'::regtype, 'regconfig'::regtype, 'regdictionary'::regtype, 'regcollation'::regtype
    )) then 'pinned'
    when bool_or(not is_dated and not is_plain) then 'checked'
    when bool_or(is_dated) then 'dated'
    else 'plain'
  end
  from contained join pg_type on oid = type
  cross join lateral (
    select
      oid in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) as is_dated,
      -- Enums are written as they are, and what only contains others as those are. Not so composites: they can be
      -- altered without the table.
      typtype in ('d', 'e', 'm', 'r') or typoutput = 'array_out'::regproc or oid in (
        'bool'::regtype, 'int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype, 'text'::regtype,
        'varchar'::regtype, 'bpchar'::regtype, '"char"'::regtype, 'name'::regtype, 'uuid'::regtype, 'json'::regtype,
        'jsonb'::regtype, 'bytea'::regtype, 'bit'::regtype, 'varbit'::regtype, 'time'::regtype, 'inet'::regtype,
        'cidr'::regtype, 'macaddr'::regtype, 'oid'::regtype, 'tsvector'::regtype, 'tsquery'::regtype
      ) as is_plain
  ) as known
$$;

create function venomqa.watch(p_rel oid) returns void language plpgsql as $watch$
declare
  v_name text;
  v_columns text;
  v_values text;
  v_mute text;
  v_unmute text;
  v_identify text;
  v_identity text;
begin
  select format('%I.%I', s.nspname, c.relname) into strict v_name
  from pg_class c join pg_namespace s on s.oid = c.relnamespace where c.oid = p_rel;

  -- A session in its ordinary mode fires the first three and pays for no condition; one in replica mode fires the
  -- fourth, which leaves our own session out.
  execute format($sql$
    create or replace trigger venomqa_insert after insert on %1$s
      for each row execute function venomqa.log_insert();
    create or replace trigger venomqa_update after update on %1$s
      for each row execute function venomqa.log_update_%2$s();
    create or replace trigger venomqa_delete after delete on %1$s
      for each row execute function venomqa.log_delete_%2$s();
    create or replace trigger venomqa_replica after insert or update or delete on %1$s
      for each row when (current_setting('venomqa.control', true) is distinct from 'on')
      execute function venomqa.log_any();
    create or replace trigger venomqa_truncate before truncate on %1$s
      for each statement execute function venomqa.log_truncate();
    create or replace trigger venomqa_truncated after truncate on %1$s
      for each statement execute function venomqa.log_truncated();
    alter table %1$s
      enable trigger venomqa_insert, enable trigger venomqa_update, enable trigger venomqa_delete,
      enable replica trigger venomqa_replica,
      enable always trigger venomqa_truncate, enable always trigger venomqa_truncated;
  $sql$, v_name, venomqa.image_of(p_rel));

  -- Columns that the server computes are not put back by us.
  select string_agg(format('%I', attname), ', ' order by attnum),
         string_agg(format('(given.version).%I', attname), ', ' order by attnum)
    into v_columns, v_values
  from pg_attribute where attrelid = p_rel and attnum > 0 and not attisdropped and attgenerated = '';

  -- The user's own triggers and rules that would fire even for us are off while we work.
  with loud (kind, name, enabled) as (
    select 'trigger', tgname, tgenabled from pg_trigger
      where tgrelid = p_rel and not tgisinternal and tgenabled in ('A', 'R') and tgname not like 'venomqa\\_%'
    union all
    select 'rule', rulename, ev_enabled from pg_rewrite where ev_class = p_rel and ev_enabled in ('A', 'R')
  )
  select 'alter table ' || v_name || ' ' || string_agg(format('disable %s %I', kind, name), ', ') || ';',
         'alter table ' || v_name || ' ' || string_agg(
           format('enable %s %s %I', case enabled when 'A' then 'always' else 'replica' end, kind, name), ', ') || ';'
    into v_mute, v_unmute
  from loud;

  -- Where a publication tells of deletes, the server refuses those of rows that nothing identifies.
  select case relreplident when 'n' then 'nothing' else 'default' end into v_identity
  from pg_class where oid = p_rel and (relreplident = 'n' or relreplident = 'd'
    and not exists (select from pg_index where indrelid = p_rel and indisprimary and indimmediate));
  if found then
    v_identify := 'if exists (select from pg_publication where pubdelete) then alter table ' || v_name || ' replica identity ';
    v_mute := concat(v_mute, v_identify, 'full; end if;');
    v_unmute := concat(v_unmute, v_identify, v_identity, '; end if;');
  end if;

  -- A function for each table, so that its statements are planned once.
  execute format($sql$
    create or replace function venomqa.undo_%2$s(
      p_gone tid[],                 -- where the versions are that must go
      p_back text[],                -- the rows that must come back
      p_at tid[], p_by xid[],       -- how their versions were called
      p_has_past boolean            -- earlier marks know versions of this table
    ) returns void language plpgsql as $undo$
    #variable_conflict use_variable
    declare
      v_gone bigint;
      v_back bigint;
      v_at tid[];
      v_by xid[];
    begin
      %6$s
      if p_gone is not null then
        delete from only %1$s where ctid = any (p_gone);
        get diagnostics v_gone = row_count;
      end if;
      if p_back is not null then
        if p_has_past then
          with put as (
            insert into %1$s %4$s overriding system value
            select %5$s from (select image::%1$s as version from unnest(p_back) as image offset 0) as given
            returning ctid, xmin
          )
          select array_agg(ctid), array_agg(xmin) into v_at, v_by from put;
          v_back := coalesce(cardinality(v_at), 0);
          perform venomqa.rename(%2$s, p_at, p_by, v_at, v_by);
        else
          insert into %1$s %4$s overriding system value
          select %5$s from (select image::%1$s as version from unnest(p_back) as image offset 0) as given;
          get diagnostics v_back = row_count;
        end if;
      end if;
      if v_gone <> cardinality(p_gone) or v_back <> cardinality(p_back) then
        raise exception using errcode = 'VQ004', message = %3$L;
      end if;
      %7$s
    end $undo$
  $sql$, v_name, p_rel, v_name, '(' || v_columns || ')', v_values, v_mute, v_unmute);

  insert into venomqa.tables (rel, name, file) values (p_rel, v_name, pg_relation_filenode(p_rel))
  on conflict (rel) do update set name = excluded.name, file = excluded.file;
end $watch$;

-- The rows that were put back have new names: what led to them before the mark leads to these now.
create function venomqa.rename(p_rel oid, p_at tid[], p_by xid[], p_new_at tid[], p_new_by xid[])
returns void language plpgsql as $$
begin
  update venomqa.past set new_at = name.new_at, new_by = name.new_by
  from unnest(p_at, p_by, p_new_at, p_new_by) as name (at, by, new_at, new_by)
  where past.rel = p_rel and past.new_at = any (p_at) and past.new_at = name.at and past.new_by = name.by;

  -- One transaction that truncates a table may give a second row the name of the first: both are renamed, and the end
  -- of the first with them.
  if (select truncated from venomqa.tables where rel = p_rel) then
    update venomqa.past set old_at = name.new_at, old_by = name.new_by
    from unnest(p_at, p_by, p_new_at, p_new_by) as name (at, by, new_at, new_by)
    where past.rel = p_rel and past.old_at = name.at and past.old_by = name.by;
  end if;
end $$;

-- Watches every table that is not watched yet, anew those of p_again and those of which a composite type grew by what
-- other triggers ask for, and forgets those that are gone.
create function venomqa.watch_all(p_again oid[] default '{}') returns void language plpgsql as $$
declare
  v_rel oid;
begin
  for v_rel in select rel from venomqa.tables where not exists (select from pg_class where oid = rel) loop
    execute format('drop function if exists venomqa.undo_%s', v_rel);
    delete from venomqa.tables where rel = v_rel;
  end loop;
  for v_rel in
    select rel from venomqa.user_tables
    where rel = any (p_again) or not exists (
      select from pg_trigger join pg_proc p on p.oid = tgfoid
      where tgrelid = rel and tgname = 'venomqa_update' and proname = 'log_update_' || venomqa.image_of(rel))
  loop
    perform venomqa.watch(v_rel);
  end loop;
  perform venomqa.watch_sequences();
end $$;

create view venomqa.user_sequences as
  select c.oid as seq, format('%I.%I', s.name, c.relname) as name
  from pg_class c join venomqa.spaces s on s.oid = c.relnamespace
  where c.relkind = 'S' and c.relpersistence <> 't'
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e');

-- Makes venomqa.sequences(): where every sequence is. Only the sequence itself can tell whether its last value was
-- already given, and asking each is quicker than the function for that of PostgreSQL 18 with the catalogs.
create function venomqa.watch_sequences() returns void language plpgsql as $watch$
declare
  v_query text;
begin
  select string_agg(format('select %s::oid, last_value, is_called from %s', seq, name), ' union all ')
    into v_query from venomqa.user_sequences;
  execute format($sql$
    create or replace function venomqa.sequences() returns table (seq oid, last bigint, called boolean)
    language plpgsql as $body$ begin return query %s; end $body$
  $sql$, coalesce(v_query, 'select null::oid, null::bigint, null::boolean where false'));
end $watch$;
`
