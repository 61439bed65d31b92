-- alerts.sql: what somebody ought to look at, with the one request that answers it.

-- The request that answers an alert, ready to be sent; null where there is nothing to do but to talk.
create function api.alert_answer(a app.alert) returns jsonb
language sql stable as $$
    select case a.answer
        when 'restore' then jsonb_build_object('action', 'restore', 'method', 'POST', 'path', '/v1/restores', 'body', jsonb_build_object(
            'scope', jsonb_build_object('actor', a.staff_id, 'from', a.evidence->'from', 'to', a.evidence->'to'), 'reason', format('Alert %s: %s', a.id, a.rule)))
        when 'freeze' then jsonb_build_object('action', 'freeze', 'method', 'POST', 'path', format('/v1/staff/%s/freeze', a.staff_id),
            'body', jsonb_build_object('reason', format('Alert %s: %s', a.id, a.rule)))
        when 'hold' then jsonb_build_object('action', 'hold', 'method', 'GET', 'path', '/v1/holds?staff=' || a.staff_id) end
$$;

create view api.alert with (security_invoker = true) as
select a.id, a.at, a.rule, a.severity, a.staff_id, s.name as staff_name, a.times, a.last_at, a.status,
    -- A graver one of the same day opened it again.
    case when a.status = 'closed' then a.closed_by end as closed_by, case when a.status = 'closed' then a.closed_at end as closed_at,
    case when a.status = 'closed' then a.note end as note, a.evidence, api.alert_answer(a) as answer,
    a.org_id as _org, null::text as _next, null::boolean as _tail
from app.alert a
left join app.staff s on s.org_id = a.org_id and s.id = a.staff_id;

create function api.alert_filters() returns jsonb
language sql immutable as $$
    select jsonb_build_object(
        'status', 'v.status = any(app.texts($1->''status''))',
        'rule', 'v.rule = any(app.texts($1->''rule''))',
        'severity', 'v.severity = any(app.texts($1->''severity''))',
        'staff', 'v.staff_id = any(app.uuids($1->''staff''))',
        'from', 'v.id >= app.uuid7_floor(($1->>''from'')::timestamptz)',
        'to', 'v.id < app.uuid7_floor(($1->>''to'')::timestamptz)')
$$;

-- The alerts that the caller may see, never about himself, newest first.
create function api.alert_list(session text, request uuid, filter jsonb, cursor jsonb, lim int) returns setof api.alert
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows api.alert[];
    tail api.alert;
begin
    perform app.enter(session, request, 'alerts.list', reads => true);
    lim := least(lim, 200);
    execute format('select array_agg(p.v order by (p.v).id desc) from (select v from api.alert v where v._org = $4%s%s order by v.id desc limit $3 + 1) p',
        app.filter_sql(filter, api.alert_filters()), case when cursor is null then '' else ' and v.id < ($2->>0)::uuid' end)
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

-- One alert; 404 where hidden or missing.
create function api.alert_shown(id uuid) returns api.alert
language plpgsql stable as $$
declare
    r api.alert;
begin
    select * into r from api.alert v where v._org = app.org() and v.id = alert_shown.id;
    if r.id is null then
        perform app.refuse_missing();
    end if;
    return r;
end
$$;

create function api.alert_get(session text, request uuid, id uuid) returns setof api.alert
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'alerts.read', reads => true);
    return next api.alert_shown(id);
end
$$;

-- Says that it was looked at, and what came of it. 409 when somebody did already.
create function api.alert_close(session text, request uuid, retry text, id uuid, body jsonb) returns setof api.alert
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    a app.alert;
begin
    perform app.enter(session, request, 'alerts.close');
    retry := retry || id;
    if app.retry_result(retry) is null then
        select * into a from app.alert t where t.org_id = app.org() and t.id = alert_close.id for no key update;
        if a.id is null or app.same_person(a.staff_id) then
            perform api.alert_shown(id);
            perform app.refuse(403, 'forbidden', 'A manager above the person, or an admin, closes it, and nobody what is about himself.');
        elsif a.status = 'closed' then
            perform app.refuse(409, 'closed', 'It is closed already.');
        end if;
        update app.alert t set status = 'closed', closed_by = app.me(), closed_at = app.now(), note = body->>'note' where t.org_id = app.org() and t.id = a.id;
        perform app.event('alerts.close', a.id, detail => jsonb_build_object('staff', a.staff_id, 'rule', a.rule)), app.retry_keep(retry, a.id);
    end if;
    return next api.alert_shown(id);
end
$$;

-- Asks the rules that only tell about the org whose turn it is. Open: it shows nothing. Returns the milliseconds until it wants to be
-- called again.
create function api.alerts_step() returns int
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return case when app.watch() then 0 else 5000 end;
end
$$;
