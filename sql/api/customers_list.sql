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
        'phone', 'v.id in (select k.id from app.customer k where k.org_id = $5 and k.phone_key = any((select app.phone_keys($1->>''phone''))::text[]) and app.phone_means(k.phone_key, k.country, $1->>''phone'') '
            'union all select t.customer_id from app.contact t join app.customer k on k.org_id = t.org_id and k.id = t.customer_id where t.org_id = $5 and t.archived_at is null '
            'and t.phone_key = any((select app.phone_keys($1->>''phone''))::text[]) and app.phone_means(t.phone_key, k.country, $1->>''phone'')) and ''phone'' <> all(v._hidden)',
        'email', 'v.id in (select k.id from app.customer k where k.org_id = $5 and k.email_key = app.email_key($1->>''email'') '
            'union all select t.customer_id from app.contact t where t.org_id = $5 and t.archived_at is null and t.email_key = app.email_key($1->>''email'')) and ''email'' <> all(v._hidden)',
        'name', 'v.name = any(app.texts($1->''name''))',
        'introduction', '$1->>''introduction'' = ''open'' and exists (select from app.activity a where a.org_id = $5 and a.customer_id = v.id and a.introduction and a.done_at is null and a.archived_at is null)',
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

-- The scope of each way as a plain condition that an index serves (the policies say the same once more). $4 is the caller, $5 the
-- org, $6 his segments (a manager's: those of his team), $7 whose people he sees.
create function api.customer_ways() returns jsonb
language sql immutable as $$
    select jsonb_build_object('all', 'true', 'mine', 'v.owner_id = $4 and v.segment = any($6)',
        'people', 'v.owner_id = p.id', 'team', 'v.owner_id = p.id and v.segment = any($6)', 'nobody', 'v.owner_id is null and v.segment = g.id',
        'people_many', '(v.owner_id = any(' || q.people || ') or v.owner_id is null and v.segment = any($6))',
        'team_many', 'v.owner_id = any(' || q.people || ') and v.segment = any($6)')
    from (select 'array(select t.below_id from app.staff_tree t where t.org_id = $5 and t.above_id = $7)' as people) q
$$;

-- The query of the ids of all customers in the scope of a way, archived or not. In two halves, for each is an index of its own: without
-- them all customers of the org were read. It takes its parameters as customer_ways does.
create function api.customers_mine_sql(way text) returns text
language sql immutable as $$
    select format('%1$s null union all %1$s not null', format('select v.id from app.customer v where v.org_id = $5 and (%s) and v.archived_at is',
        api.customer_ways()->>way))
$$;

-- Whether these are at most so many: then reading all of them costs less than looking for them among everybody's.
create function api.customers_few(way text, most int) returns boolean
language plpgsql stable as $$
declare
    few boolean;
begin
    execute format('select count(*) <= $3 from (%s limit $3 + 1) c', api.customers_mine_sql(way)) into few
    using null::jsonb, null::jsonb, most, app.me(), app.org(), case when app.role() = 'manager' then app.team_segments() else app.segments() end, app.above();
    return few;
end
$$;

-- How the caller's page is put together: a row of customer_ways.
--   all          from all customers of the org: an admin, an auditor, anybody where the org is open
--   mine         from his own in his segments
--   people       from those of each person below him, and those of nobody in the segments of his team
--   team         from those of each person of his manager, in his segments
--   people_many, team_many    the same by one condition over all of these people
-- By the last change, for which each person has an index, one condition over many people would walk the org's customers, 20,000 for 50
-- where theirs are few or old. But more than 2,000 own so much of the org that its pages hold theirs. A number or an address finds its
-- customer first. sort none: for what is not a page of customers.
create function api.customer_way(sort text, filter jsonb) returns text
language plpgsql stable as $$
begin
    if app.role() in ('admin', 'auditor') or app.visibility() = 'open' then
        return 'all';
    elsif app.above() is null then
        return 'mine';
    end if;
    return case app.role() when 'manager' then 'people' else 'team' end
        || case when sort not in ('-updated_at', 'updated_at') or filter ?| '{phone,email}' or 2000 < (select count(*) from (
            select from app.staff_tree t where t.org_id = app.org() and t.above_id = app.above() limit 2001) p) then '_many' else '' end;
end
$$;

-- The conditions of a page or a count: the scope of a way, the filter $1, archived or not.
create function api.customer_scope(way text, filter jsonb, archived boolean) returns text
language sql immutable as $$
    select 'v._org = $5 and ' || (api.customer_ways()->>way) || app.filter_sql(filter, api.customer_filters())
        || ' and v.archived_at is ' || case when archived then 'not ' else '' end || 'null'
$$;

-- What is only counted or looked for needs no masks: the bare table, unless the funnel keeps something back from the caller.
create function api.customer_bare() returns text
language sql stable as $$
    select case when app.hiding() is null then '(select k.*, k.org_id as _org, ''{}''::text[] as _hidden from app.customer k)' else 'api.customer' end
$$;

-- The query of a page as an array of rows; behind: of the rows behind the cursor $2. $3 is the limit. apart: all in the scope are read and
-- sorted, because there are few; the index of an order is the whole org's, and would be walked to its end for whoever has none.
create function api.customer_page_sql(way text, filter jsonb, archived boolean, sort text, behind boolean, apart boolean) returns text
language plpgsql stable as $$
declare
    order_ text := app.order_sql(sort, api.customer_sorts());
    after  text := case when behind then ' and ' || app.after_sql(sort, api.customer_sorts()) else '' end;
    scope  text := api.customer_scope(way, filter, archived) || after;
    bare   text := api.customer_bare();
    page   text := format('select v.* from api.customer v where %s order by %s limit $3 + 1', scope, order_);
    -- What a full page cannot go beyond: the latest customer of the last of the people who fill it with one each.
    edge   text := case sort when '-updated_at' then ' and v.updated_at >= p.edge' else ' and v.updated_at <= p.edge' end;
    found_ text;
begin
    if apart then
        found_ := format('select v.* from (select v.* from %s v where %s offset 0) v', bare, scope);
    elsif way in ('people', 'team') then
        -- Of the people with the latest customers only the first can fill the page alone, the next all but one place of it...
        found_ := format('select v.* from (select q.id, q.n, case when count(*) over () > $3 then %4$s(q.updated_at) over () else %5$L end as edge '
            'from (select p.id, v.updated_at, row_number() over (order by %2$s) as n '
            'from (select t.below_id as id from app.staff_tree t where t.org_id = $5 and t.above_id = $7) p, '
            'lateral (select v.* from %3$s v where %1$s order by %2$s limit 1) v order by %2$s limit $3 + 1) q) p, '
            'lateral (select v.* from %3$s v where %1$s%6$s order by %2$s limit $3 + 2 - p.n) v',
            scope, order_, bare, case sort when 'updated_at' then 'max' else 'min' end, case sort when 'updated_at' then 'infinity' else '-infinity' end, edge);
        if way = 'people' then
            found_ := format('(%s) union all select v.* from unnest($6) g(id), lateral (select v.* from %s v where %s order by %s limit $3 + 1) v',
                found_, bare, api.customer_scope('nobody', filter, archived) || after, order_);
        end if;
    end if;
    if found_ is not null then
        -- Whose they are is found out without masks, for the page itself is a fraction of what is looked at.
        page := format('select v.* from (select v.id from (%1$s) v order by %2$s limit $3 + 1) k, api.customer v where v._org = $5 and v.id = k.id order by %2$s',
            found_, order_);
    end if;
    return format('select array_agg(p.v order by p.n) from (select row(v.*)::api.customer v, row_number() over () n from (%s) v) p', page);
end
$$;

-- The page that an app begins with, by the latest change without a filter, as functions whose plans are kept, one for each way:
-- api.customer_first_<way>. 0.1 ms against 0.6 and, of people, 6. (By itself PostgreSQL would plan again for each limit.)
do $do$
declare
    way text;
begin
    foreach way in array array['all', 'mine', 'people', 'people_many', 'team', 'team_many'] loop
        execute format('create function api.customer_first_%s(filter jsonb, cursor jsonb, lim int, me uuid, org int, segments text[], above uuid) '
            'returns api.customer[] language plpgsql stable set plan_cache_mode = force_generic_plan set enable_memoize = off as %L', way,
            format('begin return (%s); end', api.customer_page_sql(way, '{}', false, '-updated_at', true, false)));
    end loop;
end
$do$;

-- The first page of a way, or one behind a cursor.
create function api.customer_first(way text, cursor jsonb, lim int, segments text[]) returns api.customer[]
language plpgsql stable as $$
declare
    behind jsonb := coalesce(cursor, '["infinity", "ffffffff-ffff-ffff-ffff-ffffffffffff"]');
begin
    case way
    when 'all' then
        return api.customer_first_all('{}', behind, lim, app.me(), app.org(), segments, app.above());
    when 'mine' then
        return api.customer_first_mine('{}', behind, lim, app.me(), app.org(), segments, app.above());
    when 'people' then
        return api.customer_first_people('{}', behind, lim, app.me(), app.org(), segments, app.above());
    when 'people_many' then
        return api.customer_first_people_many('{}', behind, lim, app.me(), app.org(), segments, app.above());
    when 'team' then
        return api.customer_first_team('{}', behind, lim, app.me(), app.org(), segments, app.above());
    when 'team_many' then
        return api.customer_first_team_many('{}', behind, lim, app.me(), app.org(), segments, app.above());
    end case;
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
    plain boolean := filter = '{}' and sort = '-updated_at' and not archived;
    way   text;
    segments text[];
begin
    perform app.enter(session, request, 'customers.list', reads => true);
    fields := array_remove(fields, null);
    way := api.customer_way(sort, filter);
    segments := case when app.role() = 'manager' then app.team_segments() else app.segments() end;
    lim := least(lim, 200);
    if plain and app.hiding() is null then
        rows := api.customer_first(way, cursor, lim, segments);
    else
        -- 50,000 are sorted in 0.1 s; whoever has more has so many of the first by any order that they are soon found.
        execute api.customer_page_sql(way, filter, archived, sort, cursor is not null,
            sort not in ('-updated_at', 'updated_at') and way ~ '_many$' and api.customers_few(way, 50000)) into rows
        using filter, cursor, lim, app.me(), app.org(), segments, app.above();
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
        scope := api.customer_scope(way || case when way in ('people', 'team') then '_many' else '' end, filter, archived);
    end if;
    if count = 'exact' then
        execute format('select count(*) from %s v where %s', api.customer_bare(), scope)
        into tail._count using filter, cursor, lim, app.me(), app.org(), segments, app.above();
    elsif count = 'estimate' then
        -- Exact up to ten thousand, which is what a screen shows; beyond that the planner's guess. It is over all rows of the org, so
        -- that whoever does not see all of them gets a count: a guess told a manager of 10,423 customers 16,982, and more the more
        -- others had.
        execute format('select count(*) from (select from %s v where %s limit %s) c', api.customer_bare(), scope, case way when 'all' then '10001' else 'all' end)
        into tail._count using filter, cursor, lim, app.me(), app.org(), segments, app.above();
        if way = 'all' and tail._count > 10000 then
            tail._count := app.rows_guessed(scope, filter, segments);
        end if;
    end if;
    perform app.disclose('list', array(select r.id from unnest(rows) r), app.customer_classes(fields),
        masked => exists (select from unnest(rows) r where r.masked && '{email,phone,phone_e164}') or not app.shows_contacts(), bytes => pg_column_size(rows));
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
create or replace function app.rows_guessed(scope text, filter jsonb, segments text[]) returns bigint
language plpgsql volatile as $$
declare
    plan jsonb;
begin
    execute format('explain (format json) select from %s v where %s', api.customer_bare(), scope)
    into plan using filter, null::jsonb, 0, app.me(), app.org(), segments, app.above();
    return greatest(10001, (plan->0->'Plan'->>'Plan Rows')::numeric::bigint);
end
$$;
