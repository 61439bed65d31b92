-- rotations.sql: what is proposed to go to somebody else in time, and what becomes of it.

create view api.rotation with (security_invoker = true) as
select r.id, r.segment_id as segment, r.staff_id, s.name as staff_name, r.status, r.customers, r.why,
    (select coalesce(jsonb_agg(p.v || jsonb_build_object('staff_name', k.name) order by p.n), '[]') from jsonb_array_elements(r.receivers) with ordinality p(v, n)
        left join app.staff k on k.org_id = r.org_id and k.id = (p.v->>'staff_id')::uuid) as receivers,
    r.made_at, r.checked_at, r.decided_by, d.name as decided_by_name, r.decided_at, r.note, r.bulk_id,
    r.org_id as _org, null::int as _status, null::text as _location, null::jsonb as _also, null::text as _next, null::boolean as _tail
from app.rotation r
left join app.staff s on s.org_id = r.org_id and s.id = r.staff_id
left join app.staff d on d.org_id = r.org_id and d.id = r.decided_by;

-- A customer of a proposal, as far as the caller sees it. lapsed: it went another way meanwhile.
create view api.rotation_customer with (security_invoker = true) as
select c.id, c.name, c.stage, c.owner_id, i.why, i.since, i.touches, i.share, i.to_id, s.name as to_name,
    (c.owner_id is distinct from r.staff_id or c.segment is distinct from r.segment_id or c.archived_at is not null) as lapsed,
    i.n as _n, i.rotation_id as _rotation, i.org_id as _org, (select app.classification()) as _classification, null::text as _next, null::boolean as _tail
from app.rotation_item i
join app.rotation r on r.org_id = i.org_id and r.id = i.rotation_id
join api.customer c on c._org = i.org_id and c.id = i.customer_id
left join app.staff s on s.org_id = i.org_id and s.id = i.to_id;

create function api.rotation_filters() returns jsonb
language sql immutable as $$
    select jsonb_build_object('status', 'v.status = any(app.texts($1->''status''))', 'segment', 'v.segment = any(app.texts($1->''segment''))',
        'staff', 'v.staff_id = any(app.uuids($1->''staff''))')
$$;

-- Who has anything to do with proposals at all.
create function api.rotation_may() returns void
language plpgsql stable as $$
begin
    if app.role() = 'rep' then
        perform app.refuse(403, 'forbidden', 'Rotations are for managers, auditors and admins.');
    end if;
end
$$;

-- One as an answer; 404 where hidden or missing.
create function api.rotation_shown(id uuid) returns api.rotation
language plpgsql stable as $$
declare
    r api.rotation;
begin
    select * into r from api.rotation v where v._org = app.org() and v.id = rotation_shown.id;
    if r.id is null then
        perform app.refuse_missing();
    end if;
    return r;
end
$$;

-- Proposals about the people below the caller, newest first.
create function api.rotation_list(session text, request uuid, filter jsonb, cursor jsonb, lim int) returns setof api.rotation
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows api.rotation[];
    tail api.rotation;
begin
    perform app.enter(session, request, 'rotations.list', reads => true);
    perform api.rotation_may();
    lim := least(lim, 200);
    execute format('select array(select v from api.rotation v where v._org = $4%s%s order by v.id desc limit $3 + 1)',
        app.filter_sql(filter, api.rotation_filters()), case when cursor is null then '' else ' and v.id < ($2->>0)::uuid' end)
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

create function api.rotation_get(session text, request uuid, id uuid) returns setof api.rotation
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'rotations.read', reads => true);
    perform api.rotation_may();
    return next api.rotation_shown(id);
end
$$;

-- The customers of one, those that are due for longest first.
create function api.rotation_customers(session text, request uuid, id uuid, cursor jsonb, lim int) returns setof api.rotation_customer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows api.rotation_customer[];
    tail api.rotation_customer;
begin
    perform app.enter(session, request, 'rotations.customers', reads => true);
    perform api.rotation_may(), api.rotation_shown(id);
    lim := least(lim, 200);
    rows := array(select v from api.rotation_customer v where v._org = app.org() and v._rotation = rotation_customers.id
        and (cursor is null or v._n > (cursor->>0)::int) order by v._n limit lim + 1);
    tail._tail := true;
    tail._classification := app.classification();
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim]._n);
    end if;
    perform app.disclose('list', array(select r.id from unnest(rows) r), 'base', masked => true);
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- One locked for a decision: 404 where hidden or missing, 403 for an auditor, 409 where somebody, or a night, was faster.
create function api.rotation_locked(id uuid) returns app.rotation
language plpgsql volatile as $$
declare
    r app.rotation;
begin
    perform api.rotation_may(), api.rotation_shown(id);
    if app.role() = 'auditor' then
        perform app.refuse(403, 'forbidden', 'An auditor decides about nothing.');
    end if;
    select * into r from app.rotation t where t.org_id = app.org() and t.id = rotation_locked.id for no key update;
    if r.status <> 'open' then
        perform app.refuse(409, 'decided', 'It was decided about already, or its customers are due no more.');
    end if;
    return r;
end
$$;

-- Gives the customers of a proposal, but for some and for those that went another way meanwhile, to those it names or all to one person: as a
-- transfer, by its rules. 202 where that waits for a second person or goes on.
create function api.rotation_apply(session text, request uuid, retry text, id uuid, body jsonb) returns setof api.rotation
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    r      app.rotation;
    v      api.rotation;
    b      api.bulk;
    to_    uuid := (body->>'to')::uuid;
    wrong  text;
    ids    uuid[];
    heirs  uuid[];
    made   uuid;
begin
    perform app.enter(session, request, 'rotations.apply');
    retry := retry || id;
    made := app.retry_result(retry);
    if made is null then
        r := api.rotation_locked(id);
        wrong := case when to_ is null then null else coalesce(app.heir_unfit(to_), case when not exists (select from app.staff_segment g
            where g.org_id = app.org() and g.staff_id = to_ and g.segment_id = r.segment_id) then 'segment' when to_ = r.staff_id then 'unchanged' end) end;
        if wrong is not null then
            perform app.refuse_member(case wrong when 'forbidden' then 403 else 422 end, case wrong when 'forbidden' then 'forbidden' else 'invalid_value' end, '/to', wrong,
                'Name an active person in your own tree who works in this segment, and not whose customers these are.');
        end if;
        select coalesce(array_agg(i.customer_id order by i.n), '{}'), coalesce(array_agg(coalesce(to_, i.to_id) order by i.n), '{}') into ids, heirs
        from app.rotation_item i
        join app.customer c on c.org_id = i.org_id and c.id = i.customer_id and c.owner_id = r.staff_id and c.segment = r.segment_id and c.archived_at is null
        where i.org_id = r.org_id and i.rotation_id = r.id and i.customer_id <> all(app.uuids(body->'except'));
        made := app.bulk_begin(ids, heirs, 'rotation', coalesce(body->>'reason', 'Rotation in ' || r.segment_id));
        update app.rotation t set status = 'applied', decided_by = app.me(), decided_at = app.now(), note = rotation_apply.body->>'reason', bulk_id = made
        where t.org_id = r.org_id and t.id = r.id;
        perform app.event('rotations.apply', r.id, cardinality(ids), jsonb_build_object('staff', r.staff_id, 'bulk', made)), app.retry_keep(retry, made);
    end if;
    v := api.rotation_shown(id);
    select * into b from api.bulk t where t._org = app.org() and t.id = made;
    v._status := case when b.status = 'done' then 200 else 202 end;
    v._location := '/v1/bulk/' || made;
    v._also := (select jsonb_build_object('transfer', jsonb_build_object('id', b.id, 'status', b.status, 'done', b.done, 'total', b.total, 'refused', t.refused),
            'left', v.customers - (t.wish->>'customers')::int)
        from app.bulk t where t.org_id = app.org() and t.id = made);
    return next v;
end
$$;

-- Leaves everything as it is for a while.
create function api.rotation_dismiss(session text, request uuid, retry text, id uuid, body jsonb) returns setof api.rotation
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    r app.rotation;
begin
    perform app.enter(session, request, 'rotations.dismiss');
    retry := retry || id;
    if app.retry_result(retry) is null then
        r := api.rotation_locked(id);
        update app.rotation t set status = 'dismissed', decided_by = app.me(), decided_at = app.now(), note = rotation_dismiss.body->>'note'
        where t.org_id = r.org_id and t.id = r.id;
        perform app.event('rotations.dismiss', r.id, r.customers, jsonb_build_object('staff', r.staff_id)), app.retry_keep(retry, r.id);
    end if;
    return next api.rotation_shown(id);
end
$$;

-- Makes the proposals of the org whose night it is. Open: it shows nothing and moves nobody. Returns the milliseconds until it wants to be
-- called again.
create function api.rotations_step() returns int
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return case when app.rotate() then 0 else 5000 end;
end
$$;
