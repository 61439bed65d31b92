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
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    g      record;
    d      record;
    groups text[] := '{}';
    people uuid[] := '{}';
    quotas bigint[] := '{}';
    given  jsonb := '{}';         -- {segment: {person: number}}
begin
    if way ? 'staff_id' then
        return array_fill((way->>'staff_id')::uuid, array[cardinality(records)]);
    elsif way->>'by' = 'country' then
        return array(select coalesce(way->'map'->>c.land, way->>'otherwise')::uuid from unnest(countries) with ordinality c(land, n) order by c.n);
    end if;
    for g in select c.segment, case way->>'by' when 'segment' then c.owner end as owner, count(*) as n
        from unnest(segments, owners) c(segment, owner) group by 1, 2 order by 1, 2
    loop
        for d in select * from app.heirs_divided(way, g.segment, g.owner, g.n, coalesce(given->g.segment, '{}')) loop
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

-- Why each of some customers cannot go to its heir, or null, in their order. stays: one may keep its owner, as one that only moves to
-- another stage does; then heirs may be outside of the caller's authority too.
create or replace function app.heirs_unfit(heirs uuid[], owners uuid[], segments text[], stays boolean) returns text[]
language sql stable as $$
    select array(
        select case when h.heir is not distinct from h.owner then case when stays then null when h.heir is null then 'no_receiver' else 'unchanged' end
            when h.heir is null then 'no_receiver'
            when p.unfit is not null then 'owner_unfit'
            when h.segment <> all(p.segments) then 'segment' end
        from unnest(heirs, owners, segments) with ordinality h(heir, owner, segment, n)
        left join (select i.id, app.heir_unfit(i.id, stays) as unfit, s.segments
            from (select distinct u.id from unnest(heirs) u(id) where u.id is not null offset 0) i
            left join app.staff s on s.org_id = app.org() and s.id = i.id offset 0) p on p.id = h.heir
        order by h.n)
$$;

-- Gives customers, which the caller has locked as the policies let him, to their heirs, and to another stage where one is named; out of
-- his view where that follows. Whoever they come to has had his turn. In one statement, whose triggers keep the history.
create or replace function app.transfer(records uuid[], heirs uuid[], stage text default null) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    came jsonb;
begin
    came := (select jsonb_agg(distinct jsonb_build_array(t.heir, coalesce(s.segment_id, c.segment)))
        from unnest(records, heirs) t(id, heir)
        join app.customer c on c.org_id = app.org() and c.id = t.id and c.owner_id is distinct from t.heir
        left join app.stage s on s.org_id = c.org_id and s.id = transfer.stage);
    -- Without a stage its triggers have nothing to look at.
    if stage is null then
        update app.customer c set owner_id = t.heir
        from unnest(records, heirs) t(id, heir) where c.org_id = app.org() and c.id = t.id;
    else
        update app.customer c set owner_id = t.heir, stage = transfer.stage
        from unnest(records, heirs) t(id, heir) where c.org_id = app.org() and c.id = t.id;
    end if;
    update app.staff_segment g set handed_at = app.clock()
    from (select distinct (k->>0)::uuid as id, k->>1 as segment from jsonb_array_elements(came) k order by 1, 2) k
    where g.org_id = app.org() and g.staff_id = k.id and g.segment_id = k.segment;
end
$$;
alter function app.transfer owner to holdfast_mover;
