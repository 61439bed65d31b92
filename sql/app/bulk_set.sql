-- bulk_set.sql: which records a wish changes, into what, and which it leaves as they are.
--
-- A set has one record or half a million, so what joins arrays of it is planned for each: the plan that is kept would be a nested loop (20,000
-- records: over 12 s against 0.3).

-- Tags without some and with others, each once, in their order.
create or replace function app.tagged(tags text[], add text[], remove text[]) returns text[]
language sql immutable as $$
    select array(select t.word from unnest(tags || add) with ordinality t(word, n)
        where t.word <> all(remove) or t.word = any(add) group by t.word order by min(t.n))
$$;

-- What a wish writes of a record c: columns with their new values, made of $2, the changes, and n, a record of them.
create or replace function app.bulk_sets(entity text, action text, changes jsonb) returns table (name text, value text)
language sql immutable as $$
    select k, case k when 'tags' then 'coalesce(n.tags, ''{}'')' when 'custom' then 'coalesce(nullif(app.merge_patch(c.custom, $2->''custom''), ''null''), ''{}'')'
        else format('n.%I', k) end
    from jsonb_object_keys(changes) k where action in ('update', 'stage')
    union all
    select 'tags', 'app.tagged(c.tags, app.texts($2->''add''), app.texts($2->''remove''))' where action = 'tag'
    union all
    select 'archived_at', 'app.now()' where action = 'archive'
    order by 1
$$;

-- Those of some records that the caller sees, and why one is not changed: it is not his to write (not_yours), archived, a closed deal
-- (deal_closed), as it would be already (unchanged), or would grow too large. Who it is given to is not asked here.
create or replace function app.bulk_rows(entity text, action text, changes jsonb, records uuid[]) returns app.bulk_row[]
language plpgsql volatile as $$
declare
    e    app.entity;
    sets text;
    big  text;
    rows app.bulk_row[];
begin
    select * into e from app.entity t where t.name = bulk_rows.entity;
    select format('row(%s) is not distinct from row(%s)', string_agg('c.' || quote_ident(s.name), ', '), string_agg(s.value, ', ')),
        string_agg(case s.name when 'tags' then format(' or cardinality(%1$s) > 50 or char_length(array_to_string(%1$s, '' '')) > 3300', s.value)
            when 'custom' then format(' or octet_length((%s)::text) > 16384', s.value) end, '')
    into sets, big from app.bulk_sets(entity, action, changes) s;
    execute format($q$
        select array(select row(c.id, c.version, k.owner_id, k.segment, k.country, null, case
                when not coalesce($4 or k.owner_id = any($5) or k.owner_id is null and k.segment = any($6), false) then 'not_yours'
                when c.archived_at is not null then 'archived'
                when %3$s then 'deal_closed'
                when %4$s then 'unchanged'
                when false%5$s then 'too_large' end)::app.bulk_row
            from unnest($3) i(id) join %1$s c on c.org_id = $1 and c.id = i.id %2$s
            cross join jsonb_populate_record(null::%1$s, $2) n order by c.id)
        $q$, e.relation, case when entity = 'customers' then 'cross join lateral (select c.owner_id, c.segment, c.country) k'
            else 'join app.customer k on k.org_id = c.org_id and k.id = c.customer_id' end,
        case when entity = 'deals' and action <> 'archive' then 'c.status <> ''open''' else 'false' end,
        case when action in ('archive', 'transfer') then 'false' else sets end, coalesce(big, ''))
    into rows using app.org(), changes, records, app.role() = 'admin',
        array(select t.below_id from app.staff_tree t where t.org_id = app.org() and t.above_id = app.me() and app.role() = 'manager'),
        case when app.role() = 'manager' then app.team_segments() end;
    return rows;
end
$$;

-- Who has each of some customers at another stage: whoever has it, where the stage is of the same segment or he works there too; else who gets
-- it by a way of a transfer, or by the segment's rule.
create or replace function app.stage_heirs(way jsonb, rows app.bulk_row[], target text) returns uuid[]
language plpgsql stable set plan_cache_mode = force_custom_plan as $$
declare
    goes  int[] := array(select r.n from unnest(rows) with ordinality r(id, version, owner_id, segment, country, heir, why, n)
        left join app.staff s on s.org_id = app.org() and s.id = r.owner_id and s.status = 'active' and s.role <> 'auditor'
        where r.segment <> target and (target = any(s.segments)) is not true order by r.n);
    heirs uuid[] := app.heirs(coalesce(way, '{"by": "segment"}') || '{"anywhere": true}', array(select (rows[i]).id from unnest(goes) with ordinality g(i, n) order by n),
        array_fill(target, array[cardinality(goes)]), array(select (rows[i]).owner_id from unnest(goes) with ordinality g(i, n) order by n), null);
begin
    return array(select case when g.i is null then r.owner_id else g.heir end
        from unnest(rows) with ordinality r(id, version, owner_id, segment, country, heir, why, n)
        left join unnest(goes, heirs) g(i, heir) on g.i = r.n order by r.n);
end
$$;

-- What a wish reaches of some records, with who gets each customer: by the way of the transfer or as heirs, in the order of records, says.
create or replace function app.bulk_reach(entity text, action text, wish jsonb, records uuid[], heirs uuid[] default null) returns app.bulk_row[]
language plpgsql volatile set plan_cache_mode = force_custom_plan as $$
declare
    rows   app.bulk_row[] := app.bulk_rows(entity, action, coalesce(wish->'changes', '{}'), records);
    fit    app.bulk_row[];
    ids    uuid[];
    owners uuid[];
    places text[];
    lands  text[];
    gets   uuid[];
    target text := (select s.segment_id from app.stage s where s.org_id = app.org() and s.id = wish->'changes'->>'stage' and action = 'stage');
begin
    if entity <> 'customers' or action not in ('transfer', 'stage') then
        return rows;
    end if;
    -- Sorted once, for each array would sort them again.
    select coalesce(array_agg(f), '{}'), coalesce(array_agg(f.id), '{}'), coalesce(array_agg(f.owner_id), '{}'), coalesce(array_agg(coalesce(target, f.segment)), '{}'), array_agg(f.country)
    into fit, ids, owners, places, lands from (select r.* from unnest(rows) r where r.why is null order by r.id) f;
    gets := case when heirs is not null then array(select g.heir from unnest(ids) with ordinality f(id, n) join unnest(records, heirs) g(id, heir) on g.id = f.id order by f.n)
        when action = 'stage' then app.stage_heirs(wish->'to', fit, target)
        else app.heirs(wish->'to', ids, places, owners, lands) end;
    return array(select row(r.id, r.version, r.owner_id, r.segment, r.country, g.heir, coalesce(r.why, g.why))::app.bulk_row
        from unnest(rows) with ordinality r(id, version, owner_id, segment, country, heir, why, n)
        left join unnest(ids, gets, app.heirs_unfit(gets, owners, places, action = 'stage')) g(id, heir, why) on g.id = r.id order by r.n);
end
$$;

-- Records that stay as they are, counted by why, with up to twenty ids each.
create or replace function app.bulk_left(ids uuid[], whys text[]) returns jsonb
language sql immutable as $$
    select coalesce(jsonb_agg(jsonb_build_object('why', w.why, 'count', w.n, 'ids', to_jsonb(w.ids[1:20])) order by w.n desc, w.why), '[]')
    from (select l.why, count(*) as n, array_agg(l.id order by l.id) as ids from unnest(ids, whys) l(id, why) where l.why is not null group by 1) w
$$;

-- Two such counts in one.
create or replace function app.bulk_left_joined(was jsonb, more jsonb) returns jsonb
language sql immutable as $$
    select coalesce(jsonb_agg(jsonb_build_object('why', w.why, 'count', w.n, 'ids',
        (select jsonb_agg(i.v order by i.n) from jsonb_array_elements(w.ids) with ordinality i(v, n) where i.n <= 20)) order by w.n desc, w.why), '[]')
    from (select l->>'why' as why, sum((l->>'count')::bigint) as n, jsonb_path_query_array(jsonb_agg(l order by n), '$[*].ids[*]') as ids
        from jsonb_array_elements(was || more) with ordinality e(l, n) group by 1) w
$$;

-- Forgets the plans of the caller but for the latest four.
create or replace function app.bulk_forget() returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    delete from app.bulk b where b.org_id = app.org() and b.staff_id = app.me() and b.status = 'planned'
        and b.id not in (select t.id from app.bulk t where t.org_id = app.org() and t.staff_id = app.me() and t.status = 'planned' order by t.id desc limit 4);
end
$$;
alter function app.bulk_forget owner to holdfast_owner;

-- Keeps what a wish reaches of some records as a plan of the caller's, for an hour. Of his others the latest four stay. Each id that he names and does not
-- see counts as it would alone, or a thousand guesses would be none. Returns its id.
create or replace function app.bulk_plan(entity text, action text, wish jsonb, records uuid[], heirs uuid[] default null, cause text default 'bulk') returns uuid
language plpgsql volatile set plan_cache_mode = force_custom_plan as $$
declare
    rows   app.bulk_row[] := app.bulk_reach(entity, action, wish, records, heirs);
    made   uuid := app.uuid7();
    moves  boolean := entity = 'customers' and action in ('transfer', 'stage');
    -- An archived customer takes along all that belongs to him: each takes some milliseconds.
    piece  int := case when entity = 'customers' and action = 'archive' then 20 else 100 end;
    total  int;
    moved  int;
    gone   uuid[] := array(select u.id from unnest(records) u(id) except select r.id from unnest(rows) r);
begin
    perform app.bulk_forget();
    perform app.refused(app.role(), 'POST /v1/bulk', 404, 'not_found', u.id, null) from unnest(gone) u(id) where wish ? 'ids';
    select count(*), count(*) filter (where moves and r.heir is distinct from r.owner_id) into total, moved from unnest(rows) r where r.why is null;
    insert into app.bulk (org_id, id, operation_id, staff_id, cause, action, entity, wish, introduce, total, moved, refused, affected, session_id, request_id, asked_at, expires_at)
    select app.org(), made, app.uuid7(), app.me(), cause, action, entity, wish, action = 'transfer', total, moved,
        app.bulk_left(array(select r.id from unnest(rows) r) || gone, array(select r.why from unnest(rows) r) || array_fill('not_found'::text, array[cardinality(gone)])),
        (select coalesce(jsonb_agg(jsonb_build_object('staff_id', p.id) || p.counts order by p.n desc, p.id), '[]')
            from (select w.id, count(*) as n, case when moves then jsonb_build_object('loses', count(*) filter (where w.loses), 'receives', count(*) filter (where not w.loses))
                    else jsonb_build_object('changes', count(*)) end as counts
                from unnest(rows) r cross join lateral (values (r.owner_id, true), (case when moves then r.heir end, false)) w(id, loses)
                where r.why is null and w.id is not null and (not moves or r.heir is distinct from r.owner_id) group by 1 order by 2 desc, 1 limit 200) p),
        app.session_id(), app.request_id(), app.now(), app.now() + interval '1 hour';
    insert into app.bulk_item (org_id, bulk_id, n, records, versions, owners, heirs)
    select app.org(), made, (f.n - 1) / piece + 1, array_agg(f.id order by f.n), array_agg(f.version order by f.n), array_agg(f.owner_id order by f.n),
        case when moves then array_agg(f.heir order by f.n) end
    from (select r.*, row_number() over (order by r.id) as n from unnest(rows) r where r.why is null) f group by 3;
    return made;
end
$$;

-- How what a wish reaches now differs from its plan: records that came, that went and that are another version by now (aside from
-- that, of another owner), counted, with up to twenty ids each; null where it does not.
create or replace function app.bulk_differs(b app.bulk, records uuid[], heirs uuid[], versions boolean) returns jsonb
language sql volatile as $$
    with now_ as materialized (
        select r.* from unnest(app.bulk_reach(b.entity, b.action, b.wish, records, heirs)) r where r.why is null),
    planned as materialized (
        select p.* from app.bulk_item i, unnest(i.records, i.versions, i.owners) p(id, version, owner_id) where i.org_id = b.org_id and i.bulk_id = b.id),
    difference as (
        select coalesce(n.id, p.id) as id, case when p.id is null then 'added' when n.id is null then 'removed' else 'changed' end as word
        from now_ n full join planned p on p.id = n.id
        where p.id is null or n.id is null or case when versions then n.version <> p.version else n.owner_id is distinct from p.owner_id end)
    select jsonb_object_agg(w.word, jsonb_build_object('count', coalesce(d.n, 0), 'ids', coalesce(to_jsonb(d.ids[1:20]), '[]')))
    from unnest('{added,removed,changed}'::text[]) w(word)
    left join (select t.word, count(*) as n, array_agg(t.id order by t.id) as ids from difference t group by 1) d on d.word = w.word
    having count(d.word) > 0
$$;
