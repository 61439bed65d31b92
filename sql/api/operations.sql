-- operations.sql: change requests: who, when, which request, why, how many changes.

create view api.operation with (security_invoker = true) as
select o.id, o.at, o.actor_id, s.name as actor_name, o.action, o.via, o.reason, o.request_id, o.undoes,
    array(select u.id from app.operation u where u.org_id = o.org_id and u.undoes = o.id order by u.id) as undone_by, o.changes,
    o.org_id as _org, null::text as _next, null::boolean as _tail
from app.operation o
left join app.staff s on s.org_id = o.org_id and s.id = o.actor_id;

create function api.operation_filters() returns jsonb
language sql immutable as $$
    select jsonb_build_object(
        'actor', 'v.actor_id = any(app.uuids($1->''actor''))',
        'action', 'v.action = any(app.texts($1->''action''))',
        'from', 'v.at >= ($1->>''from'')::timestamptz',
        'to', 'v.at < ($1->>''to'')::timestamptz')
$$;

-- The operations of the caller and of those below him, newest first.
create function api.operation_list(session text, request uuid, filter jsonb, cursor jsonb, lim int) returns setof api.operation
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows api.operation[];
    tail api.operation;
begin
    perform app.enter(session, request, 'operations.list', reads => true);
    execute format('select array_agg(p.v order by (p.v).id desc) from (select v from api.operation v '
            'where v._org = $4%s%s%s order by v.id desc limit $3 + 1) p',
        case when app.role() = 'rep' then ' and v.actor_id = $5' else '' end,   -- the policy says so too; this an index serves
        app.filter_sql(filter, api.operation_filters()), case when cursor is null then '' else ' and v.id < ($2->>0)::uuid' end)
    into rows using filter, cursor, lim, app.org(), app.me();
    tail._tail := true;
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim].id);
    end if;
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- One operation; 404 where hidden or missing.
create function api.operation_get(session text, request uuid, id uuid) returns setof api.operation
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'operations.read', reads => true);
    return query select * from api.operation v where v._org = app.org() and v.id = operation_get.id;
    if not found then
        perform app.refuse_missing();
    end if;
end
$$;
