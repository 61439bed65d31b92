-- exposure.sql: what each person has seen is counted before a byte of it leaves, and refused when it is too much.
--
-- Counted are distinct customers: a customer counts once in a window, whatever showed him. A window's number is that of the window
-- in hand and, in proportion to what of it still lies within the window's length, those of the one before that were not seen again:
-- so nobody gets twice as much around the turn of an hour or a day. One row of app.exposure holds a person's numbers, and is locked by
-- whoever counts: of requests at once none sees more than the limit.

-- What is in a window now: used of the one in hand, before of the one before it.
create or replace function app.window_used(n int, began timestamptz, used int, before int, now timestamptz) returns int
language sql immutable parallel safe as $$
    select used + ceil(before * greatest(0, 1 - extract(epoch from now - began) / extract(epoch from app.window_length(n))))::int
$$;

-- When so much of what was used is over that one more is free below a limit: in the window in hand, or in the next one.
create or replace function app.window_reset(n int, began timestamptz, used int, before int, lim int) returns timestamptz
language sql immutable parallel safe as $$
    select case
        when lim <= 0 then began + 2 * app.window_length(n)
        when used < lim and before > 0 then began + app.window_length(n) * least(1, greatest(0, 1 - (lim - 1 - used)::numeric / before))::float8
        when used < lim then began
        else began + app.window_length(n) + app.window_length(n) * least(1, greatest(0, 1 - (lim - 1)::numeric / used))::float8 end
$$;

-- The numbers of a person brought to this moment: windows that are over make room. Asked for under the lock of the row.
create or replace function app.exposure_turned(e app.exposure, now timestamptz) returns app.exposure
language plpgsql volatile as $$
declare
    start timestamptz;
begin
    for w in 1..3 loop
        start := app.window_began(w, now);
        if e.began[w] < start then
            if w = 2 then
                -- The day is kept, for comparison with later ones, and his own customers are free again.
                insert into app.exposure_day values (e.org_id, e.staff_id, (e.began[2] at time zone 'UTC')::date,
                    array(select e.used[2][m] from generate_subscripts(app.measures(), 1) m order by m)) on conflict do nothing;
                e.own := 0;
                e.book := null;
            end if;
            for m in 1..5 loop
                e.before[w][m] := case when e.began[w] + app.window_length(w) = start then e.used[w][m] else 0 end;
                e.used[w][m] := 0;
            end loop;
            e.began[w] := start;
        end if;
    end loop;
    return e;
end
$$;

-- What a person's limits follow from: his role, the settings and the grants that are not over.
create or replace function app.exposure_key(org int, me uuid, role text, now timestamptz) returns text
language plpgsql stable as $$
begin
    return concat_ws(' ', role, (select o.version from app.settings o where o.org_id = org), (select concat_ws(' ', count(*), max(g.at))
        from app.exposure_grant g where g.org_id = org and g.staff_id = me and g.until > now));
end
$$;

-- A person's numbers, locked. The limits in them are worked out again when the settings, his role, a grant or the size of the base
-- have changed.
create or replace function app.exposure_locked(org int, me uuid, role text, now timestamptz) returns app.exposure
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    e   app.exposure;
    key text;
begin
    select * into e from app.exposure x where x.org_id = org and x.staff_id = me for no key update;
    if not found then
        insert into app.exposure (org_id, staff_id, began, used, before)
        values (org, me, array[app.window_began(1, now), app.window_began(2, now), app.window_began(3, now)],
            array_fill(0, array[3, 5]), array_fill(0, array[3, 5])) on conflict do nothing;
        select * into strict e from app.exposure x where x.org_id = org and x.staff_id = me for no key update;
    end if;
    if e.began[1] + interval '1 hour' <= now then
        e := app.exposure_turned(e, now);
        e.limits_of := null;
    end if;
    key := app.exposure_key(org, me, role, now);
    if e.limits_of is distinct from key then
        e.limits := app.exposure_limits(org, me, role, now);
        e.limits_of := key;
    end if;
    return e;
end
$$;
alter function app.exposure_locked owner to holdfast_owner;

-- The limits of a person as numbers: [window][measure][soft, hard], null where there is none. A grant lies on top of them.
create or replace function app.exposure_limits(org int, me uuid, role text, now timestamptz) returns int[]
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    b    jsonb := app.budget_of(role, me, (select o.budgets from app.settings o where o.org_id = org));
    base int := (select coalesce(sum(s.customers), 0) from app.base s where s.org_id = org);
begin
    return (select array_agg(w.measures order by w.n)
        from (select w.n, array_agg(array[app.budget_number(b->m.name->w.name->>'soft', base) + g.more, app.budget_number(b->m.name->w.name->>'hard', base) + g.more]
                order by m.n) as measures
            from unnest(app.windows()) with ordinality w(name, n)
            cross join unnest(app.measures()) with ordinality m(name, n)
            cross join lateral (select coalesce(sum(x.amount), 0)::int as more from app.exposure_grant x
                where x.org_id = org and x.staff_id = me and x.measure = m.name and x.until > now) g
            group by w.n) w);
end
$$;
alter function app.exposure_limits owner to holdfast_owner;

-- Counts what the answer in hand shows the caller: opened, as records of their own; contact, with contact values that are not masked;
-- reveal, because he asked for these for a reason. 429 exposure_budget_exceeded beyond a hard limit, which takes the whole request
-- back. What was counted within the hour already costs a look and no write.
create or replace function app.expose(customers uuid[], opened boolean, contact boolean, reveal boolean) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    org   int := app.org();
    me    uuid := app.me();
    now   timestamptz := app.now();
    hour  timestamptz := app.window_began(1, now);
    known int;
begin
    select count(*) into known from app.seen s
    where s.org_id = org and s.staff_id = me and s.customer_id = any(customers) and s.at >= hour
      and (not opened or s.opened_at >= hour) and (not contact or s.contact_at >= hour);
    if known < cardinality(customers) or reveal then
        perform app.expose_more(org, me, app.role(), now, customers, opened, contact, reveal);
    end if;
end
$$;
alter function app.expose owner to holdfast_owner;

-- The rest of app.expose, where something is new within the hour. What is a rep's own counts among the customers only beyond 1.2
-- times his book a day; what came to him within the last day is not his own yet. What he made himself today shows him nothing.
create or replace function app.expose_more(org int, me uuid, role text, now timestamptz, customers uuid[], opened boolean, contact boolean,
    reveal boolean) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    e      app.exposure := app.exposure_locked(org, me, role, now);
    new_   record;
    own    int;
    free   int;
    week   timestamptz := app.week_began(now);
begin
    select coalesce(array_agg(k.id) filter (where c.counts), '{}') as strange,
        coalesce(array_agg(k.id) filter (where c.counts and (k.at is null or k.at < week)), '{}') as strange_week,
        coalesce(array_agg(k.id) filter (where c.counts and k.at < week and k.at >= week - interval '168 hours'), '{}') as strange_again,
        count(*) filter (where k.own and not k.made and (k.at is null or k.at < e.began[2])) as own,
        array[count(*) filter (where c.counts and (k.at is null or k.at < e.began[1])),
            count(*) filter (where c.counts and (k.at is null or k.at < e.began[2])),
            count(*) filter (where c.counts and (k.at is null or k.at < e.began[3]))]::int[] as customers,
        array[count(*) filter (where c.counts and k.at >= e.began[1] - interval '1 hour' and k.at < e.began[1]),
            count(*) filter (where c.counts and k.at >= e.began[2] - interval '24 hours' and k.at < e.began[2]),
            count(*) filter (where c.counts and k.at >= e.began[3] - interval '720 hours' and k.at < e.began[3])]::int[] as again,
        array[count(*) filter (where contact and not k.made and (k.contact_at is null or k.contact_at < e.began[1])),
            count(*) filter (where contact and not k.made and (k.contact_at is null or k.contact_at < e.began[2])),
            count(*) filter (where contact and not k.made and (k.contact_at is null or k.contact_at < e.began[3]))]::int[] as contacts,
        array[count(*) filter (where contact and not k.made and k.contact_at >= e.began[1] - interval '1 hour' and k.contact_at < e.began[1]),
            count(*) filter (where contact and not k.made and k.contact_at >= e.began[2] - interval '24 hours' and k.contact_at < e.began[2]),
            count(*) filter (where contact and not k.made and k.contact_at >= e.began[3] - interval '720 hours' and k.contact_at < e.began[3])]::int[] as contacts_again,
        array[count(*) filter (where opened and not k.made and (k.opened_at is null or k.opened_at < e.began[1])),
            count(*) filter (where opened and not k.made and (k.opened_at is null or k.opened_at < e.began[2])),
            count(*) filter (where opened and not k.made and (k.opened_at is null or k.opened_at < e.began[3]))]::int[] as opened
    into new_
    from (select i.id, role = 'rep' and c.owner_id = me and (c.owner_since is null or c.owner_since < now - interval '24 hours') as own,
            c.owner_id = me and c.owner_since is null and c.created_at >= e.began[2] as made, s.at, s.opened_at, s.contact_at
        from unnest(customers) i(id)
        join app.customer c on c.org_id = org and c.id = i.id
        left join app.seen s on s.org_id = org and s.staff_id = me and s.customer_id = i.id) k
    cross join lateral (select not k.own and not k.made as counts) c;

    own := 0;
    if new_.own > 0 then
        e.book := coalesce(e.book, app.book_size(org, me));
        free := e.book * 6 / 5;
        if e.own + new_.own > free then
            e.book := app.book_size(org, me);       -- it may have grown
            free := e.book * 6 / 5;
        end if;
        own := greatest(0, e.own + new_.own - free) - greatest(0, e.own - free);
        e.own := e.own + new_.own;
    end if;
    for w in 1..3 loop
        e.used[w][1] := e.used[w][1] + new_.customers[w] + own;
        e.before[w][1] := greatest(0, e.before[w][1] - new_.again[w]);
        e.used[w][2] := e.used[w][2] + new_.contacts[w];
        e.before[w][2] := greatest(0, e.before[w][2] - new_.contacts_again[w]);
        e.used[w][3] := e.used[w][3] + reveal::int;
        e.used[w][5] := e.used[w][5] + new_.opened[w];
    end loop;
    e := app.exposure_judged(e, now, array[new_.customers[1] + own > 0 or new_.customers[3] > 0, new_.contacts[1] > 0, reveal]);

    insert into app.seen as s (org_id, staff_id, customer_id, first_at, at, opened_at, contact_at)
    select org, me, i.id, now, now, case when opened then now end, case when contact then now end from unnest(customers) i(id) order by i.id
    on conflict (org_id, staff_id, customer_id) do update set at = greatest(s.at, excluded.at),
        opened_at = coalesce(excluded.opened_at, s.opened_at), contact_at = coalesce(excluded.contact_at, s.contact_at);
    update app.exposure x set began = e.began, used = e.used, before = e.before, own = e.own, book = e.book, limits = e.limits,
        limits_of = e.limits_of, remaining = e.remaining, masked_until = e.masked_until
    where x.org_id = org and x.staff_id = me;
    perform set_config('app.remaining', coalesce(e.remaining::text, ''), true);
    if cardinality(new_.strange) > 0 and (select sum(b.customers) from app.base b where b.org_id = org) > 1000 then
        perform app.expose_share(org, me, role, now, new_.strange, new_.strange_week, new_.strange_again);
    end if;
end
$$;
alter function app.expose_more owner to holdfast_owner;

-- How many customers a person owns.
create or replace function app.book_size(org int, me uuid) returns int
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return (select count(*) from app.customer c where c.org_id = org and c.owner_id = me and c.archived_at is null);
end
$$;
alter function app.book_size owner to holdfast_owner;

-- Holds the numbers against the limits: refuses beyond a hard one, masks beyond a soft one. asked says which measures grew; who
-- looks again at what he has seen is not refused for it.
create or replace function app.exposure_judged(e app.exposure, now timestamptz, asked boolean[]) returns app.exposure
language plpgsql volatile as $$
declare
    n    int;
    soft int;
    hard int;
    till timestamptz;
begin
    e.remaining := null;
    for w in 1..3 loop
        for m in 1..3 loop
            n := app.window_used(w, e.began[w], e.used[w][m], e.before[w][m], now);
            soft := e.limits[w][m][1];
            hard := e.limits[w][m][2];
            if n > hard and asked[m] then
                perform app.exposure_refused(e, w, m, hard, now);
            end if;
            if m = 1 and hard is not null then
                e.remaining := least(e.remaining, greatest(0, hard - n));
            end if;
            if n > soft and asked[m] then
                till := app.window_reset(w, e.began[w], e.used[w][m], e.before[w][m], soft);
                if e.masked_until is null or e.masked_until <= now then
                    perform app.alert('exposure_soft', 'medium', e.staff_id, 'freeze', jsonb_build_object('measure', (app.measures())[m],
                        'window', (app.windows())[w], 'limit', soft, 'used', n));
                end if;
                e.masked_until := greatest(e.masked_until, till);
            end if;
        end loop;
    end loop;
    return e;
end
$$;

-- 429: the limit, what was used of it before this request, and when there is room again.
create or replace function app.exposure_refused(e app.exposure, w int, m int, hard int, now timestamptz) returns void
language plpgsql volatile as $$
declare
    kept app.exposure;
    till timestamptz;
begin
    select * into kept from app.exposure x where x.org_id = e.org_id and x.staff_id = e.staff_id;
    kept := app.exposure_turned(kept, now);
    till := greatest(now + interval '1 second', app.window_reset(w, kept.began[w], kept.used[w][m], kept.before[w][m], hard));
    perform app.refuse(429, 'exposure_budget_exceeded', 'You have seen as much of the customer base as you may for now. Ask your manager for more.',
        jsonb_build_object('measure', (app.measures())[m], 'window', (app.windows())[w], 'limit', hard,
            'used', app.window_used(w, kept.began[w], kept.used[w][m], kept.before[w][m], now), 'reset', app.time_json(till),
            'retry_after', ceil(extract(epoch from till - now))::int));
end
$$;

