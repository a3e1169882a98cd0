/** How often each version was made, less how often it was ended: 0 for those that only came and went between. */
function net(lines: string): string {
  return `select rel, at, by, sum(n) as n, max(old_row collate "C") as old_row from (
        select rel, new_at, new_by, 1, null from ${lines} where new_at is not null
        union all
        select rel, old_at, old_by, -1, old_row from ${lines} where old_at is not null
      ) as version (rel, at, by, n, old_row)
      group by rel, at, by `
}

/**
 * Marks and the way back to them. Each is one call, in one transaction, on the control session.
 *
 * `VQ000` the session is not ours, `VQ001` somebody is writing, `VQ002` no such mark, `VQ003` the schema changed,
 * `VQ004` a table was changed past the triggers, `VQ005` a table was rewritten, `VQ006` a kept table refers to an emptied one.
 */
export const undoSql = `
-- Whether a write transaction is open in this database that does not wait for us, or for one that waits for us. Those
-- come after us. Autovacuum belongs to nobody (usesysid) and changes no row.
create function venomqa.others_write() returns boolean language plpgsql as $$
begin
  perform pg_stat_clear_snapshot();
  return exists (
      select from pg_stat_get_activity(null) a join pg_database d on d.oid = a.datid
      where d.datname = current_database() and a.backend_xid is not null and a.usesysid is not null
        and a.pid <> pg_backend_pid() and a.pid not in (select pid from pg_locks where not granted and pid is not null))
    or exists (select from pg_prepared_xacts where database = current_database());
end $$;

-- Whether nobody else has a transaction id.
--
-- The lock on the log holds every other writer off until the end of the transaction: who has written in a watched table
-- holds one too, and who comes later waits in its trigger, and so comes after us. Between the two is who has a
-- transaction id and has not written yet: there is none when the snapshot begins and ends with our own.
create function venomqa.is_quiet() returns boolean language plpgsql as $$
declare
  v_own text := pg_current_xact_id()::text;
begin
  return v_own || ':' || v_own || ':' = pg_current_snapshot()::text;
end $$;

create function venomqa.refuse_if_not_alone(p_is_ours boolean, p_wait boolean) returns void language plpgsql as $$
begin
  -- A proxy that hands sessions on between transactions would run us in one without our settings.
  if p_is_ours is not true then
    raise exception using errcode = 'VQ000', message = 'this is not the control session';
  end if;
  -- Who is in the middle of a statement will soon wait for our lock, or be done.
  for i in 1 .. case when p_wait then 20 else 1 end loop
    if not venomqa.others_write() then return; end if;
    perform pg_sleep(0.002) where p_wait;
  end loop;
  raise exception using errcode = 'VQ001', message = 'a write transaction is open';
end $$;

-- Stands in the queue for the tables that are to be put back, so that writers who never pause are held off before they
-- lock rows. It waits for a short time only (lock_timeout): one who waits for us may be the one we wait for.
create function venomqa.queue(p_mark int) returns void language plpgsql as $$
declare
  v_tables text;
begin
  select string_agg('only ' || name, ', ' order by rel) into v_tables from venomqa.tables
  where rel in (select log.rel from venomqa.log union select past.rel from venomqa.past where mark >= p_mark);
  if v_tables is not null then
    execute format('lock table %s in exclusive mode', v_tables);
  end if;
end $$;

-- Takes a mark. Answers with its id, and for each table how many lines it had since the mark before.
--
-- It is taken with nobody else writing (alone), or beside those who do (p_alone false); and it does not wait for that,
-- or for a short time (p_wait).
create function venomqa.checkpoint(p_name text, p_alone boolean, p_wait boolean, out id int, out moved oid[], out lines bigint[])
language plpgsql as $$
declare
  v_is_ours boolean := current_setting('venomqa.control', true) = 'on';
  v_shape int;
  v_may_differ boolean;
  v_last int;
begin
  if p_alone and p_wait then
    lock table venomqa.log in share row exclusive mode;
  elsif p_alone then
    lock table venomqa.log in share row exclusive mode nowait;
  end if;
  if v_is_ours is not true or p_alone and not venomqa.is_quiet() then
    perform venomqa.refuse_if_not_alone(v_is_ours, p_wait);
  end if;
  select shape, not told_of_ddl or exists (select from venomqa.ddl), (select max(mark.id) from venomqa.mark)
    into v_shape, v_may_differ, v_last from venomqa.about;
  if v_may_differ then
    v_shape := venomqa.present_shape();
  end if;

  -- What this statement can see happened before the mark; what it cannot see stays, and happened after it.
  with
    seen as (delete from venomqa.log returning *),
    kept as (insert into venomqa.past select v_last, seen.* from seen where v_last is not null)
  select array_agg(counted.rel), array_agg(counted.n) into moved, lines
    from (select rel, count(*) as n from seen group by rel) as counted;
  if p_alone and pg_relation_size('venomqa.log') > 65536 then
    truncate venomqa.log;
  end if;
  if exists (select from venomqa.tables where file <> pg_relation_filenode(rel)) then
    perform venomqa.rewritten(v_last);
  end if;

  insert into venomqa.mark (name, shape, sequences, last_values, called)
    select p_name, v_shape, array_agg(seq), array_agg(last), array_agg(s.called) from venomqa.sequences() s
    returning mark.id into checkpoint.id;
end $$;

-- Goes back to a mark and forgets those made after it. Answers with the tables that were touched since, and with the
-- size of the past where that was rewritten.
create function venomqa.rollback(p_mark int, p_wait boolean, out touched oid[], out past_size bigint)
language plpgsql as $$
declare
  v_is_ours boolean := current_setting('venomqa.control', true) = 'on';
  v_mark venomqa.mark;
  v_about venomqa.about;
  v_has_log boolean;
  v_has_past boolean;
  v_table record;
begin
  if p_wait then
    perform venomqa.queue(p_mark);
    lock table venomqa.log in share row exclusive mode;
  else
    lock table venomqa.log in share row exclusive mode nowait;
  end if;
  if v_is_ours is not true or not venomqa.is_quiet() then
    perform venomqa.refuse_if_not_alone(v_is_ours, p_wait);
  end if;
  select * into v_mark from venomqa.mark where id = p_mark;
  if not found then
    raise exception using errcode = 'VQ002', message = 'there is no such mark';
  end if;
  delete from venomqa.mark where id > p_mark;
  v_has_log := exists (select from venomqa.log);
  v_has_past := exists (select from venomqa.past where past.mark >= p_mark);
  if v_has_past then
    perform venomqa.pull(p_mark);
  end if;
  select * into v_about from venomqa.about;
  if v_mark.shape <> v_about.shape or exists (select from venomqa.ddl)
    or not v_about.told_of_ddl and venomqa.may_differ() then
    perform venomqa.undo_shape(v_mark.shape);
  end if;

  if v_has_log or v_has_past then
    for v_table in
      select rel,
        array_agg(at) filter (where n > 0) as gone,
        array_agg(old_row) filter (where n < 0) as back,
        array_agg(at) filter (where n < 0) as back_at,
        array_agg(by) filter (where n < 0) as back_by,
        (select file = pg_relation_filenode(rel) from venomqa.tables where tables.rel = net.rel) as is_whole,
        exists (select from venomqa.past where past.rel = net.rel) as has_past
      from (${net('venomqa.log')} order by rel, at) as net
      group by rel
    loop
      touched := touched || v_table.rel;
      if not v_table.is_whole then
        raise exception using errcode = 'VQ005', message = (select name from venomqa.tables where rel = v_table.rel);
      end if;
      execute format('select venomqa.undo_%s($1, $2, $3, $4, $5)', v_table.rel)
        using v_table.gone, v_table.back, v_table.back_at, v_table.back_by, v_table.has_past;
      if v_table.has_past then
        past_size := pg_relation_size('venomqa.past');
      end if;
    end loop;
    delete from venomqa.log;
    -- Deleted lines stay in the file until it is cut: not each time, since that costs more than reading over them.
    if pg_relation_size('venomqa.log') > 65536 then
      truncate venomqa.log;
    end if;
  end if;

  -- Whether a sequence that has given no value yet is where it was, only the sequence itself can tell: it is set.
  perform setval(seq::regclass, last, called)
    from unnest(v_mark.sequences, v_mark.last_values, v_mark.called) as at_mark (seq, last, called)
    where not called or pg_sequence_last_value(seq) is distinct from last;
end $$;

-- What happened before a later mark happened after this one.
create function venomqa.pull(p_mark int) returns void language plpgsql as $$
declare
  v_name text;
begin
  select name into v_name from venomqa.past join venomqa.tables using (rel)
    where mark >= p_mark and new_at is null and old_at is null limit 1;
  if found then
    raise exception using errcode = 'VQ005', message = v_name;
  end if;
  with back as (delete from venomqa.past where mark >= p_mark returning *)
  insert into venomqa.log select rel, new_at, new_by, old_at, old_by, old_row from back;
end $$;

-- The rows of a table that was rewritten (vacuum full, cluster) have other places now: its past is lost.
create function venomqa.rewritten(p_mark int) returns void language plpgsql as $$
begin
  insert into venomqa.past (mark, rel)
    select p_mark, rel from venomqa.tables
    where p_mark is not null and file <> pg_relation_filenode(rel)
      and exists (select from venomqa.past where past.rel = tables.rel);
  update venomqa.tables set file = pg_relation_filenode(rel) where file <> pg_relation_filenode(rel);
end $$;

-- Forgets a mark: what happened after it happened after the one before it.
create function venomqa.release(p_mark int) returns void language plpgsql as $$
declare
  v_before int;
begin
  select max(id) into v_before from venomqa.mark where id < p_mark;
  if v_before is null then
    delete from venomqa.past where mark = p_mark;
  else
    update venomqa.past set mark = v_before where mark = p_mark;
  end if;
  delete from venomqa.mark where id = p_mark;
end $$;

-- For each table, which versions are there now that were not at the mark (n > 0), and the other way round (n < 0).
create function venomqa.net(p_mark int, p_rel oid)
returns table (rel oid, at tid, by xid, n bigint, old_row text) language sql stable as $$
  ${net(`(
    select * from venomqa.log where rel = p_rel
    union all
    select rel, new_at, new_by, old_at, old_by, old_row from venomqa.past where rel = p_rel and mark >= p_mark
  ) as since`)}
  having sum(n) <> 0
$$;
`
