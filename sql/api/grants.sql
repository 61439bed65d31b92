-- grants.sql: how somebody above a person gives him more for a while, or stops him.

create view api.grant with (security_invoker = true) as
select g.id, g.staff_id, g.measure, g.amount, g.reason, g.granted_by, s.name as granted_by_name, g.at, g.until,
    g.org_id as _org, null::int as _status, null::text as _next, null::boolean as _tail
from app.exposure_grant g
left join app.staff s on s.org_id = g.org_id and s.id = g.granted_by;

-- Refuses a person that is missing (404), and one whom the caller is not above (403): nobody is above himself, in another account neither.
create function api.staff_ruled(id uuid) returns void
language plpgsql stable as $$
begin
    perform api.staff_shown(id);
    if not app.has_authority(id) or app.role() not in ('admin', 'manager') or (select s.person_id from app.staff s where s.org_id = app.org() and s.id = staff_ruled.id)
        = (select s.person_id from app.staff s where s.org_id = app.org() and s.id = app.me()) then
        perform app.refuse(403, 'forbidden', 'This is for a manager above the person, or an admin, and never for himself.');
    end if;
end
$$;

-- Gives a person more of a measure until a moment within 90 days, on top of each of its limits; holds at once.
create function api.grant_create(session text, request uuid, retry text, id uuid, body jsonb) returns setof api.grant
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    again uuid;
begin
    perform app.enter(session, request, 'staff.grant');
    perform api.staff_ruled(id);
    retry := retry || id;   -- the key is good for this person alone
    again := app.retry_result(retry);
    if again is null then
        again := app.uuid7();
        insert into app.exposure_grant (org_id, id, staff_id, measure, amount, reason, granted_by, at, until)
        values (app.org(), again, grant_create.id, body->>'measure', (body->>'amount')::int, body->>'reason', app.me(), app.now(), (body->>'until')::timestamptz);
        perform app.retry_keep(retry, again), app.exposure_eased(id);
        perform app.event('exposure.grant', id, null, jsonb_build_object('grant', again, 'measure', body->'measure', 'amount', body->'amount',
            'until', app.time_json((body->>'until')::timestamptz)));
    end if;
    return query select g.id, g.staff_id, g.measure, g.amount, g.reason, g.granted_by, g.granted_by_name, g.at, g.until, g._org, 201, g._next, g._tail
        from api.grant g where g._org = app.org() and g.id = again;
end
$$;

-- What a person was given, newest first, over or not. 404 where missing, 403 for whoever is neither he nor above him.
create function api.grant_list(session text, request uuid, id uuid, cursor jsonb, lim int) returns setof api.grant
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows api.grant[];
    tail api.grant;
begin
    perform app.enter(session, request, 'staff.grants', reads => true);
    perform api.staff_overseen(id);
    lim := least(lim, 200);
    rows := array(
        select v from api.grant v where v._org = app.org() and v.staff_id = grant_list.id and (cursor is null or v.id < (cursor->>0)::uuid)
        order by v.id desc limit lim + 1);
    tail._tail := true;
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim].id);
    end if;
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- Freezes a person or lets him go on. One at a time in an org, and who waited asks again: of two who freeze each other one is late.
create function api.staff_frozen(id uuid, frozen boolean, retry text, body jsonb) returns api.document
language plpgsql volatile as $$
declare
    d api.document;
begin
    retry := retry || id;
    if app.retry_result(retry) is null then
        perform app.freeze(id, frozen, body->>'reason'), app.retry_keep(retry, id);
        perform app.event(case when frozen then 'staff.freeze' else 'staff.unfreeze' end, id, null, jsonb_build_object('reason', body->'reason'));
    end if;
    d._doc := jsonb_build_object('staff_id', id, 'frozen', frozen);
    return d;
end
$$;

create function api.staff_freeze(session text, request uuid, retry text, id uuid, body jsonb) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'staff.freeze');
    perform api.staff_ruled(id);
    perform app.staff_turn(app.org());
    perform app.enter(session, request, 'staff.freeze');
    perform api.staff_ruled(id);
    return next api.staff_frozen(id, true, retry, body);
end
$$;

create function api.staff_unfreeze(session text, request uuid, retry text, id uuid, body jsonb) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'staff.unfreeze');
    perform api.staff_ruled(id);
    perform app.staff_turn(app.org());
    perform app.enter(session, request, 'staff.unfreeze');
    perform api.staff_ruled(id);
    return next api.staff_frozen(id, false, retry, body);
end
$$;
