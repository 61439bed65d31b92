-- exposure.sql: what each person has seen is counted before a byte of it leaves, and refused when it is too much.
--
-- Counted are distinct customers: a customer counts once in a window, whatever showed him. A window's number is that of the window
-- in hand and, in proportion to what of it still lies within the window's length, those of the one before that were not seen again:
-- so nobody gets twice as much around the turn of an hour or a day. One row of app.exposure holds a person's numbers, one of
-- app.plain_sight those of a kind that needs no judgement (plain_sight.sql), and whoever counts locks them: of requests at once none sees
-- more than the limit.

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

-- A person's numbers, locked, with what was counted in plain sight. Nothing more is counted there until app.plain_room allows it again,
-- since what the caller counts uses up that room. That row is locked first by everybody, lest the two locks meet crosswise. The limits
-- are worked out again when the settings, his role, a grant or the size of the base have changed.
create or replace function app.exposure_locked(org int, me uuid, role text, now timestamptz) returns app.exposure
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    e   app.exposure;
    p   app.plain_sight;
    key text;
begin
    loop
        update app.plain_sight x set most = x.sights where x.org_id = org and x.staff_id = me returning * into p;
        exit when found;
        insert into app.plain_sight (org_id, staff_id) values (org, me) on conflict do nothing;
    end loop;
    select * into e from app.exposure x where x.org_id = org and x.staff_id = me for no key update;
    if not found then
        insert into app.exposure (org_id, staff_id, plain, began, used, before)
        values (org, me, array[p.customers, p.contacts, p.opened], array[app.window_began(1, now), app.window_began(2, now), app.window_began(3, now)],
            array_fill(0, array[3, 5]), array_fill(0, array[3, 5])) on conflict do nothing;
        select * into strict e from app.exposure x where x.org_id = org and x.staff_id = me for no key update;
    end if;
    e := app.exposure_with(e, p);
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

-- Writes them back.
create or replace function app.exposure_kept(e app.exposure) returns void
language plpgsql volatile as $$
begin
    update app.exposure x set began = e.began, used = e.used, before = e.before, own = e.own, book = e.book, plain = e.plain, limits = e.limits,
        limits_of = e.limits_of, remaining = e.remaining, masked_until = e.masked_until, blocked_until = e.blocked_until, blocked_why = e.blocked_why
    where x.org_id = e.org_id and x.staff_id = e.staff_id;
end
$$;

-- Counts what the answer in hand shows the caller: opened, as records of their own; contact, with contact values that are not masked;
-- reveal, because he asked for these for a reason. 429 exposure_budget_exceeded beyond a hard limit, which takes the whole request
-- back. What was counted within the hour already costs a look and no write, a first sight of his own two small ones (plain_sight.sql);
-- what he still may see is then said as it was reckoned last. From one path to the other the numbers are the same.
-- Returns whether the org has decoys, which the same look answers. The settings hold for all that it calls: with one plan for any number
-- of customers there is none to be made for each request, which costs more than the look.
create or replace function app.expose(customers uuid[], opened boolean, contact boolean, reveal boolean) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp
    set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
    org   int := app.org();
    me    uuid := app.me();
    now   timestamptz := app.now();
    hour  timestamptz := app.window_began(1, now);
    known int;
    decoy boolean;
begin
    if cardinality(customers) = 1 and not reveal then
        -- Most answers show one, which is cheaper to look for than any number: 1 seen so within the hour, 2 within the hour but never so,
        -- 0 longer ago, or so longer ago, null never.
        select (select coalesce((s.at >= hour and (not opened or s.opened_at >= hour) and (not contact or s.contact_at >= hour))::int, 2)
                from app.seen s where s.org_id = org and s.staff_id = me and s.customer_id = expose.customers[1]),
            exists (select from app.decoy d where d.org_id = org) into known, decoy;
        if known is null then
            update app.plain_sight p set sights = p.sights + 1, customers = p.customers + 1, contacts = p.contacts + contact::int, opened = p.opened + expose.opened::int
            where p.org_id = org and p.staff_id = me and p.until > now and p.sights < p.most and p.settings = app.settings_version()
              and (select app.belonging(app.role(), me, c.owner_id, c.owner_since, c.created_at, now) = 'own'
                from app.customer c where c.org_id = org and c.id = expose.customers[1]);
            if found then
                insert into app.seen (org_id, staff_id, customer_id, first_at, at, opened_at, contact_at)
                values (org, me, expose.customers[1], now, now, case when expose.opened then now end, case when contact then now end) on conflict do nothing;
                if found then
                    return decoy;
                end if;
                -- Another request has shown him the same meanwhile, and counted it.
                update app.plain_sight p set sights = p.sights - 1, customers = p.customers - 1, contacts = p.contacts - contact::int, opened = p.opened - expose.opened::int
                where p.org_id = org and p.staff_id = me;
            end if;
        elsif known = 2 and app.plain_more(org, me, now, customers[1], opened, contact) then
            return decoy;
        end if;
    else
        -- One look by the whole key for each, whatever the planner believes of a table that has just been filled.
        select count(*), exists (select from app.decoy d where d.org_id = org) into known, decoy from unnest(customers) i(id), lateral (
            select s.at, s.opened_at, s.contact_at from app.seen s where s.org_id = org and s.staff_id = me and s.customer_id = i.id offset 0) s
        where s.at >= hour and (not opened or s.opened_at >= hour) and (not contact or s.contact_at >= hour);
    end if;
    if known <> cardinality(customers) or known is null or reveal then
        perform app.expose_more(org, me, app.role(), now, customers, opened, contact, reveal);
    end if;
    return decoy;
end
$$;
alter function app.expose owner to holdfast_owner;

-- In which windows something is new that was last seen then, and in which ones it was seen in the window before: three digits for
-- each, the hour's first. Windows lie within one another, so what is new to the month is to the day and the hour.
create or replace function app.windows_new(at timestamptz, began timestamptz[]) returns bigint
language sql immutable parallel safe as $$
    select case when at >= began[1] then 0 when at >= began[2] then 1 when at >= began[3] then 1001 else 1001001 end::bigint
$$;
-- (Stable, as what they compute with is: called immutable they would not be inlined, and cost 40 us each instead of 1.)
create or replace function app.windows_again(at timestamptz, began timestamptz[]) returns bigint
language sql stable parallel safe as $$
    select case when at < began[1] and at >= began[1] - interval '1 hour' then 1 else 0 end::bigint
        + case when at < began[2] and at >= began[2] - interval '24 hours' then 1000 else 0 end
        + case when at < began[3] and at >= began[3] - interval '720 hours' then 1000000 else 0 end
$$;

-- What a customer is to somebody who sees it: made by him today, which shows him nothing; his own, of a rep, unless it came to him
-- within the last day; or strange.
create or replace function app.belonging(role text, me uuid, owner uuid, since timestamptz, created timestamptz, now timestamptz) returns text
language sql stable parallel safe as $$
    select case when owner is distinct from me then 'strange' when since is null and created >= app.window_began(2, now) then 'made'
        when role = 'rep' and (since is null or since < now - interval '24 hours') then 'own' else 'strange' end
$$;

-- The rest of app.expose, where something is new within the hour. What is a rep's own counts among the customers only beyond 1.2
-- times his book a day.
create or replace function app.expose_more(org int, me uuid, role text, now timestamptz, customers uuid[], opened boolean, contact boolean,
    reveal boolean) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    e      app.exposure := app.exposure_locked(org, me, role, now);
    one    record;
    kind   text;
    new_   bigint[] := '{0,0,0,0,0,0}';     -- own, customers, again, contacts, again, opened
    strange boolean := false;
    own    int;
    free   int;
    unit   bigint;
begin
    if cardinality(customers) = 1 then
        -- The same of one, which most answers show: 50 us, of which the sums alone would be 200.
        select t.owner_id, t.owner_since, t.created_at, s.at, s.opened_at, s.contact_at into one
        from app.customer t left join app.seen s on s.org_id = org and s.staff_id = me and s.customer_id = t.id
        where t.org_id = org and t.id = customers[1];
        kind := case when found then app.belonging(role, me, one.owner_id, one.owner_since, one.created_at, now) else 'made' end;
        if kind = 'own' then
            new_[1] := (one.at is null or one.at < e.began[2])::int;
        elsif kind = 'strange' then
            strange := true;
            new_[2] := app.windows_new(one.at, e.began);
            new_[3] := app.windows_again(one.at, e.began);
        end if;
        if kind <> 'made' and contact then
            new_[4] := app.windows_new(one.contact_at, e.began);
            new_[5] := app.windows_again(one.contact_at, e.began);
        end if;
        if kind <> 'made' and opened then
            new_[6] := app.windows_new(one.opened_at, e.began);
        end if;
    else
        -- One sum for each measure, of which every three digits count for a window: six aggregates instead of twenty, 80 us against 250.
        select array[count(*) filter (where k.own and (k.at is null or k.at < e.began[2])),
            coalesce(sum(app.windows_new(k.at, e.began)) filter (where not k.own), 0), coalesce(sum(app.windows_again(k.at, e.began)) filter (where not k.own), 0),
            coalesce(sum(app.windows_new(k.contact_at, e.began)) filter (where contact), 0), coalesce(sum(app.windows_again(k.contact_at, e.began)) filter (where contact), 0),
            coalesce(sum(app.windows_new(k.opened_at, e.began)) filter (where opened), 0)], coalesce(bool_or(not k.own), false)
        into new_, strange
        from (select app.belonging(role, me, c.owner_id, c.owner_since, c.created_at, now) = 'own' as own, s.at, s.opened_at, s.contact_at
            from unnest(customers) i(id)
            cross join lateral (select t.owner_id, t.owner_since, t.created_at from app.customer t where t.org_id = org and t.id = i.id offset 0) c
            left join lateral (select t.at, t.opened_at, t.contact_at from app.seen t where t.org_id = org and t.staff_id = me and t.customer_id = i.id offset 0) s on true
            where app.belonging(role, me, c.owner_id, c.owner_since, c.created_at, now) <> 'made') k;
    end if;

    own := 0;
    if new_[1] > 0 then
        e.book := coalesce(e.book, app.book_size(org, me));
        free := e.book * 6 / 5;
        if e.own + new_[1] > free then
            e.book := app.book_size(org, me);       -- it may have grown
            free := e.book * 6 / 5;
        end if;
        own := greatest(0, e.own + new_[1] - free) - greatest(0, e.own - free);
        e.own := e.own + new_[1];
    end if;
    for w in 1..3 loop
        unit := (array[1, 1000, 1000000])[w];
        e.used[w][1] := e.used[w][1] + new_[2] / unit % 1000 + own;
        e.before[w][1] := greatest(0, e.before[w][1] - new_[3] / unit % 1000);
        e.used[w][2] := e.used[w][2] + new_[4] / unit % 1000;
        e.before[w][2] := greatest(0, e.before[w][2] - new_[5] / unit % 1000);
        e.used[w][3] := e.used[w][3] + reveal::int;
        e.used[w][5] := e.used[w][5] + new_[6] / unit % 1000;
    end loop;
    e := app.exposure_judged(e, now, array[new_[2] > 0 or own > 0, new_[4] > 0, reveal]);
    if strange and (select sum(b.customers) from app.base b where b.org_id = org) > 1000 then
        e.masked_until := greatest(e.masked_until, app.expose_share(org, me, role, now, customers));
    end if;

    insert into app.seen as s (org_id, staff_id, customer_id, first_at, at, opened_at, contact_at)
    select org, me, i.id, now, now, case when opened then now end, case when contact then now end from unnest(customers) i(id) order by i.id
    on conflict (org_id, staff_id, customer_id) do update set at = greatest(s.at, excluded.at),
        opened_at = coalesce(excluded.opened_at, s.opened_at), contact_at = coalesce(excluded.contact_at, s.contact_at);
    perform app.exposure_kept(e), set_config('app.remaining', coalesce(e.remaining::text, ''), true);
    if kind = 'own' and e.book is not null then
        perform app.plain_room(e, now);
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
