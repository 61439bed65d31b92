-- customers_list.sql: pages of customers: filters, sorts, the caller's scope, counts.

-- What a list can be filtered by: word -> condition over the row v and the filter $1.
create function api.customer_filters() returns jsonb
language sql immutable as $$
    select jsonb_build_object(
        'stage', 'v.stage = any(app.texts($1->''stage''))',
        'segment', 'v.segment = any(app.texts($1->''segment''))',
        'owner', 'v.owner_id = any(app.uuids($1->''owner''))',
        'city', 'v.city = any(app.texts($1->''city''))',
        'region', 'v.region = any(app.texts($1->''region''))',
        'postal_code', 'v.postal_code = any(app.texts($1->''postal_code''))',
        'country', 'v.country = any(app.texts($1->''country''))',
        'source', 'v.source = any(app.texts($1->''source''))',
        'currency', 'v.currency = any(app.texts($1->''currency''))',
        'tag', 'v.tags && app.texts($1->''tag'')',
        'name', 'v.name = any(app.texts($1->''name''))',
        'value_min', 'v.value >= ($1->>''value_min'')::bigint',
        'value_max', 'v.value <= ($1->>''value_max'')::bigint',
        'created_after', 'v.created_at >= ($1->>''created_after'')::timestamptz',
        'created_before', 'v.created_at < ($1->>''created_before'')::timestamptz',
        'updated_after', 'v.updated_at >= ($1->>''updated_after'')::timestamptz',
        'updated_before', 'v.updated_at < ($1->>''updated_before'')::timestamptz')
$$;

-- What it can be sorted by: word -> [expression, type]. No contact value: an order would tell it.
create function api.customer_sorts() returns jsonb
language sql immutable as $$
    select '{"name": ["v.name", "text"], "created_at": ["v.created_at", "timestamptz"],
        "updated_at": ["v.updated_at", "timestamptz"], "stage": ["v.stage", "text"],
        "city": ["coalesce(v.city, '''')", "text"], "country": ["coalesce(v.country, '''')", "text"],
        "value": ["coalesce(v.value, -1)", "bigint"]}'::jsonb
$$;

-- Whether a page is put together from a page of each person below the caller, whom the scope calls t. One condition over them
-- all would walk the org's customers, 20,000 for 50 where theirs are few or old, or sort all of theirs.
create function api.customer_by_owner() returns boolean
language sql stable as $$
    select app.role() = 'manager' and (select count(*) <= 50 from app.staff_tree t where t.org_id = app.org() and t.above_id = app.me())
$$;

-- The caller's scope as a plain condition that an index serves (the policies say the same once more), with the filter $1. $4
-- is the caller, $5 the org.
create function api.customer_scope(filter jsonb, archived boolean, by_owner boolean default false) returns text
language sql stable as $$
    select 'v._org = $5' || case
        when app.role() = 'rep' then ' and v.owner_id = $4'
        when app.role() = 'manager' and by_owner then ' and v.owner_id = t.below_id'
        when app.role() = 'manager' then ' and v.owner_id = any(array(select t.below_id from app.staff_tree t where t.org_id = $5 and t.above_id = $4))'
        else '' end
        || app.filter_sql(filter, api.customer_filters()) || ' and v.archived_at is ' || case when archived then 'not ' else '' end || 'null'
$$;

-- The query of a page as an array of rows; behind: of the rows behind the cursor $2. $3 is the limit.
create function api.customer_page_sql(filter jsonb, archived boolean, sort text, behind boolean) returns text
language plpgsql stable as $$
declare
    by_owner boolean := api.customer_by_owner();
    way      text := app.order_sql(sort, api.customer_sorts());
    page     text := format('select v.* from api.customer v where %s%s order by %s limit $3 + 1', api.customer_scope(filter, archived, by_owner),
        case when behind then ' and ' || app.after_sql(sort, api.customer_sorts()) else '' end, way);
begin
    if by_owner then
        page := format('select v.* from app.staff_tree t, lateral (%s) v where t.org_id = $5 and t.above_id = $4 order by %s limit $3 + 1', page, way);
    end if;
    return format('select array_agg(p.v order by p.n) from (select row(v.*)::api.customer v, row_number() over () n from (%s) v) p', page);
end
$$;

-- The page that an app begins with, a rep's own by their latest change, as a query whose plan is kept: 0.1 ms against 0.6. (By
-- itself PostgreSQL would plan again for each limit.)
create function api.customer_own(cursor jsonb, lim int) returns api.customer[]
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return array(select v from api.customer v
        where v._org = app.org() and v.owner_id = app.me() and v.archived_at is null
          and (v.updated_at, v.id) < (coalesce((cursor->>0)::timestamptz, 'infinity'),
            coalesce((cursor->>1)::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
        order by v.updated_at desc, v.id desc limit lim + 1);
end
$$;

-- A page: filter is an object of customer_filters' words, sort "-updated_at,name", cursor the position behind which the page
-- begins, archived whether to list the archived ones instead. The last row is the tail: _next and _count.
create function api.customer_list(session text, request uuid, filter jsonb, archived boolean, fields text[], sort text,
    cursor jsonb, lim int, count text) returns setof api.customer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    scope text;
    rows  api.customer[];
    tail  api.customer;
    plain boolean;
begin
    perform app.enter(session, request, 'customers.list', reads => true);
    lim := least(lim, 200);
    plain := app.role() = 'rep' and filter = '{}' and sort = '-updated_at' and not archived;
    if plain then
        rows := api.customer_own(cursor, lim);
    else
        execute api.customer_page_sql(filter, archived, sort, cursor is not null) into rows using filter, cursor, lim, app.me(), app.org();
    end if;

    tail._tail := true;
    tail._classification := app.classification();
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        if plain then
            tail._next := jsonb_build_array(rows[lim].updated_at, rows[lim].id);
        else
            execute format('select %s from (select ($1).*) v', app.position_sql(sort, api.customer_sorts()))
            into tail._next using rows[lim];
        end if;
    end if;
    if count is not null then
        scope := api.customer_scope(filter, archived);
    end if;
    if count = 'exact' then
        execute format('select count(*) from api.customer v where %s', scope)
        into tail._count using filter, cursor, lim, app.me(), app.org();
    elsif count = 'estimate' then
        -- Exact up to ten thousand, which is what a screen shows; beyond that the planner's guess.
        execute format('select count(*) from (select from api.customer v where %s limit 10001) c', scope)
        into tail._count using filter, cursor, lim, app.me(), app.org();
        if tail._count > 10000 then
            tail._count := app.rows_guessed(scope, filter);
        end if;
    end if;
    perform app.disclose('list', array(select r.id from unnest(rows) r), app.customer_classes(fields));
    if fields is not null then
        -- What was not asked for does not leave PostgreSQL, so that the ledger is right about it.
        rows := array(select jsonb_populate_record(r, blank.columns) from unnest(rows) r, (
            select jsonb_object_agg(k.name, null) as columns
            from unnest('{email,phone,phone_e164,value,currency,notes,custom}'::text[]) k(name) where k.name <> all(fields)) blank);
    end if;
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- The planner's guess for a scope; never less than what was counted before asking.
create or replace function app.rows_guessed(scope text, filter jsonb) returns bigint
language plpgsql volatile as $$
declare
    plan jsonb;
begin
    execute format('explain (format json) select from api.customer v where %s', scope)
    into plan using filter, null::jsonb, 0, app.me(), app.org();
    return greatest(10001, (plan->0->'Plan'->>'Plan Rows')::numeric::bigint);
end
$$;
