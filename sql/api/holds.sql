-- holds.sql: changes that wait for somebody above the person, and his decision.

-- The answer to a change that waits (202), in the place of the row r that it would have been.
create function api.held(r anyelement, hold uuid, held jsonb) returns anyelement
language sql stable as $$
    select jsonb_populate_record(r, jsonb_build_object('_status', 202, '_location', '/v1/holds/' || hold, '_etag', null, '_classification', null,
        '_doc', jsonb_build_object('hold', jsonb_build_object('id', hold, 'status', 'pending', 'rule', held->'rule'))))
$$;

-- A hold as its caller may see it. What it is about and what it says only where he sees the record, masked as that is in the answer in
-- hand and without what the funnel keeps back from him.
create view api.hold with (security_invoker = true) as
select h.id, h.at, h.staff_id, s.name as staff_name, h.entity,
    case when r.etag is not null then h.record_id end as record_id, case when r.etag is not null then h.customer_id end as customer_id,
    h.rule, h.status, h.decided_by, h.decided_at, h.note,
    (select jsonb_agg(jsonb_build_object('field', w.key, 'current', r.current->w.key,
            'wanted', case when r.clear then w.value else app.mask_json(w.key, w.value) end) order by w.key)
        from jsonb_each(h.body) w where r.etag is not null and w.key <> all(r.hidden)) as changes,
    array(select w.key from jsonb_object_keys(h.body) w(key) where not r.clear and w.key in ('email', 'phone') and w.key <> all(r.hidden) order by 1) as masked,
    coalesce(r.clear, false) as _clear, h.org_id as _org, (select app.classification()) as _classification,
    null::text as _next, null::boolean as _tail
from app.hold h
left join app.staff s on s.org_id = h.org_id and s.id = h.staff_id
left join lateral (
    select to_jsonb(v) as current, v._hidden as hidden, v._etag as etag, strpos(v._etag, 'm') = 0 as clear
    from api.customer v where h.entity = 'customers' and v._org = h.org_id and v.id = h.record_id
    union all
    select to_jsonb(v), v._hidden, v._etag, strpos(v._etag, 'm') = 0
    from api.contact v where h.entity = 'contacts' and v._org = h.org_id and v.id = h.record_id
    offset 0) r on true;

create function api.hold_filters() returns jsonb
language sql immutable as $$
    select jsonb_build_object(
        'status', 'v.status = any(app.texts($1->''status''))',
        'staff', 'v.staff_id = any(app.uuids($1->''staff''))',
        'from', 'v.id >= app.uuid7_floor(($1->>''from'')::timestamptz)',
        'to', 'v.id < app.uuid7_floor(($1->>''to'')::timestamptz)')
$$;

-- Records what holds show of customers.
create function api.holds_disclose(channel text, rows api.hold[]) returns void
language sql volatile as $$
    select app.disclose(channel, array(select distinct r.customer_id from unnest(rows) r where r.customer_id is not null), 'base contact money notes',
        masked => not coalesce((select bool_or(r._clear) from unnest(rows) r where r.customer_id is not null), false))
$$;

-- The caller's own holds and those of the people below him, newest first.
create function api.hold_list(session text, request uuid, filter jsonb, cursor jsonb, lim int) returns setof api.hold
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows api.hold[];
    tail api.hold;
begin
    perform app.enter(session, request, 'holds.list', reads => true);
    lim := least(lim, 200);
    execute format('select array_agg(p.v order by (p.v).id desc) from (select v from api.hold v where v._org = $4%s%s order by v.id desc limit $3 + 1) p',
        app.filter_sql(filter, api.hold_filters()), case when cursor is null then '' else ' and v.id < ($2->>0)::uuid' end)
    into rows using filter, cursor, lim, app.org();
    tail._tail := true;
    tail._classification := app.classification();
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim].id);
    end if;
    perform api.holds_disclose('list', rows);
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- One hold as an answer; 404 where hidden or missing.
create function api.hold_shown(id uuid) returns api.hold
language plpgsql volatile as $$
declare
    r api.hold;
begin
    perform app.single();
    select * into r from api.hold v where v._org = app.org() and v.id = hold_shown.id;
    if r.id is null then
        perform app.refuse_missing();
    end if;
    perform api.holds_disclose('read', array[r]);
    return r;
end
$$;

-- One hold.
create function api.hold_get(session text, request uuid, id uuid) returns setof api.hold
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'holds.read', reads => true);
    return next api.hold_shown(id);
end
$$;

-- A hold locked for a decision: 404 where hidden or missing, 403 where it is not the caller's to decide about, which it is neither of
-- himself nor of his other account; 409 where somebody, or time, was faster.
create function api.hold_locked(id uuid) returns app.hold
language plpgsql volatile as $$
declare
    h app.hold;
begin
    select * into h from app.hold t where t.org_id = app.org() and t.id = hold_locked.id for no key update;
    if h.id is null or app.same_person(h.staff_id) then
        if not exists (select from app.hold t where t.org_id = app.org() and t.id = hold_locked.id) then
            perform app.refuse_missing();
        end if;
        perform app.refuse(403, 'forbidden', 'Somebody above the person decides about it, and nobody about himself.');
    elsif h.status <> 'pending' then
        perform app.refuse(409, 'decided', 'It was decided about already, or its time is over.');
    end if;
    return h;
end
$$;

-- Whether a field that a hold would write is no longer what it was when that was wanted.
create function api.hold_outdated(h app.hold) returns boolean
language sql stable as $$
    select exists (
        select from (select distinct on (t.field) t.field, t.old from app.history t
            where t.org_id = h.org_id and t.record_id = h.record_id and t.entity = h.entity and t.version > h.version and h.body ? t.field
            order by t.field, t.id) was
        where nullif(was.old, 'null') is distinct from nullif(case h.entity
            when 'customers' then (select app.customer_field(c, was.field) from app.customer c where c.org_id = h.org_id and c.id = h.record_id)
            else (select app.contact_field(k, was.field) from app.contact k where k.org_id = h.org_id and k.id = h.record_id) end, 'null'))
$$;

-- Writes what a hold wants. 409 where the record is archived, or was changed in what it writes: then it goes on waiting.
create function api.hold_apply(h app.hold) returns void
language plpgsql volatile as $$
declare
    c app.customer;
    k app.contact;
begin
    if h.entity = 'customers' then
        c := api.customer_locked(h.record_id);
    else
        k := api.child_locked(k, 'contacts', h.record_id);
    end if;
    if coalesce(c.archived_at, k.archived_at) is not null then
        perform app.refuse(409, 'archived', 'The record is archived. Restore it first.');
    elsif api.hold_outdated(h) then
        perform app.refuse(409, 'changed_since', 'Somebody changed what this would write. Reject it, or change the record yourself.');
    elsif h.entity = 'customers' then
        perform api.customer_write(c, api.customer_patched(c, h.body));
    else
        perform api.child_write(k, h.body);
    end if;
    perform app.operation_record(app.org(), 0);   -- the decision is one even where everything was so already
end
$$;

-- Lets a change go live, in the name of whoever approves it.
create function api.hold_approve(session text, request uuid, retry text, id uuid, body jsonb) returns setof api.hold
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    h app.hold;
begin
    perform app.enter(session, request, 'holds.approve');
    retry := retry || id;
    if app.retry_result(retry) is null then
        h := api.hold_locked(id);
        perform app.operation_because(left(concat(format('Hold %s approved', h.id), ': ' || (body->>'note')), 1000));
        perform api.hold_apply(h);
        update app.hold t set status = 'approved', decided_by = app.me(), decided_at = app.now(), note = hold_approve.body->>'note', operation_id = app.operation_id()
        where t.org_id = app.org() and t.id = h.id;
        perform app.retry_keep(retry, h.id);
    end if;
    return next api.hold_shown(id);
end
$$;

-- Leaves everything as it is, for good.
create function api.hold_reject(session text, request uuid, retry text, id uuid, body jsonb) returns setof api.hold
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    h app.hold;
begin
    perform app.enter(session, request, 'holds.reject');
    retry := retry || id;
    if app.retry_result(retry) is null then
        h := api.hold_locked(id);
        update app.hold t set status = 'rejected', decided_by = app.me(), decided_at = app.now(), note = hold_reject.body->>'note'
        where t.org_id = app.org() and t.id = h.id;
        perform app.event('holds.reject', h.id, detail => jsonb_build_object('staff', h.staff_id, 'rule', h.rule)), app.retry_keep(retry, h.id);
    end if;
    return next api.hold_shown(id);
end
$$;
