-- imports_step.sql: an import goes on part by part, and one that ended half-way is taken back.

-- Does the next part of an import, under its one operation. Returns whether it is finished.
create function api.import_chunk(import uuid) returns boolean
language plpgsql volatile as $$
declare
    i     app.import;
    p     app.import_part;
    n     int;
    broke text;
    ended boolean;
begin
    select * into i from app.import t where t.org_id = app.org() and t.id = import for no key update;
    if not found then
        update app.job j set status = 'failed', why = 'error', finished_at = app.clock() where j.org_id = app.org() and j.id = import;
        return true;
    end if;
    perform app.operation_continue(i.operation_id), app.operation_because(api.import_reason(i), null, 'import');
    select * into p from app.import_part t where t.org_id = i.org_id and t.import_id = i.id and t.n > i.part order by t.n limit 1;
    if found then
        case i.entity
        when 'customers' then perform api.import_do(i, p, api.import_customers(i, p));
        when 'contacts' then perform api.import_do(i, p, api.import_contacts(i, p));
        else perform api.import_do(i, p, api.import_activities(i, p)); end case;
        update app.import t set part = p.n where t.org_id = i.org_id and t.id = i.id;
    end if;
    ended := not exists (select from app.import_part t where t.org_id = i.org_id and t.import_id = i.id and t.n > coalesce(p.n, i.part));
    select t.bad into n from app.import t where t.org_id = i.org_id and t.id = i.id;
    if ended and i.checks and not i.dry_run and n = 0 then
        -- Nothing is wrong with any of them: now they go in.
        delete from app.import_key t where t.org_id = i.org_id and t.import_id = i.id;
        update app.import t set checks = false, part = 0, good = 0, skipped = 0, duplicate_count = 0, duplicates_seen = '[]'
        where t.org_id = i.org_id and t.id = i.id;
        ended := false;
    elsif ended then
        broke := case when i.checks and not i.dry_run then 'bad_rows' end;
        delete from app.import_part t where t.org_id = i.org_id and t.import_id = i.id;
        delete from app.import_key t where t.org_id = i.org_id and t.import_id = i.id;
        update app.import t set settled = true where t.org_id = i.org_id and t.id = i.id;
    end if;
    update app.job j set done = case when ended then j.total when i.checks and not i.dry_run then 0 else least(j.total, j.done + coalesce(cardinality(p.lines), 0)) end,
        status = case when not ended then 'running' when broke is null then 'done' else 'failed' end, why = broke,
        started_at = coalesce(j.started_at, app.clock()), finished_at = case when ended then app.clock() end
    where j.org_id = i.org_id and j.id = i.id;
    return ended;
end
$$;

-- Takes a piece back of an import that ended half-way. Returns the milliseconds until there is something to do again; null where there is none.
create function api.import_back() returns int
language plpgsql volatile as $$
declare
    import uuid := app.import_broken();
begin
    if import is null then
        return null;
    end if;
    begin
        perform app.import_archived(import, app.import_archive(import));
    exception
        when serialization_failure or deadlock_detected or lock_not_available or query_canceled then
            return 200;
        when others then    -- the others go on
            raise log 'import % is not taken back: % %', import, sqlstate, sqlerrm;
            return 200;
    end;
    return 0;
end
$$;

-- Does a part of the waiting import whose turn it is, with its requester's present rights, or takes a piece back of one that ended half-way:
-- now the one, now the other, that none waits for all of the other. Open: it begins nothing and shows nothing. Returns the milliseconds
-- until it wants to be called again.
create function api.import_step() returns int
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    wait   int := case when random() < 0.5 then api.import_back() end;
    import uuid;
    ended  boolean := true;
begin
    if wait is not null then
        return wait;
    end if;
    import := app.job_enter('imports', 'import');
    if import is null then
        return coalesce(api.import_back(), 200);
    end if;
    begin
        if app.role() not in ('manager', 'admin') then
            update app.job j set status = 'cancelled', why = 'rights_changed', finished_at = app.clock() where j.org_id = app.org() and j.id = import;
        else
            ended := api.import_chunk(import);
        end if;
        if not ended then
            -- Nobody was told of it yet, and the last part's commit takes those before along to the disk.
            perform set_config('synchronous_commit', 'off', true);
        end if;
    exception
        when serialization_failure or deadlock_detected or lock_not_available or query_canceled then
            return 200;
        when sqlstate 'PT429' then
            update app.job j set status = 'failed', why = 'exposure_budget_exceeded', finished_at = app.clock() where j.org_id = app.org() and j.id = import;
        when others then
            raise log 'import % failed: % %', import, sqlstate, sqlerrm;
            update app.job j set status = 'failed', why = 'error', finished_at = app.clock()
            where j.org_id = app.org() and j.id = import;
    end;
    return 0;
end
$$;
