/**
 * What the schema is, as lines of text, so that a change of it is noticed, told to the user as a difference, and undone
 * where it only added tables, views or sequences.
 *
 * Event triggers say that something may have changed; where a role may not make them, a signature of the catalogs does.
 * The lines say whether it did.
 */
export const shapeSql = `
-- Every line belongs to a relation (rel), or to none (0).
create function venomqa.describe() returns table (rel oid, line text) language sql stable set search_path = pg_catalog as $$
  with
  extension (classid, objid) as (select classid, objid from pg_depend where deptype = 'e'),
  relation as (
    select c.*, format('%I.%I', s.name, c.relname) as name
    from pg_class c join venomqa.spaces s on s.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'c', 'S') and c.relpersistence <> 't'
      and ('pg_class'::regclass::oid, c.oid) not in (select classid, objid from extension)
  )
  select oid, concat_ws(' ',
      case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'c' then 'type' when 'S' then 'sequence'
                   when 'f' then 'foreign table' else 'table' end,
      name,
      case relpersistence when 'u' then 'unlogged' end,
      'of ' || pg_get_userbyid(relowner),
      case when relkind in ('r', 'p', 'f', 'c') then relnatts || ' columns' end,
      'by ' || pg_get_partkeydef(oid),
      pg_get_expr(relpartbound, oid),
      'inherits ' || (select string_agg(inhparent::regclass::text, ', ' order by inhseqno) from pg_inherits where inhrelid = oid),
      case when relrowsecurity then 'row level security' end, case when relforcerowsecurity then 'forced' end,
      'with ' || reloptions::text, 'access ' || relacl::text,
      case when relkind in ('v', 'm') then pg_get_viewdef(oid) end)
    from relation
  union all
  select c.oid, format('sequence %s start %s increment %s from %s to %s cache %s%s',
      c.name, seqstart, seqincrement, seqmin, seqmax, seqcache, case when seqcycle then ' cycle' end)
    from relation c join pg_sequence on seqrelid = c.oid
  union all
  select c.oid, concat_ws(' ', format('column %s.%I', c.name, attname), 'number ' || attnum,
      format_type(atttypid, atttypmod),
      case when attcollation <> (select typcollation from pg_type where oid = atttypid) then 'collate ' || attcollation::regcollation end,
      case when attnotnull then 'not null' end, case when attidentity <> '' then 'identity ' || attidentity::text end,
      case attgenerated when '' then 'default ' else 'generated ' || attgenerated::text || ' ' end || pg_get_expr(adbin, adrelid),
      'access ' || attacl::text)
    from relation c join pg_attribute a on attrelid = c.oid
    left join pg_attrdef on adrelid = c.oid and adnum = attnum
    where relkind in ('r', 'p', 'f', 'c') and attnum > 0 and not attisdropped
  union all
  select c.oid, format('constraint %I on %s: %s', conname, c.name, pg_get_constraintdef(k.oid))
    from relation c join pg_constraint k on conrelid = c.oid where conparentid = 0
  union all
  select c.oid, concat_ws(' ', 'index', pg_get_indexdef(indexrelid), case when not indisvalid then 'invalid' end)
    from relation c join pg_index on indrelid = c.oid
  union all
  select c.oid, concat_ws(' ', pg_get_triggerdef(t.oid), 'enabled', tgenabled)
    from relation c join pg_trigger t on tgrelid = c.oid where not tgisinternal
  union all
  select c.oid, concat_ws(' ', pg_get_ruledef(r.oid), 'enabled', ev_enabled)
    from relation c join pg_rewrite r on ev_class = c.oid where rulename <> '_RETURN'
  union all
  select c.oid, concat_ws(' ', format('policy %I on %s', polname, c.name), polcmd,
      case when not polpermissive then 'restrictive' end, polroles::text,
      'using ' || pg_get_expr(polqual, polrelid), 'check ' || pg_get_expr(polwithcheck, polrelid))
    from relation c join pg_policy on polrelid = c.oid
  union all
  select 0, concat_ws(' ', 'function', p.oid::regprocedure, md5(p::text))
    from pg_proc p join venomqa.spaces s on s.oid = pronamespace
    where ('pg_proc'::regclass::oid, p.oid) not in (select classid, objid from extension)
  union all
  select 0, concat_ws(' ', 'type', t.oid::regtype,
      (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) from pg_enum where enumtypid = t.oid),
      case typtype when 'd' then format_type(typbasetype, typtypmod) end, case when typnotnull then 'not null' end,
      'default ' || typdefault,
      (select string_agg(pg_get_constraintdef(oid), ' ' order by oid) from pg_constraint where contypid = t.oid))
    from pg_type t join venomqa.spaces s on s.oid = typnamespace
    where typtype in ('e', 'd', 'r', 'b') and typcategory <> 'A' and ('pg_type'::regclass::oid, t.oid) not in (select classid, objid from extension)
  union all
  select 0, concat_ws(' ', 'schema', quote_ident(nspname), 'of ' || pg_get_userbyid(nspowner), 'access ' || nspacl::text)
    from pg_namespace n join venomqa.spaces s on s.oid = n.oid
  union all
  select 0, concat_ws(' ', 'extension', quote_ident(extname), extversion) from pg_extension
$$;

-- What differs between the schema as it is and as it was.
create function venomqa.shape_difference(p_shape int) returns table (sign text, rel oid, line text)
language sql stable as $$
  with
  is_now as materialized (select rel, line from venomqa.describe()),
  was as materialized (select rel, line from venomqa.shape where version = p_shape)
  select '+', more.* from (select * from is_now except all select * from was) as more
  union all
  select '-', less.* from (select * from was except all select * from is_now) as less
$$;

-- Changes with every change of the catalogs that could change a line.
create function venomqa.signature() returns text language sql volatile set search_path = pg_catalog as $$
  select string_agg(concat_ws(':', n, places, writers), ' ' order by catalog) from (
    ${[
      ['pg_class', "oid >= 16384 and relpersistence <> 't'"],
      ['pg_attribute', 'attrelid >= 16384'],
      ['pg_attrdef', 'true'],
      ['pg_constraint', 'oid >= 16384'],
      ['pg_index', 'indexrelid >= 16384'],
      ['pg_trigger', 'true'],
      ['pg_rewrite', 'oid >= 16384'],
      ['pg_policy', 'true'],
      ['pg_proc', 'oid >= 16384'],
      ['pg_type', 'oid >= 16384'],
      ['pg_enum', 'true'],
      ['pg_sequence', 'true'],
      ['pg_inherits', 'true'],
      ['pg_namespace', "oid >= 16384 or nspname = 'public'"],
      ['pg_extension', 'true'],
    ]
      .map(
        ([catalog, rows]) =>
          `select '${catalog}' as catalog, count(*) as n, sum(hashtid(ctid)) as places, sum(xmin::text::bigint) as writers
    from ${catalog} where ${rows}`,
      )
      .join('\n    union all ')}
  ) as catalogs
$$;

-- Whether the schema may have changed since it was last asked.
create function venomqa.may_differ() returns boolean language plpgsql as $$
declare
  v_about venomqa.about;
  v_signature text;
begin
  select * into strict v_about from venomqa.about;
  if v_about.told_of_ddl then
    delete from venomqa.ddl;
    return found;
  end if;
  v_signature := venomqa.signature();
  update venomqa.about set signature = v_signature;
  return v_signature is distinct from v_about.signature;
end $$;

-- The version of the schema as it is. New tables are watched, and changed ones anew.
create function venomqa.present_shape() returns int language plpgsql as $$
declare
  v_shape int := (select shape from venomqa.about);
begin
  if venomqa.may_differ() and exists (select from venomqa.shape_difference(v_shape)) then
    return venomqa.new_shape();
  end if;
  return v_shape;
end $$;

create function venomqa.new_shape() returns int language plpgsql as $$
declare
  v_shape int := (select shape from venomqa.about);
begin
  perform venomqa.watch_all(array(select distinct rel from venomqa.shape_difference(v_shape)));
  v_shape := nextval('venomqa.shape_version');
  insert into venomqa.shape select v_shape, rel, line from venomqa.describe();
  perform venomqa.at_shape(v_shape);
  return v_shape;
end $$;

create function venomqa.at_shape(p_shape int) returns void language sql as $$
  delete from venomqa.shape where version > p_shape;
  update venomqa.about
    set shape = p_shape, signature = case when not told_of_ddl then venomqa.signature() end;
$$;

-- Refuses with the difference where anything changed but that relations were added.
create function venomqa.only_added(p_shape int) returns void language plpgsql as $$
declare
  v_old oid[] := array(select distinct rel from venomqa.shape where version = p_shape);
  v_difference text;
begin
  if exists (select from venomqa.shape_difference(p_shape) where sign = '-' or rel = 0 or rel = any (v_old)) then
    select string_agg(sign || ' ' || line, e'\\n' order by rel, sign desc, line) into v_difference
      from venomqa.shape_difference(p_shape);
    raise exception using errcode = 'VQ003', message = 'the schema changed', detail = v_difference;
  end if;
end $$;

-- Takes away what was added since.
create function venomqa.undo_shape(p_shape int) returns void language plpgsql as $$
declare
  v_drop text;
begin
  perform venomqa.only_added(p_shape);
  -- One at a time, tables first: what goes with them is then no longer there to be dropped.
  loop
    select format('drop %s %I.%I cascade',
        case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
                     when 'f' then 'foreign table' when 'c' then 'type' else 'table' end,
        nspname, relname)
      into v_drop
    from venomqa.shape_difference(p_shape) as added join pg_class c on c.oid = added.rel
    join pg_namespace s on s.oid = c.relnamespace
    order by relkind not in ('r', 'p') limit 1;
    exit when not found;
    execute v_drop;
  end loop;
  delete from venomqa.ddl;
  delete from venomqa.log where not exists (select from pg_class where oid = rel);
  perform venomqa.watch_all();
  perform venomqa.at_shape(p_shape);
end $$;
`
