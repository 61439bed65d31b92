-- bulk.sql: changing many records by one wish: previewing, asking, deciding, cancelling, taking back.

-- The plan that a confirm stands for, locked: 422 for one of another request, 409 where it is over or was used.
create function api.bulk_planned(confirm text, entity text, action text, wish jsonb) returns app.bulk
language plpgsql volatile as $$
declare
    b    app.bulk;
    plan uuid := case when confirm ~ '^[0-9a-f]{64}$' then left(confirm, 32)::uuid end;
begin
    if (confirm = api.bulk_confirm(plan, entity, action, wish)) is not true then
        perform app.refuse_member(422, 'invalid_value', '/confirm', 'mismatch', 'This is not the word of a dry run of exactly this by you.');
    end if;
    select * into b from app.bulk t where t.org_id = app.org() and t.id = plan for no key update;
    if b.status is null or b.status = 'planned' and b.expires_at <= app.now() then
        perform app.refuse(409, 'confirm_expired', 'The dry run was too long ago. Look at it again.');
    elsif b.status <> 'planned' then
        perform app.refuse(409, 'confirm_used', 'This was asked for already. Look at it again to do it once more.', jsonb_build_object('job', b.id));
    end if;
    return b;
end
$$;

-- Refuses with the difference where a wish reaches other records now than in its plan (409).
create function api.bulk_unchanged(b app.bulk, versions boolean) returns void
language plpgsql volatile as $$
declare
    own   boolean := b.wish ? 'filter' or b.wish ? 'ids';
    ids   uuid[] := array(select u.id from app.bulk_item i, unnest(i.records) u(id) where i.org_id = b.org_id and i.bulk_id = b.id and not own order by i.n, u.id);
    heirs uuid[] := array(select u.heir from app.bulk_item i, unnest(i.records, i.heirs) u(id, heir) where i.org_id = b.org_id and i.bulk_id = b.id and not own order by i.n, u.id);
    diff  jsonb;
begin
    diff := app.bulk_differs(b, case when own then api.bulk_picked(b.entity, b.wish) else ids end, case when not own then heirs end, versions);
    if diff is not null then
        perform app.refuse(409, 'set_changed', 'What this reaches is not what the dry run showed. Look at it again.', jsonb_build_object('difference', diff));
    end if;
end
$$;

-- Shows what a wish would do, or with the confirm of that does it.
create function api.bulk_create(session text, request uuid, retry text, body jsonb) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    b    app.bulk;
    d    api.document;
    wish jsonb;
    made uuid;
begin
    perform app.enter(session, request, 'bulk.create');
    if app.role() not in ('admin', 'manager') then
        perform app.refuse(403, 'forbidden', 'Only managers and admins change many records at once.');
    end if;
    if not body ?& '{action,entity}' then
        perform app.refuse(422, 'invalid_value', 'Say what to do with which records.');
    elsif (body->>'dry_run')::boolean then
        wish := api.bulk_wish(body);
        made := app.bulk_plan(body->>'entity', body->>'action', wish, api.bulk_picked(body->>'entity', wish));
        select * into strict b from app.bulk t where t.org_id = app.org() and t.id = made;
        perform api.bulk_tried(b);
        d._doc := api.bulk_preview(b);
        d._status := 200;
        d._classification := app.classification();
        return next d;
        return;
    end if;
    made := app.retry_result(retry);
    if made is null then
        wish := api.bulk_wish(body);
        if body->>'reason' is null then
            perform app.refuse_member(422, 'invalid_value', '/reason', 'required', 'Say why.');
        elsif body->>'confirm' is null then
            perform app.refuse_member(422, 'invalid_value', '/confirm', 'required', 'Ask for a dry run first, and send its confirm.');
        end if;
        b := api.bulk_planned(body->>'confirm', body->>'entity', body->>'action', wish);
        perform api.bulk_unchanged(b, true);
        perform app.bulk_ask(b.id, body->>'reason'), app.retry_keep(retry, b.id);
        made := b.id;
    end if;
    return query select r.* from api.bulk v, lateral api.bulk_doc(v.id, null, v.status not in ('queued', 'running')) r where v._org = app.org() and v.id = made;
end
$$;

-- The mass updates of the caller and of those below him, newest first.
create function api.bulk_list(session text, request uuid, filter jsonb, cursor jsonb, lim int) returns setof api.bulk
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows api.bulk[];
    tail api.bulk;
begin
    perform app.enter(session, request, 'bulk.list', reads => true);
    lim := least(lim, 200);
    execute format('select array(select v from api.bulk v where v._org = $4%s%s order by v.id desc limit $3 + 1)',
        app.filter_sql(filter, api.bulk_filters()), case when cursor is null then '' else ' and v.id < ($2->>0)::uuid' end)
    into rows using filter, cursor, lim, app.org();
    tail._tail := true;
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim].id);
    end if;
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- One with its progress; 404 where hidden or missing.
create function api.bulk_get(session text, request uuid, id uuid) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'bulk.read', reads => true);
    return query select d._doc, 200, null::text, d._classification from api.bulk_doc(id, 200) d;
end
$$;

-- What somebody says of one that waits, which is locked. The law of it is app.tg_bulk_decision.
create function api.bulk_decide(id uuid, decision text, retry text, body jsonb) returns app.bulk
language plpgsql volatile as $$
declare
    b app.bulk;
begin
    if app.retry_result(retry) is not null then
        return null;
    end if;
    select * into b from app.bulk t where t.org_id = app.org() and t.id = bulk_decide.id and t.status <> 'planned' for no key update;
    if not found then
        -- Who may read it and not decide about it is told so; everybody else sees nothing.
        perform api.bulk_doc(id, null, false);
        perform app.refuse(403, 'forbidden', 'An auditor decides about nothing.');
    end if;
    insert into app.bulk_decision (org_id, bulk_id, staff_id, decision, note, at) values (app.org(), b.id, app.me(), decision, body->>'note', app.now());
    perform app.retry_keep(retry, b.id);
    perform app.event('bulk.' || decision, b.id, b.moved, jsonb_build_object('staff', b.staff_id, 'action', b.action));
    perform app.tell(b.staff_id, 'bulk', null, case decision when 'approve' then 'Your transfer was approved.' else left('Your transfer was rejected: ' || (body->>'note'), 1000) end);
    perform app.notify('bulk.' || case decision when 'approve' then 'approved' else 'rejected' end, jsonb_build_object('bulk', b.id, 'staff', b.staff_id, 'by', app.me(), 'moved', b.moved));
    if decision = 'approve' and app.export_maker(b.staff_id, app.me()) then
        perform app.alert('rights', 'critical', app.me(), 'none', jsonb_build_object('bulk', jsonb_build_array(b.id), 'made', b.staff_id));
    end if;
    return b;
end
$$;

-- Lets one begin that waits: with the present rights of whoever asked, and only while it reaches what he was shown; a customer that somebody
-- worked with since is the same, one of another owner is not.
create function api.bulk_approve(session text, request uuid, id uuid, retry text, body jsonb) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    b  app.bulk;
    me uuid;
begin
    perform app.enter(session, request, 'bulk.approve');
    b := api.bulk_decide(id, 'approve', retry, body);
    if b.id is not null then
        me := app.me();
        if not app.bulk_enter(b.id) or app.role() not in ('admin', 'manager') then
            perform app.refuse(409, 'requester_left', 'Whoever asked for this may not do it any more.');
        end if;
        perform api.bulk_unchanged(b, false), app.bulk_start(b.id, me);
        perform app.enter(session, request, 'bulk.approve');
    end if;
    return query select d._doc, 200, null::text, d._classification from api.bulk_doc(id, 200) d;
end
$$;

create function api.bulk_reject(session text, request uuid, id uuid, retry text, body jsonb) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    b app.bulk;
begin
    perform app.enter(session, request, 'bulk.reject');
    b := api.bulk_decide(id, 'reject', retry, body);
    if b.id is not null then
        update app.bulk t set status = 'rejected', decided_at = app.now() where t.org_id = b.org_id and t.id = b.id;
    end if;
    return query select d._doc, 200, null::text, d._classification from api.bulk_doc(id, 200) d;
end
$$;

-- Ends one before its end: what it did is taken back, by the job process; until then it is running. 409 where it has ended.
create function api.bulk_cancel(session text, request uuid, id uuid) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'bulk.cancel');
    perform api.bulk_doc(id, null, false);
    if app.bulk_cancel(id) then
        perform app.event('bulk.cancel', id);
    else
        perform app.refuse(409, 'ended', 'This has ended already. Undo it instead.');
    end if;
    return query select d._doc, case d._status when 202 then 202 else 200 end, null::text, d._classification from api.bulk_doc(id, null) d;
end
$$;

-- Takes back what one did, but for what was changed since: the restore of its operation, as /v1/operations has it.
create function api.bulk_undo(session text, request uuid, id uuid, retry text, body jsonb) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    b       api.bulk;
    scope   jsonb;
    restore uuid;
begin
    perform app.enter(session, request, 'bulk.undo');
    select * into b from api.bulk v where v._org = app.org() and v.id = bulk_undo.id;
    if not found then
        perform app.refuse_missing();
    elsif b.status in ('pending', 'rejected', 'expired') or not exists (select from app.operation o where o.org_id = app.org() and o.id = b.operation_id) then
        perform app.refuse(409, 'not_done', 'This did nothing that could be taken back.');
    end if;
    scope := jsonb_build_object('operation', b.operation_id);
    perform api.scope_authorize(scope);
    restore := app.retry_result(retry);
    if restore is null then
        restore := api.restore_begin(scope, body->>'reason', b.operation_id);
        update app.bulk t set undo_id = restore where t.org_id = app.org() and t.id = b.id;
        perform app.retry_keep(retry, restore);
    end if;
    return next api.restore_answer(restore);
end
$$;

-- Takes back a piece of what a stopped job did. Returns whether it did; what fails is tried again, after a second where somebody was in the way, after a minute
-- else, and holds nothing else up.
create function api.bulk_taken_back() returns boolean
language plpgsql volatile as $$
declare
    stopped_ uuid := app.bulk_stopped_enter();
    b        app.bulk;
    undo     uuid;
    state    text;
    wait     interval;
begin
    if stopped_ is null then
        return false;
    end if;
    select * into strict b from app.bulk t where t.org_id = app.org() and t.id = stopped_;
    begin
        undo := b.undo_id;
        if undo is null then
            undo := api.restore_begin(jsonb_build_object('operation', b.operation_id), 'The job was stopped: ' || (select j.why from app.job j where j.org_id = b.org_id and j.id = b.id),
                b.operation_id, 'bulk undo');
        else
            perform app.restore_chunk(undo);
        end if;
    exception
        when serialization_failure or deadlock_detected or lock_not_available or query_canceled then
            wait := '1 second';
        when others then
            raise log 'undo of bulk % failed: % %', b.id, sqlstate, sqlerrm;
            wait := '1 minute';
    end;
    if wait is not null then
        update app.bulk t set retry_at = app.clock() + wait where t.org_id = b.org_id and t.id = b.id;
        return false;
    end if;
    state := (select j.status from app.job j where j.org_id = b.org_id and j.id = undo);
    update app.bulk t set undo_id = undo, stopped = state in ('queued', 'running') where t.org_id = b.org_id and t.id = b.id;
    if state not in ('queued', 'running') then
        delete from app.bulk_item i where i.org_id = b.org_id and i.bulk_id = b.id;
    end if;
    return true;
end
$$;

-- Does a piece of the waiting job whose turn it is, with its requester's present rights, and takes back what stopped ones did. Open: it
-- begins nothing and shows nothing. Returns the milliseconds until it wants to be called again.
create function api.bulk_step() returns int
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    job uuid;
begin
    -- By turns, so that neither waits for all of the other.
    if random() < 0.5 and api.bulk_taken_back() then
        return 0;
    end if;
    job := app.job_enter('bulk', 'bulk');
    if job is null then
        return case when api.bulk_taken_back() then 0 else 200 end;
    end if;
    begin
        -- Who waits for a record lets go of those he has: nobody waits long for him.
        perform set_config('lock_timeout', '100ms', true);
        if app.role() not in ('admin', 'manager') then
            perform app.refuse(403, 'forbidden', null);
        end if;
        perform app.bulk_chunk(job);
    exception
        when serialization_failure or deadlock_detected or lock_not_available or query_canceled then
            return 50;
        when sqlstate 'PT403' or sqlstate 'PT404' then
            update app.job j set status = 'cancelled', why = 'rights_changed', finished_at = app.clock() where j.org_id = app.org() and j.id = job;
        when others then
            raise log 'bulk % failed: % %', job, sqlstate, sqlerrm;
            update app.job j set status = 'failed', why = 'error', finished_at = app.clock() where j.org_id = app.org() and j.id = job;
    end;
    return 0;
end
$$;
