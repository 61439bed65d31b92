-- timeline.sql: all that happened with one customer, in one list: what was said and done, and what was changed.

create type api.entry as (id uuid, at timestamptz, kind text, entity text, record_id uuid, field text, old jsonb, new jsonb,
    actor_id uuid, actor_name text, via text, operation_id uuid, _customer uuid, _classification text, _next text, _tail boolean);

-- Where the index of the history has the changes of some kinds (null: of all): of which entity, creations or others, of which fields
-- alone, or of all but which. The creation of an activity is none, for it is there as what it says, when that happened.
create function api.entry_sources(kinds text[]) returns table (entity text, born boolean, fields text[], others text[])
language sql immutable as $$
    with asked as (
        select kinds is null or 'change' = any(kinds) as change,
            array(select f.field from (values ('stage', 'stage'), ('owner', 'owner_id')) f(kind, field) where kinds is null or f.kind = any(kinds)) as moves)
    select 'customers', true, null::text[], null::text[] from asked a where a.change
    union all
    select 'customers', false, case when not a.change then a.moves end, case when a.change then array(
        select unnest('{stage,owner_id}'::text[]) except select unnest(a.moves)) end
    from asked a where a.change or a.moves <> '{}'
    union all
    select 'activities', false, null, null from asked a where a.change
    union all
    select e.entity, b, null, null
    from (values ('contact', 'contacts'), ('deal', 'deals'), ('offer', 'offers')) e(kind, entity), unnest('{true,false}'::boolean[]) b
    where kinds is null or e.kind = any(kinds)
$$;

-- The query of a page as an array of entries: of the customers $1, of the kinds $2 (null: all), those before a place (the moment $3
-- and the id $4 of an entry of that moment) from the moment $5 on, $6 at most. $7 and $8 bound the ids of changes, which are in the
-- order of their moments; $9 is the org. Each source gives the keys of a page at most, before they are put together.
create function api.timeline_sql() returns text
language sql immutable as $q$
    select $$
        with key as (
            select * from (
                select true as changed, v.id, v.at from unnest($1) k(id), api.entry_sources($2) s, lateral (
                    select v.id, v.at from api.change v
                    where v._org = $9 and v._customer = k.id and v.entity = s.entity and (v.field is null) = s.born
                        and (s.fields is null or v.field = any(s.fields)) and (s.others is null or v.field <> all(s.others))
                        and v.id >= $7 and v.id < $8 and (v.at, v.id) < ($3, $4)
                    order by v.id desc limit $6) v
                union all
                -- What was archived together with its customer stays.
                select false, v.id, v.at from app.customer c, lateral (
                    select v.id, v.at from app.activity v
                    where v.org_id = $9 and v.customer_id = c.id and v.archived_at is not distinct from c.archived_at
                        and v.at >= $5 and (v.at, v.id) < ($3, $4)
                    order by v.at desc, v.id desc limit $6) v
                where c.org_id = $9 and c.id = any($1) and ($2 is null or 'activity' = any($2))) k
            order by k.at desc, k.id desc limit $6)
        select array_agg(row(e.*, (select app.classification()), null, null)::api.entry order by e.at desc, e.id desc)
        from key k, lateral (
            select v.id, v.at, case v.entity when 'contacts' then 'contact' when 'deals' then 'deal' when 'offers' then 'offer'
                    else case v.field when 'stage' then 'stage' when 'owner_id' then 'owner' else 'change' end end,
                v.entity, v.record_id, v.field, v.old, v.new, v.actor_id, v.actor_name, v.via, v.operation_id, v._customer
            from api.change v where k.changed and v._org = $9 and v.id = k.id
            union all
            select v.id, v.at, 'activity', 'activities', v.id, null, null, api.activity_json(v), v.author_id, v.author_name, null, null, v.customer_id
            from api.activity v where not k.changed and v._org = $9 and v.id = k.id) e
    $$
$q$;

-- Its plan is kept, for to make it takes 50 times as long as to run it. As it is the same for all customers it is told not to sort
-- what an index has in order.
do $do$
begin
    execute format('create function api.timeline_page(customers uuid[], kinds text[], before timestamptz, before_id uuid, since timestamptz, '
        'lim int, low uuid, high uuid, org int) returns api.entry[] language plpgsql stable set plan_cache_mode = force_generic_plan '
        'set enable_sort = off set enable_bitmapscan = off set enable_seqscan = off set enable_hashjoin = off set enable_memoize = off as %L',
        format('begin return (%s); end', api.timeline_sql()));
end
$do$;

-- The classes of fields that entries carry, as the ledger has them; a creation carries all of its kind.
create function api.entry_classes(entries api.entry[]) returns text
language sql immutable as $$
    select concat_ws(' ', 'base',
        case when bool_or(e.entity in ('customers', 'contacts') and (e.field is null or e.field in ('email', 'phone'))) then 'contact' end,
        case when bool_or(e.entity in ('deals', 'offers') or e.entity = 'customers' and (e.field is null or e.field in ('value', 'currency'))) then 'money' end,
        case when bool_or(e.entity = 'activities' or e.field is null or e.field in ('notes', 'custom')) then 'notes' end)
    from unnest(entries) e
$$;

-- What happened with a customer, newest first; 404 where hidden or missing.
create function api.customer_timeline(session text, request uuid, id uuid, filter jsonb, cursor jsonb, lim int) returns setof api.entry
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows   api.entry[];
    tail   api.entry;
    before timestamptz;
    since  timestamptz;
begin
    perform app.enter(session, request, 'customers.timeline', reads => true);
    perform api.customer_shown(id);
    lim := least(lim, 200);
    -- Without bounds: from the first to the last moment that an id has.
    before := least((cursor->>0)::timestamptz, (filter->>'to')::timestamptz, '5000-01-01');
    since := coalesce((filter->>'from')::timestamptz, '0001-01-01');
    rows := api.timeline_page(app.customer_whole(id), case when filter ? 'kind' then app.texts(filter->'kind') end, before,
        -- Behind the cursor; or before "to", of which moment nothing is before this id.
        case when before = (cursor->>0)::timestamptz then (cursor->>1)::uuid else '00000000-0000-0000-0000-000000000000' end,
        since, lim + 1, app.uuid7_floor(since), app.uuid7_floor(before + interval '1 microsecond'), app.org());
    tail._tail := true;
    tail._classification := app.classification();
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim].at, rows[lim].id);
    end if;
    perform app.disclose('timeline', array(select distinct r._customer from unnest(rows) r), api.entry_classes(rows), bytes => pg_column_size(rows));
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;
