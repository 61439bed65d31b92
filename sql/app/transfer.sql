-- transfer.sql: who gets each of many customers, and giving them.

-- n of something among as many as there are weights, in proportion: whole numbers whose sum is n. Whoever lost most by rounding gets more.
create or replace function app.split_shares(n bigint, weights numeric[]) returns bigint[]
language sql immutable as $$
    with part as (
        select i, n * w / total as exact, floor(n * w / total) as least_
        from unnest(weights) with ordinality x(w, i), (select sum(w) as total from unnest(weights) w) t),
    ranked as (
        select p.*, row_number() over (order by p.exact - p.least_ desc, p.i) as turn, n - sum(p.least_) over () as rest from part p)
    select array_agg((r.least_ + (r.turn <= r.rest)::int)::bigint order by r.i) from ranked r
$$;

-- n of something so that in the end all have as much as one another, or no more than they had. loads are what each has, the fewest first.
create or replace function app.split_evenly(n bigint, loads bigint[]) returns bigint[]
language plpgsql immutable as $$
declare
    free bigint;
begin
    for k in reverse coalesce(cardinality(loads), 0)..1 loop
        -- What is left when the first k have what the last of them has.
        free := n - k * loads[k] + (select sum(l) from unnest(loads[1:k]) l);
        if free >= 0 then
            return array(select case when i <= k then loads[k] - loads[i] + free / k + (i <= free % k)::int else 0 end
                from generate_subscripts(loads, 1) i order by i);
        end if;
    end loop;
    return '{}';
end
$$;

-- Among whom the customers of one owner (null: of all) that are worked in a segment are divided by a way of a transfer, and how many of n each gets. given is
-- what they get of others by the same transfer: {person: number}. The way is {shares}, {by: least_loaded, among} or {by: segment}.
create or replace function app.heirs_divided(way jsonb, segment text, owner_id uuid, n bigint, given jsonb)
returns table (staff_id uuid, quota bigint)
language plpgsql stable as $$
declare
    rule   text := case way->>'by' when 'segment' then (select g.rule from app.segment g where g.org_id = app.org() and g.id = heirs_divided.segment) else way->>'by' end;
    people uuid[];
    loads  numeric[];
begin
    if way ? 'shares' then
        select array_agg(s.id order by w.n), array_agg((w.v->>'share')::numeric order by w.n) into people, loads
        from jsonb_array_elements(way->'shares') with ordinality w(v, n)
        join app.staff s on s.org_id = app.org() and s.id = (w.v->>'staff_id')::uuid
        where heirs_divided.segment = any(s.segments);
        return query select u.id, u.quota from unnest(people, app.split_shares(n, loads)) u(id, quota);
        return;
    end if;
    select array_agg(k.id order by k.load, k.handed_at nulls first, k.id), array_agg(k.load order by k.load, k.handed_at nulls first, k.id) into people, loads
    from (select c.id, c.handed_at, coalesce((given->>c.id::text)::bigint, 0)
                + case when rule = 'least_loaded' then app.load_of(segment, c.id) else 0 end as load
            from (select t.staff_id as id, t.handed_at from app.successors(segment, owner_id) t
                    where way->>'by' = 'segment' and rule <> 'manual' and (way ? 'anywhere' or app.has_authority(t.staff_id))
                union all
                select s.id, null from app.staff s
                    where s.org_id = app.org() and s.id = any(app.uuids(way->'among')) and heirs_divided.segment = any(s.segments)) c) k;
    return query select u.id, u.quota from unnest(people, app.split_evenly(n, loads::bigint[])) u(id, quota);
end
$$;

-- Who gets each of some customers by a way of a transfer: {staff_id}, {shares: [{staff_id, share}]}, {by: country, map, otherwise},
-- {by: segment} (the segment's own rule; with anywhere also outside of the caller's authority) or {by: least_loaded, among}. In the order of records; null where nobody does. segments are those
-- they are to be worked in. Loads are counted whoever may see them; which customers of a group go to whom is by chance, but always the same.
create or replace function app.heirs(way jsonb, records uuid[], segments text[], owners uuid[], countries text[]) returns uuid[]
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
    g      record;
    d      record;
    groups text[] := '{}';
    people uuid[] := '{}';
    quotas bigint[] := '{}';
    given  jsonb := '{}';         -- {segment: {person: number}}
    n      int := 0;
begin
    if way ? 'staff_id' then
        return array_fill((way->>'staff_id')::uuid, array[cardinality(records)]);
    elsif way->>'by' = 'country' then
        return array(select coalesce(way->'map'->>c.land, way->>'otherwise')::uuid from unnest(countries) with ordinality c(land, n) order by c.n);
    end if;
    for g in select c.segment, case way->>'by' when 'segment' then c.owner end as owner, count(*) as n
        from unnest(segments, owners) c(segment, owner) group by 1, 2 order by 1, 2
    loop
        -- Each looks for the nearest team around somebody.
        n := n + 1;
        if n > 500 then
            perform app.refuse_member(422, 'invalid_value', '/to', 'owners', 'By the rule of the segment the customers of at most 500 people are given away at once.');
        end if;
        for d in select * from app.heirs_divided(way, g.segment, g.owner, g.n, coalesce(given->g.segment, '{}')) t where t.quota > 0 loop
            groups := groups || concat_ws(' ', g.segment, g.owner);
            people := people || d.staff_id;
            quotas := quotas || d.quota;
            given := given || jsonb_build_object(g.segment, coalesce(given->g.segment, '{}')
                || jsonb_build_object(d.staff_id, coalesce((given->g.segment->>d.staff_id::text)::bigint, 0) + d.quota));
        end loop;
    end loop;
    return array(
        select p.staff_id
        from (select c.n, concat_ws(' ', c.segment, case way->>'by' when 'segment' then c.owner end) as grp, row_number() over (
                partition by c.segment, case way->>'by' when 'segment' then c.owner end order by uuid_hash_extended(c.id, 3)) as turn
            from unnest(records, segments, owners) with ordinality c(id, segment, owner, n)) c
        left join (select q.grp, q.id as staff_id, row_number() over (partition by q.grp order by q.n, t) as turn
            from unnest(groups, people, quotas) with ordinality q(grp, id, quota, n), generate_series(1, q.quota) t) p
            on p.grp = c.grp and p.turn = c.turn
        order by c.n);
end
$$;
alter function app.heirs owner to holdfast_mover;

-- Why somebody can get no customer from the caller, or null; anywhere: also outside of his authority.
create or replace function app.heir_unfit(staff_id uuid, anywhere boolean default false) returns text
language sql stable as $$
    select case when s.id is null then 'unknown' when s.status = 'inactive' then 'inactive' when s.role = 'auditor' then 'auditor'
        when not anywhere and not app.has_authority(heir_unfit.staff_id) then 'forbidden' end
    from (values (1)) one left join app.staff s on s.org_id = app.org() and s.id = heir_unfit.staff_id
$$;

-- Those of some people who are to get customers, why they cannot, and where they work.
create or replace function app.heirs_known(heirs uuid[], anywhere boolean) returns table (id uuid, unfit text, segments text[])
language sql stable as $$
    select i.id, app.heir_unfit(i.id, anywhere), s.segments
    from (select distinct u.id from unnest(heirs) u(id) where u.id is not null offset 0) i
    left join app.staff s on s.org_id = app.org() and s.id = i.id
$$;

-- Why a customer cannot go to its heir, or null. stays: it may keep its owner, as one that only moves to another stage does.
create or replace function app.heir_verdict(heir uuid, owner_id uuid, stays boolean, unfit text, place text, segments text[]) returns text
language sql immutable as $$
    select case when heir is not distinct from owner_id then case when stays then null when heir is null then 'no_receiver' else 'unchanged' end
        when heir is null then 'no_receiver' when unfit is not null then 'owner_unfit' when place <> all(segments) then 'segment' end
$$;

-- The same of some customers, in their order.
create or replace function app.heirs_unfit(heirs uuid[], owners uuid[], places text[], stays boolean) returns text[]
language sql stable as $$
    select array(
        select app.heir_verdict(h.heir, h.owner, stays, p.unfit, h.place, p.segments)
        from unnest(heirs, owners, places) with ordinality h(heir, owner, place, n)
        left join app.heirs_known(heirs, stays) p on p.id = h.heir order by h.n)
$$;

-- Gives customers, which the caller has locked as the policies let him, to their heirs, and to another stage where one is named; out of
-- his view where that follows. Whoever they come to has had his turn. In one statement, whose triggers keep the history.
create or replace function app.transfer(records uuid[], heirs uuid[], stage text default null) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
    came jsonb;
begin
    -- Without a stage the triggers of one have nothing to look at.
    if stage is null then
        with was as (select c.id, c.owner_id from app.customer c where c.org_id = app.org() and c.id = any(records)),
        gone as (
            update app.customer c set owner_id = t.heir
            from unnest(records, heirs) t(id, heir) where c.org_id = app.org() and c.id = t.id returning c.id, c.owner_id, c.segment)
        select jsonb_agg(distinct jsonb_build_array(g.owner_id, g.segment)) into came from gone g join was w on w.id = g.id where w.owner_id is distinct from g.owner_id;
    else
        with was as (select c.id, c.owner_id from app.customer c where c.org_id = app.org() and c.id = any(records)),
        gone as (
            update app.customer c set owner_id = t.heir, stage = transfer.stage
            from unnest(records, heirs) t(id, heir) where c.org_id = app.org() and c.id = t.id returning c.id, c.owner_id, c.segment)
        select jsonb_agg(distinct jsonb_build_array(g.owner_id, g.segment)) into came from gone g join was w on w.id = g.id where w.owner_id is distinct from g.owner_id;
    end if;
    update app.staff_segment g set handed_at = app.clock()
    from (select distinct (k->>0)::uuid as id, k->>1 as segment from jsonb_array_elements(came) k order by 1, 2) k
    where g.org_id = app.org() and g.staff_id = k.id and g.segment_id = k.segment;
end
$$;
alter function app.transfer owner to holdfast_mover;
