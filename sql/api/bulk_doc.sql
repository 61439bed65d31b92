-- bulk_doc.sql: a mass update as documents: what it would do, how far it is, what it did.

-- How it stands. One that stopped is cancelled, or failed, when it has been taken back.
create function api.bulk_status(b app.bulk, j app.job) returns text
language sql stable as $$
    select case b.status when 'begun' then case when b.stopped then 'running' else j.status end when 'withdrawn' then 'cancelled'
        when 'pending' then case when b.expires_at <= app.now() then 'expired' else 'pending' end else b.status end
$$;

create view api.bulk with (security_invoker = true) as
select b.id, b.entity, b.action, b.cause, api.bulk_status(b, j) as status, b.total, coalesce(j.done, 0) as done, b.moved, b.reason, b.staff_id, s.name as staff_name,
    b.asked_at, j.started_at,
    -- As fast as until now.
    case when j.status = 'running' and j.done > 0 then app.now() + (app.now() - j.started_at) * (b.total - j.done) / j.done end as eta, j.finished_at,
    b.operation_id, b.undo_id, b.org_id as _org, null::text as _next, null::boolean as _tail
from app.bulk b
left join app.job j on j.org_id = b.org_id and j.id = b.id
left join app.staff s on s.org_id = b.org_id and s.id = b.staff_id
where b.status <> 'planned';

create function api.bulk_filters() returns jsonb
language sql immutable as $$
    select jsonb_build_object('status', 'v.status = any(app.texts($1->''status''))', 'action', 'v.action = any(app.texts($1->''action''))',
        'staff', 'v.staff_id = any(app.uuids($1->''staff''))')
$$;

-- The word that stands for a plan: of this caller, of exactly this wish.
create function api.bulk_confirm(id uuid, entity text, action text, wish jsonb) returns text
language sql stable as $$
    select replace(id::text, '-', '') || left(app.keyed_hash(concat_ws(' ', 'bulk', id, app.me(), entity, action, wish)), 32)
$$;

-- Ten records of a plan as they are and as they would be, by chance.
create function api.bulk_sample(b app.bulk) returns jsonb
language plpgsql volatile as $$
declare
    e      app.entity;
    moves  boolean := b.entity = 'customers' and b.action in ('transfer', 'stage');
    before text;
    after_ text;
    names  text[];
    doc    jsonb;
    shown  uuid[];
begin
    select * into e from app.entity t where t.name = b.entity;
    if moves then
        names := '{}';
        before := '''owner_id'', c.owner_id' || case when b.action = 'stage' then ', ''stage'', c.stage' else '' end;
        after_ := '''owner_id'', i.heir' || case when b.action = 'stage' then ', ''stage'', $2->>''stage''' else '' end;
    else
        select array_agg(s.name), string_agg(format('%L, ', s.name) || format(t.to_json, 'c'), ', '),
            string_agg(format('%L, ', s.name) || format(case t.type when 'timestamp with time zone' then 'app.time_json(%s)' else 'to_jsonb(%s)' end, s.value), ', ')
        into names, before, after_
        from app.bulk_sets(b.entity, b.action, b.wish->'changes') s join app.tracked(e.relation::regclass) t on t.name = s.name;
    end if;
    execute format($q$
        select coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'before', jsonb_build_object(%1$s), 'after', jsonb_build_object(%2$s)) order by c.id), '[]'), array_agg(distinct c.%3$I)
        from (select p.id, p.heir from app.bulk_item i, unnest(i.records, i.heirs) p(id, heir) where i.org_id = $1 and i.bulk_id = $3 order by uuid_hash_extended(p.id, 2) limit 10) i
        join %4$s c on c.org_id = $1 and c.id = i.id
        cross join jsonb_populate_record(null::%4$s, $2) n
        $q$, before, after_, e.customer_column, e.relation)
    into doc, shown using b.org_id, coalesce(b.wish->'changes', '{}'), b.id;
    perform app.disclose('list', shown, case when b.entity = 'customers' then app.customer_classes(names) else api.child_classes(b.entity) end, masked => true);
    return doc;
end
$$;

-- How much of what belongs to the customers of a plan goes along: open tasks and offers, contacts, open deals. Of more than 20,000 customers it is not
-- counted.
create function api.bulk_along(b app.bulk) returns jsonb
language plpgsql stable as $$
declare
    ids uuid[];
begin
    if b.entity <> 'customers' or b.action not in ('transfer', 'stage', 'archive') or b.total > 20000 then
        return null;
    end if;
    ids := array(select u.id from app.bulk_item i, unnest(i.records) u(id) where i.org_id = b.org_id and i.bulk_id = b.id);
    return (select jsonb_build_object(
        'contacts', (select count(*) from app.contact k where k.org_id = b.org_id and k.customer_id = any(ids) and k.archived_at is null),
        'deals', (select count(*) from app.deal d where d.org_id = b.org_id and d.customer_id = any(ids) and d.archived_at is null and d.status = 'open'),
        'offers', (select count(*) from app.offer o where o.org_id = b.org_id and o.customer_id = any(ids) and o.archived_at is null and o.status in ('draft', 'sent') and o.superseded_at is null),
        'tasks', (select count(*) from app.activity a where a.org_id = b.org_id and a.customer_id = any(ids) and a.archived_at is null and a.done_at is null
            and (a.kind = 'task' or a.next_step is not null))));
end
$$;

-- People with their names.
create function api.bulk_people(affected jsonb) returns jsonb
language sql stable as $$
    select coalesce(jsonb_agg(a.v || jsonb_build_object('staff_name', s.name) order by a.n), '[]')
    from jsonb_array_elements(affected) with ordinality a(v, n)
    left join app.staff s on s.org_id = app.org() and s.id = (a.v->>'staff_id')::uuid
$$;

create function api.bulk_approvers(b app.bulk) returns jsonb
language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object('id', s.id, 'name', s.name) order by s.id), '[]')
    from app.export_deciders(b.staff_id) a(id) join app.staff s on s.org_id = b.org_id and s.id = a.id
$$;

-- What a plan would do, and the word by which it is asked for in earnest; null where it would do nothing.
create function api.bulk_preview(b app.bulk) returns jsonb
language plpgsql volatile as $$
begin
    return jsonb_build_object('count', b.total, 'moved', b.moved, 'sample', api.bulk_sample(b), 'refused', b.refused, 'affected', api.bulk_people(b.affected),
        'cascade', api.bulk_along(b), 'needs_approval', app.bulk_needs_approval(b),
        'approvers', case when app.bulk_needs_approval(b) then api.bulk_approvers(b) else '[]' end,
        'confirm', case when b.total > 0 then api.bulk_confirm(b.id, b.entity, b.action, b.wish) end, 'expires_at', app.time_json(b.expires_at));
end
$$;

-- One as a document; 404 where hidden or missing. Briefly: how far it is.
create function api.bulk_doc(id uuid, status int, whole boolean default true) returns setof api.document
language plpgsql volatile as $$
declare
    v api.bulk;
    b app.bulk;
    d api.document;
begin
    select * into v from api.bulk t where t._org = app.org() and t.id = bulk_doc.id;
    if not found then
        perform app.refuse_missing();
    end if;
    select * into strict b from app.bulk t where t.org_id = app.org() and t.id = bulk_doc.id;
    d._doc := jsonb_build_object('id', v.id, 'status', v.status, 'done', v.done, 'total', v.total, 'started_at', app.time_json(v.started_at), 'eta', app.time_json(v.eta));
    if whole then
        d._doc := d._doc || jsonb_build_object('entity', v.entity, 'action', v.action, 'cause', v.cause, 'moved', v.moved, 'reason', v.reason, 'staff_id', v.staff_id,
            'staff_name', v.staff_name, 'asked_at', app.time_json(v.asked_at), 'finished_at', app.time_json(v.finished_at), 'refused', b.refused,
            'affected', api.bulk_people(b.affected),
            'operation_id', (select o.id from app.operation o where o.org_id = b.org_id and o.id = b.operation_id),
            'why', (select j.why from app.job j where j.org_id = b.org_id and j.id = b.id), 'undo', b.undo_id,
            'decisions', (select coalesce(jsonb_agg(jsonb_build_object('staff_id', k.staff_id, 'staff_name', s.name, 'decision', k.decision, 'note', k.note,
                'at', app.time_json(k.at)) order by k.at), '[]') from app.bulk_decision k left join app.staff s on s.org_id = k.org_id and s.id = k.staff_id
                where k.org_id = b.org_id and k.bulk_id = b.id))
            || b.wish;
    end if;
    if v.status = 'pending' then
        d._doc := d._doc || jsonb_build_object('approvers', api.bulk_approvers(b), 'expires_at', app.time_json(b.expires_at));
    end if;
    d._status := coalesce(status, case when v.status in ('pending', 'queued', 'running') then 202 else 201 end);
    d._location := '/v1/bulk/' || v.id;
    return next d;
end
$$;
