-- restores.sql: undo of a change, an operation, a record since a moment, or all that one person did in a window.

-- A conflict as its caller may see it, masked as in a list and without what the funnel keeps back from him.
create view api.conflict with (security_invoker = true) as
select c.entity, c.record_id, c.field,
    case when m.clear then c.undone else app.mask_json(c.field, c.undone) end as undone,
    case when m.clear then c.current else app.mask_json(c.field, c.current) end as current,
    case when m.clear then c.target else app.mask_json(c.field, c.target) end as target,
    c.why, c.org_id as _org, c.restore_id as _restore, c.customer_id as _customer,
    (select app.classification()) as _classification, null::text as _next, null::boolean as _tail
from app.restore_conflict c, lateral (select c.customer_id is null or api.customer_clear(c.customer_id) as clear) m
where (select app.hiding()) is null or c.customer_id is null or not exists (select from app.customer k where k.org_id = c.org_id and k.id = c.customer_id
    and app.kept_from(c.entity, c.field, app.kept_back(k.worked_in)));

-- What a restore of this scope would do now: plan_hash stands for exactly this plan.
create function api.restore_preview(scope jsonb) returns jsonb
language plpgsql volatile as $$
declare
    plan app.restore_field[];
    doc  jsonb;
    list jsonb;
    gone uuid[];
    regained jsonb := nullif(current_setting('app.regain', true), '');
begin
    execute format('select array_agg(p order by p.entity, p.record_id, p.field) from ('
        'select i.entity, array_agg(i.record_id) records from (select distinct h.entity, h.record_id from app.history h '
        'where h.org_id = $2 and %s) i group by i.entity) e, lateral unnest(app.restore_plan($1, e.entity, e.records)) p',
        api.scope_reach(scope)) into plan using scope, app.org();
    select jsonb_build_object(
        'plan_hash', app.keyed_hash(coalesce(string_agg(
            -- The moment of an archiving is no part of the plan.
            concat_ws(' ', p.entity, p.record_id, p.field, p.undone, '>', case when p.field = 'archived_at' then null else p.target end,
                '|', p.current, p.why), e'\n'
            order by p.entity, p.record_id, p.field), '')),
        'restorable', count(*) filter (where p.why is null),
        'conflict_count', count(*) filter (where p.why is not null),
        'outside', api.scope_outside(scope)) into doc
    from unnest(plan) p;
    doc := doc || jsonb_build_object('by_entity', (select coalesce(jsonb_object_agg(e.entity, e.counts), '{}')
        from (select p.entity, jsonb_build_object('restorable', count(*) filter (where p.why is null),
            'conflicts', count(*) filter (where p.why is not null), 'records', count(distinct p.record_id)) counts
            from unnest(plan) p group by p.entity) e));
    gone := app.gone(array(select distinct p.record_id from unnest(plan) p));
    perform app.regain(null);   -- the answer shows what the caller sees
    select coalesce(jsonb_agg(jsonb_build_object('entity', c.entity, 'record_id', c.record_id, 'field', c.field,
            'undone', case when m.clear then c.undone else app.mask_json(c.field, c.undone) end,
            'current', case when m.clear then c.current else app.mask_json(c.field, c.current) end,
            'target', case when m.clear then c.target else app.mask_json(c.field, c.target) end, 'why', c.why,
            '_customer', c.customer_id)), '[]')
    into list
    from (select p.* from unnest(plan) p where p.why is not null and (gone is null or p.record_id <> all(gone))
        order by p.entity, p.record_id, p.field limit 200) c, lateral (select c.customer_id is null or api.customer_clear(c.customer_id) as clear) m
    where app.hiding() is null or c.customer_id is null or not exists (select from app.customer k
        where k.org_id = app.org() and k.id = c.customer_id and app.kept_from(c.entity, c.field, app.kept_back(k.worked_in)));
    perform app.regain(regained);
    return doc || jsonb_build_object('conflicts', list);
end
$$;

-- The document of a dry run with what it shows in the ledger.
create function api.restore_disclosed(doc jsonb) returns jsonb
language plpgsql volatile as $$
begin
    perform app.disclose('restore', array(select distinct (c->>'_customer')::uuid from jsonb_array_elements(doc->'conflicts') c
        where c->>'_customer' is not null));
    return jsonb_set(doc, '{conflicts}', (select coalesce(jsonb_agg(c.v - '_customer' order by c.n), '[]')
        from jsonb_array_elements(doc->'conflicts') with ordinality c(v, n)));
end
$$;

-- The document of a restore: what the POST answers, and with all the members of GET.
create function api.restore_doc(id uuid, whole boolean) returns jsonb
language plpgsql volatile as $$
declare
    doc   jsonb;
    list  jsonb;
    shown uuid[];
begin
    perform app.regain(null);   -- the answer shows what the caller sees
    select jsonb_build_object('id', r.id, 'status', j.status, 'done', j.done, 'total', j.total,
        'operation_id', (select o.id from app.operation o where o.org_id = r.org_id and o.id = r.operation_id),
        'restored', r.restored, 'conflict_count', r.conflict_count, 'outside', r.outside)
        || case when whole then jsonb_build_object('scope', r.scope, 'reason', r.reason, 'undoes', r.undoes, 'requested_by', r.staff_id,
            'why', j.why, 'created_at', app.time_json(j.created_at), 'started_at', app.time_json(j.started_at),
            'finished_at', app.time_json(j.finished_at)) else '{}' end
    into doc
    from app.restore r join app.job j on j.org_id = r.org_id and j.id = r.id
    where r.org_id = app.org() and r.id = restore_doc.id;
    if not found then
        perform app.refuse_missing();
    end if;
    select coalesce(jsonb_agg(to_jsonb(c) - '{_org,_restore,_customer,_classification,_next,_tail}'::text[]), '[]'), array_agg(distinct c._customer) filter (where c._customer is not null)
    into list, shown
    from (select * from api.conflict c where c._org = app.org() and c._restore = restore_doc.id
        order by c.entity, c.record_id, c.field limit 200) c;
    perform app.disclose('restore', shown);
    return doc || jsonb_build_object('conflicts', list);
end
$$;

-- Makes a restore and does it at once when it touches up to 1,000 records; a larger one is left to the job process of a program. The
-- result is its id.
create function api.restore_begin(scope jsonb, reason text, undoes uuid, program text default 'restores') returns uuid
language plpgsql volatile as $$
declare
    restore uuid := app.uuid7();
    n       int;
begin
    -- What a job is still writing cannot be taken back whole.
    if exists (select from app.restore r join app.job j on j.org_id = r.org_id and j.id = r.id and j.status in ('queued', 'running')
        where r.org_id = app.org() and (r.operation_id = (restore_begin.scope->>'operation')::uuid or r.staff_id = (restore_begin.scope->>'actor')::uuid))
        or program = 'restores' and exists (select from app.bulk b join app.job j on j.org_id = b.org_id and j.id = b.id and (b.stopped or j.status in ('queued', 'running'))
            where b.org_id = app.org() and (b.operation_id = (restore_begin.scope->>'operation')::uuid or b.staff_id = (restore_begin.scope->>'actor')::uuid))
        or exists (select from app.import i where i.org_id = app.org() and not i.settled and not i.dry_run
            and (i.operation_id = (restore_begin.scope->>'operation')::uuid or i.staff_id = (restore_begin.scope->>'actor')::uuid)
            and exists (select from app.job j where j.org_id = i.org_id and j.id = i.id)) then
        perform app.refuse(409, 'still_running', 'What made these changes, or takes them back, is still running. Wait until it is done.', '{"retry_after": 5}');
    end if;
    if program = 'restores' then
        perform app.given_back(scope);
    end if;
    insert into app.job (org_id, id, program, staff_id, session_id, request_id, status, total, created_at)
    values (app.org(), restore, program, app.me(), app.session_id(), app.request_id(), 'queued', 0, app.now());
    insert into app.restore (org_id, id, operation_id, staff_id, scope, reason, undoes, outside)
    values (app.org(), restore, app.operation_id(), app.me(), scope, reason, undoes, api.scope_outside(scope));
    -- Customers last: archiving one takes along what belongs to it, and that is in the plan itself.
    execute format('with record as (select distinct h.entity, h.record_id from app.history h where h.org_id = $2 and %s), '
        'numbered as (select r.*, (row_number() over (partition by r.entity order by r.record_id) - 1) / 2000 as piece from record r) '
        'insert into app.restore_item (org_id, restore_id, n, entity, records) '
        'select $2, $3, row_number() over (order by m.entity = ''customers'', m.entity, m.piece), m.entity, array_agg(m.record_id order by m.record_id) '
        'from numbered m group by m.entity, m.piece', api.scope_reach(scope))
    using scope, app.org(), restore;
    select coalesce(sum(cardinality(i.records)), 0) into n from app.restore_item i where i.org_id = app.org() and i.restore_id = restore;
    perform app.job_total(restore, n);
    if n <= 1000 then
        while not app.restore_chunk(restore) loop
        end loop;
    else
        -- The operation is this request's, though the job process makes the changes.
        perform app.operation_because(reason, undoes, 'restore'), app.operation_record(app.org(), 0);
    end if;
    return restore;
end
$$;

-- 201 with the result, or 202 while it waits.
create function api.restore_answer(restore uuid) returns api.document
language plpgsql volatile as $$
declare
    d api.document;
begin
    d._doc := api.restore_doc(restore, false);
    d._classification := app.classification();
    d._location := '/v1/restores/' || restore;
    if d._doc->>'status' = 'done' then
        d._status := 201;
        d._doc := d._doc - '{status,done,total}'::text[];
    else
        d._status := 202;
        d._doc := jsonb_build_object('id', restore, 'status', d._doc->'status', 'done', d._doc->'done', 'total', d._doc->'total');
    end if;
    return d;
end
$$;

-- Takes a scope back, or with dry_run shows what that would do. 409 plan_changed when plan_hash is no longer the plan.
create function api.restore_create(session text, request uuid, retry text, body jsonb) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    d       api.document;
    restore uuid;
begin
    perform app.enter(session, request, 'restores.create');
    perform api.scope_authorize(coalesce(body->'scope', '{}'));
    if (body->>'dry_run')::boolean then
        d._doc := api.restore_preview(body->'scope');
        d._doc := api.restore_disclosed(d._doc);
        d._status := 200;
        d._classification := app.classification();
        return next d;
        return;
    end if;
    restore := app.retry_result(retry);
    if restore is null then
        if body ? 'plan_hash' and body->>'plan_hash' <> api.restore_preview(body->'scope')->>'plan_hash' then
            perform app.refuse(409, 'plan_changed', 'Something changed since the dry run. Look at it again.');
        end if;
        if body->>'reason' is null then
            perform app.refuse_member(422, 'invalid_value', '/reason', 'required', 'Say why.');
        end if;
        restore := api.restore_begin(body->'scope', body->>'reason', (body->'scope'->>'operation')::uuid);
        perform app.retry_keep(retry, restore);
    end if;
    return next api.restore_answer(restore);
end
$$;

-- Takes one operation back.
create function api.operation_undo(session text, request uuid, retry text, id uuid, body jsonb) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    restore uuid;
    scope   jsonb := jsonb_build_object('operation', id);
begin
    perform app.enter(session, request, 'operations.undo');
    perform api.scope_authorize(scope);
    restore := app.retry_result(retry);
    if restore is null then
        restore := api.restore_begin(scope, body->>'reason', id);
        perform app.retry_keep(retry, restore);
    end if;
    return next api.restore_answer(restore);
end
$$;

-- One restore with its progress; 404 where hidden or missing.
create function api.restore_get(session text, request uuid, id uuid) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    d api.document;
begin
    perform app.enter(session, request, 'restores.read', reads => true);
    d._doc := api.restore_doc(id, true);
    d._classification := app.classification();
    return next d;
end
$$;

-- All the conflicts of a restore.
create function api.restore_conflicts(session text, request uuid, id uuid, cursor jsonb, lim int) returns setof api.conflict
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows api.conflict[];
    tail api.conflict;
begin
    perform app.enter(session, request, 'restores.conflicts', reads => true);
    lim := least(lim, 200);
    if not exists (select from app.restore r where r.org_id = app.org() and r.id = restore_conflicts.id) then
        perform app.refuse_missing();
    end if;
    select array_agg(p.v order by (p.v).entity, (p.v).record_id, (p.v).field) into rows
    from (select v from api.conflict v where v._org = app.org() and v._restore = restore_conflicts.id
        and (cursor is null or (v.entity, v.record_id, v.field) > (cursor->>0, (cursor->>1)::uuid, cursor->>2))
        order by v.entity, v.record_id, v.field limit lim + 1) p;
    tail._tail := true;
    tail._classification := app.classification();
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim].entity, rows[lim].record_id, rows[lim].field);
    end if;
    perform app.disclose('restore', array(select distinct r._customer from unnest(rows) r where r._customer is not null));
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- Does a piece of the waiting restore whose turn it is, with its requester's present rights. Open: it begins nothing and shows
-- nothing. Returns the milliseconds until it wants to be called again.
create function api.restore_step() returns int
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    restore uuid := app.job_enter('restores', 'restore');
begin
    if restore is null then
        return 200;
    end if;
    begin
        -- His present rights: who may no longer take this back does not go on with it.
        perform api.scope_authorize(r.scope) from app.restore r where r.org_id = app.org() and r.id = restore;
        perform app.restore_chunk(restore);
    exception
        when serialization_failure or deadlock_detected or lock_not_available or query_canceled then
            return 200;
        when sqlstate 'PT403' or sqlstate 'PT404' then
            update app.job j set status = 'cancelled', why = 'rights_changed', finished_at = app.clock()
            where j.org_id = app.org() and j.id = restore;
        when others then
            raise log 'restore % failed: % %', restore, sqlstate, sqlerrm;
            update app.job j set status = 'failed', why = 'error', finished_at = app.clock()
            where j.org_id = app.org() and j.id = restore;
    end;
    return 0;
end
$$;
