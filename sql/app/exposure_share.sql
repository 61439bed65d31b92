-- exposure_share.sql: of which segments somebody, or all below somebody above him together, has seen how much in a week.
--
-- What is somebody's own does not count (app.expose_more). Only where a share of the base says something: with more than 1,000
-- customers; and of a segment at least 50.

create or replace function app.week_began(at timestamptz) returns timestamptz
language sql immutable parallel safe as $$ select date_bin('168 hours', at, '2000-01-03 00:00:00+00') $$;

-- Counts an answer's customers that are not the caller's own, before app.seen knows of it: new to him in this week, of which he saw
-- some in the last one too; and new to each team that he is in. Returns until when he gets masked values, null if he need not.
create or replace function app.expose_share(org int, me uuid, role text, now timestamptz, customers uuid[]) returns timestamptz
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    week    timestamptz := app.week_began(now);
    budgets jsonb := (select o.budgets from app.settings o where o.org_id = org);
    strange uuid[];
    masked  timestamptz;
    above   record;
    part    record;
begin
    strange := array(select i.id from unnest(customers) i(id), lateral (
            select t.owner_id, t.owner_since, t.created_at from app.customer t where t.org_id = org and t.id = i.id offset 0) c
        where app.belonging(role, me, c.owner_id, c.owner_since, c.created_at, now) = 'strange' order by i.id);
    for part in
        select c.segment, count(*)::int as n, count(*) filter (where s.at >= week - interval '168 hours')::int as again
        from unnest(strange) i(id)
        cross join lateral (select t.segment from app.customer t where t.org_id = org and t.id = i.id offset 0) c
        left join lateral (select t.at from app.seen t where t.org_id = org and t.staff_id = me and t.customer_id = i.id offset 0) s on true
        where s.at is null or s.at < week group by 1 order by 1
    loop
        masked := greatest(masked, app.share_counted(org, me, false, part.segment, part.n, part.again, now, app.budget_of(role, me, budgets)->'segment'->'week'));
    end loop;
    -- In one order for everybody, or two people of two teams would wait for each other.
    for above in
        select s.id, s.role from app.staff_tree t join app.staff s on s.org_id = t.org_id and s.id = t.above_id
        where t.org_id = org and t.below_id = me and t.distance > 0 and s.role = 'manager' order by s.id
    loop
        for part in
            select c.segment, count(*)::int as n, count(*) filter (where t.at >= week - interval '168 hours')::int as again
            from unnest(strange) i(id)
            cross join lateral (select k.segment from app.customer k where k.org_id = org and k.id = i.id offset 0) c
            left join lateral (select k.at from app.team_seen k where k.org_id = org and k.above_id = above.id and k.customer_id = i.id offset 0) t on true
            where t.at is null or t.at < week group by 1 order by 1
        loop
            masked := greatest(masked, app.share_counted(org, above.id, true, part.segment, part.n, part.again, now, app.budget_of(above.role, above.id, budgets)->'team'->'week'));
        end loop;
        insert into app.team_seen as t (org_id, above_id, customer_id, at) select org, above.id, i.id, now from unnest(strange) i(id)
        on conflict (org_id, above_id, customer_id) do update set at = excluded.at where t.at < week;
    end loop;
    return masked;
end
$$;
alter function app.expose_share owner to holdfast_owner;

-- Adds n to what a person, or the team of one, has seen of a segment in the week, and holds it against the limits, {soft, hard}.
-- Returns until when the caller gets masked values, null if he need not.
create or replace function app.share_counted(org int, viewer uuid, team boolean, segment text, n int, again int, now timestamptz, lim jsonb) returns timestamptz
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    week timestamptz := app.week_began(now);
    size int := (select b.customers from app.base b where b.org_id = org and b.segment = share_counted.segment);
    s    app.exposure_share;
    part float8;
    soft int := greatest(50, size * rtrim(lim->>'soft', '%')::numeric / 100);
    hard int := greatest(50, size * rtrim(lim->>'hard', '%')::numeric / 100);
    used int;
begin
    insert into app.exposure_share as x (org_id, staff_id, team, segment, began, used, before) values (org, viewer, team, segment, week, n, 0)
    on conflict on constraint exposure_share_pkey do update set began = week,
        used = case when x.began = week then x.used else 0 end + n,
        before = case when x.began = week then greatest(0, x.before - again) when x.began = week - interval '168 hours' then greatest(0, x.used - again) else 0 end
    returning * into s;
    part := greatest(0, 1 - extract(epoch from now - week) / 604800);
    used := s.used + ceil(s.before * part)::int;
    if size is null or lim is null then
        return null;
    end if;
    if used > hard and lim->>'hard' <> '100%' then
        perform app.refuse(429, 'exposure_budget_exceeded', 'So much of this segment may be seen in a week. Ask your manager for more.',
            jsonb_build_object('measure', case when team then 'team' else 'segment' end, 'window', 'week', 'segment', segment, 'limit', hard, 'used', used - n,
                'reset', app.time_json(week + interval '168 hours'), 'retry_after', ceil(extract(epoch from week + interval '168 hours' - now))::int));
    end if;
    if used > soft and lim->>'soft' <> '100%' then
        perform app.alert(case when team then 'team_share' else 'segment_share' end, case when team then 'high' else 'medium' end, app.me(), 'freeze',
            jsonb_build_object('segment', segment, 'limit', soft, 'used', used) || case when team then jsonb_build_object('above', viewer) else '{}' end);
        return week + interval '168 hours';
    end if;
    return null;
end
$$;
alter function app.share_counted owner to holdfast_owner;
