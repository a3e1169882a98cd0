/** What users read of the state: what changed since a mark, and what is there. And how it is emptied. */
export const reportSql = `
-- Every table as reports call it: by its name in the schema public, else with its schema. The leaves of a partitioned
-- table are called as their root. Its rows are told apart by its primary key, or else by the smallest unique key.
create view venomqa.shown_tables as
  select t.rel, t.name,
    case rs.nspname when 'public' then r.relname else rs.nspname || '.' || r.relname end as shown,
    r.oid as root,
    format('%s%I.%I', case when r.relkind = 'p' then '' else 'only ' end, rs.nspname, r.relname) as root_name,
    (select to_json(array_agg(attname order by attnum)) from pg_attribute
      where attrelid = t.rel and attnum > 0 and not attisdropped and attgenerated <> 'v') as columns,
    (select to_json((
        select array_agg(attname order by place)
        from unnest(k.indkey::int2[]) with ordinality as part (number, place)
        join pg_attribute on attrelid = t.rel and attnum = number where place <= k.indnkeyatts))
      from pg_index k
      where indrelid = t.rel and indisunique and indimmediate and indisvalid and indpred is null and indexprs is null
        and not exists (
          select from unnest(k.indkey::int2[]) with ordinality as part (number, place)
          join pg_attribute on attrelid = t.rel and attnum = number where place <= k.indnkeyatts and not attnotnull)
      order by indisprimary desc, indnkeyatts, indexrelid limit 1) as key
  from venomqa.user_tables t
  join pg_class r on r.oid = coalesce(pg_partition_root(t.rel), t.rel)
  join pg_namespace rs on rs.oid = r.relnamespace;

-- Whether the schema may be another one than at a mark.
create function venomqa.schema_moved(p_shape int) returns boolean language sql as $$
  select shape <> p_shape or exists (select from venomqa.ddl)
    or not told_of_ddl and signature is distinct from venomqa.signature()
  from venomqa.about
$$;

-- Whether anything may differ from what it was at a mark.
create function venomqa.moved(p_mark int) returns boolean language sql as $$
  select exists (select from venomqa.log) or exists (select from venomqa.past where mark >= p_mark)
    or venomqa.schema_moved((select shape from venomqa.mark where id = p_mark))
$$;

-- The tables that may differ from what they were at a mark. Those that were not there yet are new.
create function venomqa.changed_tables(p_mark int)
returns table (rel oid, shown text, name text, columns json, key json, is_new boolean) language plpgsql as $$
declare
  v_shape int := (select shape from venomqa.mark where id = p_mark);
  v_lines oid[] := array(
    select log.rel from venomqa.log union select past.rel from venomqa.past where mark >= p_mark);
begin
  if venomqa.schema_moved(v_shape) then
    perform venomqa.only_added(v_shape);
  end if;
  return query
    select t.rel, t.shown, t.name, t.columns, t.key, is_later
    from venomqa.shown_tables t
    cross join lateral (
      select not exists (select from venomqa.shape s where s.version = v_shape and s.rel = t.rel) as is_later
    ) as known
    where t.rel = any (v_lines) or is_later
    order by t.shown, t.rel;
end $$;

-- Empties tables, in a way that is undone like any other change, and starts their sequences anew. A table that is kept
-- must not refer to a row that goes.
create function venomqa.empty(p_rels oid[]) returns void language plpgsql as $$
declare
  v_key record;
  v_refers boolean;
  v_rel oid;
begin
  for v_key in
    select conname, conrelid::regclass as kept, confrelid::regclass as emptied,
      (select string_agg(format('%I is not null', attname), ' and ') from pg_attribute
        where attrelid = conrelid and attnum = any (conkey)) as is_set
    from pg_constraint
    where contype = 'f' and confrelid = any (p_rels) and conrelid <> all (p_rels)
  loop
    execute format('select exists (select from %s where %s)', v_key.kept, v_key.is_set) into v_refers;
    if v_refers then
      raise exception using errcode = 'VQ006', message = format('%s refers to %s (%s)', v_key.kept, v_key.emptied, v_key.conname);
    end if;
  end loop;
  -- As an application in replica mode would: logged, and without the user's triggers and foreign keys.
  perform set_config('venomqa.control', 'off', true);
  foreach v_rel in array p_rels loop
    execute (select format('delete from only %I.%I', nspname, relname)
      from pg_class c join pg_namespace s on s.oid = relnamespace where c.oid = v_rel);
  end loop;
  perform set_config('venomqa.control', 'on', true);
  perform setval(seqrelid::regclass, seqstart, false)
    from pg_sequence join pg_depend on classid = 'pg_class'::regclass and objid = seqrelid and deptype in ('a', 'i')
    where refclassid = 'pg_class'::regclass and refobjid = any (p_rels);
end $$;
`
