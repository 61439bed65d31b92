-- history.sql: what changed, who changed it, when.

-- A change as its caller may see it. Which changes he sees, the policies say; those of fields that the funnel keeps back from
-- him he does not. A creation's new is the whole record.
create view api.change with (security_invoker = true) as
select h.id, h.operation_id, h.entity, h.record_id, h.field,
    case when k.clear then h.old else app.mask_json(h.field, h.old) end as old,
    case when k.clear then w.new else app.mask_json(h.field, w.new) end as new,
    h.actor_id, s.name as actor_name, h.at, h.via,
    h.org_id as _org, h.customer_id as _customer,
    (select app.classification()) as _classification,
    null::text as _next, null::boolean as _tail
from app.history h
left join app.staff s on s.org_id = h.org_id and s.id = h.actor_id
-- What is no customer's has no contact values; what is, is masked as the customer itself would be in a list; of what was moved
-- from one to another the one then and the one now count. The offset leaves it in one piece, asked once for each row and
-- planned once: 24 ms of planning against 8.
cross join lateral (select
    h.customer_id is null or ((select app.shows_contacts()) and (not (select app.masks_others()) or exists (
        select from app.customer c where c.org_id = h.org_id and c.id in (h.customer_id, a.customer_id) and :MINE))) as clear,
    case when (select app.hiding()) is not null then app.kept_back(array(select unnest(c.worked_in) from app.customer c
        where c.org_id = h.org_id and c.id in (h.customer_id, a.customer_id))) end as kept
    from (select (select m.customer_id from app.moved m where m.org_id = h.org_id and m.record_id = h.record_id)) a(customer_id)
    offset 0) k
cross join lateral (select case when h.field is not null or k.kept is null then h.new when h.entity = 'customers' then h.new - k.kept
    else h.new - array(select f from unnest(k.kept) f where f in ('email', 'phone')) end as new) w
where k.kept is null or h.field is null or not app.kept_from(h.entity, h.field, k.kept);

create function api.history_filters() returns jsonb
language sql immutable as $$
    select jsonb_build_object(
        'actor', 'v.actor_id = any(app.uuids($1->''actor''))',
        'entity', 'v.entity = any(app.entities($1->''entity''))',
        'record', 'v.record_id = any(app.uuids($1->''record''))',
        'field', 'v.field = any(app.texts($1->''field''))',
        'operation', 'v.operation_id = any(app.uuids($1->''operation''))',
        'from', 'v.id >= app.uuid7_floor(($1->>''from'')::timestamptz)',
        'to', 'v.id < app.uuid7_floor(($1->>''to'')::timestamptz)')
$$;

-- The customers under which all is filed that a rep or manager sees, or null: where that would not help, since everything is his to
-- see, what is asked for has an index of its own, or they are so many that a page is filled by walking. The policies say whose it is;
-- this is for the planner, who by it does not walk the history of the org for somebody with few customers, or for what is rare.
create function api.history_scope(filter jsonb) returns uuid[]
language plpgsql stable as $$
declare
    way  text := api.customer_way('none', filter);
    ids  uuid[];
    most constant int := 2000;
begin
    if way = 'all' or filter ?| '{record,operation}' then
        return null;
    end if;
    execute format('select array_agg(v.id) from ((select v.id from app.customer v where v.org_id = $5 and v.archived_at is null and (%1$s) limit $3) '
        'union all (select v.id from app.customer v where v.org_id = $5 and v.archived_at is not null and (%1$s) limit $3)) v', api.customer_ways()->>way)
    into ids using filter, null::jsonb, most + 1, app.me(), app.org(),
        case when app.role() = 'manager' then app.team_segments() else app.segments() end, app.above();
    if cardinality(ids) > most then
        return null;
    end if;
    return app.customers_behind(coalesce(ids, '{}') || app.opened());
end
$$;

-- A page of changes, newest first.
create function api.history_page(filter jsonb, cursor jsonb, lim int) returns setof api.change
language plpgsql volatile as $$
declare
    rows  api.change[];
    tail  api.change;
    scope uuid[] := api.history_scope(filter);
begin
    lim := least(lim, 200);
    execute format('select array_agg(p.v order by (p.v).id desc) from (select v from api.change v '
            'where v._org = $4%s%s%s order by v.id desc limit $3 + 1) p',
        app.filter_sql(filter, api.history_filters()), case when cursor is null then '' else ' and v.id < ($2->>0)::uuid' end,
        case when scope is null then '' else ' and (v._customer = any($5) or v._customer is null)' end)
    into rows using filter, cursor, lim, app.org(), scope;
    tail._tail := true;
    tail._classification := app.classification();
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim].id);
    end if;
    -- What is no customer's (people, settings) is none of the ledger's.
    perform app.disclose('history', array(select distinct r._customer from unnest(rows) r where r._customer is not null),
        case when exists (select from unnest(rows) r where r.field is null and r._customer is not null) then app.customer_classes(null)
        else app.customer_classes(array(select distinct r.field from unnest(rows) r where r._customer is not null)) end, bytes => pg_column_size(rows));
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- The changes that the caller may see, by actor, entity, record, field, operation and time.
create function api.history_list(session text, request uuid, filter jsonb, cursor jsonb, lim int) returns setof api.change
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'history.list', reads => true);
    return query select * from api.history_page(filter, cursor, lim);
end
$$;

-- The changes of one customer; 404 where hidden or missing.
create function api.customer_history(session text, request uuid, id uuid, filter jsonb, cursor jsonb, lim int)
returns setof api.change
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'customers.history', reads => true);
    perform api.customer_shown(id);
    return query select * from api.history_page(filter || jsonb_build_object('record', jsonb_build_array(id),
        'entity', jsonb_build_array('customers')), cursor, lim);
end
$$;
