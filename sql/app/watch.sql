-- watch.sql: rules that only tell: what a person does today that he, and others like him, do not do.
--
-- They are asked by the job process of the program alerts (api.alerts_step), an org a time, about whoever was counted today.

-- How far a number lies from the middle of others, in robust standard deviations; never less than one apart, or a first one after
-- many zeros would be infinitely odd. Null where fewer than ten are known.
create or replace function app.robust_z(n numeric, others numeric[]) returns numeric
language sql immutable as $$
    select case when cardinality(others) >= 10 then (n - m.middle) / greatest(1, 1.4826 * (
        select percentile_cont(0.5) within group (order by abs(o - m.middle)) from unnest(others) o)::numeric) end
    from (select (percentile_cont(0.5) within group (order by o))::numeric as middle from unnest(others) o) m
$$;

-- Raises an alert unless it stands for today already, as grave or graver: the rules are asked again and again.
create or replace function app.alert_once(rule text, severity text, staff_id uuid, answer text, evidence jsonb) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    if not exists (select from app.alert a where a.org_id = app.org() and a.staff_id = alert_once.staff_id and a.rule = alert_once.rule
            and a.day = (app.now() at time zone 'UTC')::date and app.gravity(a.severity) >= app.gravity(alert_once.severity)) then
        perform app.alert(rule, severity, staff_id, answer, evidence);
    end if;
end
$$;
alter function app.alert_once owner to holdfast_owner;

-- The hours (UTC) in which somebody works, of what he changed and was shown in the 90 days before today: between these lie nine tenths.
-- Worked out once a day.
create or replace function app.habit_of(staff_id uuid) returns app.habit
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    today date := (app.now() at time zone 'UTC')::date;
    low   uuid := app.uuid7_floor((today - 90)::timestamp at time zone 'UTC');
    high  uuid := app.uuid7_floor(today::timestamp at time zone 'UTC');
    h     app.habit;
begin
    select * into h from app.habit t where t.org_id = app.org() and t.staff_id = habit_of.staff_id;
    if h.day = today then
        return h;
    end if;
    insert into app.habit as t (org_id, staff_id, day, days, earliest, latest)
    select app.org(), habit_of.staff_id, today, count(distinct w.at::date), percentile_disc(0.05) within group (order by extract(hour from w.at)::int),
        percentile_disc(0.95) within group (order by extract(hour from w.at)::int)
    from (select o.at at time zone 'UTC' from app.operation o where o.org_id = app.org() and o.actor_id = habit_of.staff_id and o.id >= low and o.id < high
        union all
        select d.at at time zone 'UTC' from app.disclosure d where d.org_id = app.org() and d.staff_id = habit_of.staff_id and d.id >= low and d.id < high) w(at)
    on conflict on constraint habit_pkey do update set day = excluded.day, days = excluded.days, earliest = excluded.earliest, latest = excluded.latest
    returning * into h;
    return h;
end
$$;
alter function app.habit_of owner to holdfast_owner;

-- Whether somebody changed or was shown anything today two hours and more outside of his own. Two stretches of ids, which an index has.
create or replace function app.off_hours(staff_id uuid) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    h     app.habit := app.habit_of(staff_id);
    today timestamptz := h.day::timestamp at time zone 'UTC';
    odd   boolean := false;
    w     record;
begin
    if h.days < 10 then
        return false;
    end if;
    for w in select app.uuid7_floor(today) as low, app.uuid7_floor(today + make_interval(hours => h.earliest - 2)) as high
        union all select app.uuid7_floor(today + make_interval(hours => h.latest + 3)), app.uuid7_floor(today + interval '24 hours')
    loop
        odd := odd or exists (select from app.operation o where o.org_id = app.org() and o.actor_id = off_hours.staff_id and o.id >= w.low and o.id < w.high)
            or exists (select from app.disclosure d where d.org_id = app.org() and d.staff_id = off_hours.staff_id and d.at >= today and d.id >= w.low and d.id < w.high);
    end loop;
    return odd;
end
$$;
alter function app.off_hours owner to holdfast_owner;

-- Customers that somebody gave to others today, or back, but for what a job that stopped took back itself: the most in one operation, all, and the window to take that back.
create or replace function app.watch_transfers(staff_id uuid, since timestamptz) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    n record;
begin
    select max(o.n) as most, sum(o.n) as all_, min(o.first) as first, max(o.last) as last,
        (array_agg(to_jsonb(o.operation_id) order by o.n desc))[1:100] as operations
    into n from (select h.operation_id, count(distinct h.record_id) as n, min(h.at) as first, max(h.at) as last from app.history h
        where h.org_id = app.org() and h.actor_id = watch_transfers.staff_id and h.field = 'owner_id' and h.entity = 'customers'
          and h.id >= app.uuid7_floor(since)
          and not (h.via = 'restore' and exists (select from app.operation o where o.org_id = h.org_id and o.id = h.operation_id and o.action = 'bulk.cancel')) group by 1) o;
    if n.most > 50 or n.all_ > 200 then
        perform app.alert_once('transfers', 'high', staff_id, 'restore', jsonb_build_object('from', app.time_json(n.first),
            'to', app.time_json(n.last + interval '1 microsecond'), 'operations', n.operations, 'customers', n.all_));
    end if;
end
$$;
alter function app.watch_transfers owner to holdfast_owner;

-- Asks all of them about one person, of what he asked to see for a reason, and opened, today.
create or replace function app.watch_person(org int, me uuid, role text, today timestamptz, reveals int, opened int) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    z       numeric;
    off     boolean := app.off_hours(me);
    odd     text;
    reads   boolean;
    steps   text[] := '{info,low,medium,high,critical}';
    since   date := (today at time zone 'UTC')::date - 90;
begin
    perform app.watch_transfers(me, today);
    -- Odd is what neither he nor others of his role do.
    if reveals > 30 then
        z := least(
            app.robust_z(reveals, array(select d.used[3] from app.exposure_day d where d.org_id = org and d.staff_id = me and d.day >= since)),
            app.robust_z(reveals, array(select d.used[3] from app.exposure_day d join app.staff s on s.org_id = d.org_id and s.id = d.staff_id
                where d.org_id = org and d.staff_id <> me and s.role = watch_person.role and d.day >= since)));
        odd := case when z > 6 then 'high' when z > 3 then 'medium' end;
    end if;
    reads := opened > 60 and opened > 0.9 * (opened + (select count(*) from (select from app.operation o
        where o.org_id = org and o.actor_id = me and o.id >= app.uuid7_floor(today) limit opened) o));
    if odd is not null then
        perform app.alert_once('unusual_reveals', steps[app.gravity(odd) + off::int], me, 'freeze', jsonb_build_object('reveals', reveals, 'z', round(z, 1), 'off_hours', off));
    end if;
    if reads then
        perform app.alert_once('read_only', steps[3 + off::int], me, 'freeze', jsonb_build_object('opened', opened, 'off_hours', off));
    end if;
    if off then
        perform app.alert_once('off_hours', case when reads or reveals > 20 then 'medium' else 'low' end, me, 'none', jsonb_build_object('opened', opened, 'reveals', reveals));
    end if;
end
$$;
alter function app.watch_person owner to holdfast_owner;

-- Asks about the people of the org whose turn it is: one that was not asked about for a minute, however many
-- machines ask. Returns whether there was one.
create or replace function app.watch() returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    now   timestamptz := app.now();
    today timestamptz := app.window_began(2, now);
    org   int;
begin
    update app.org o set watched_at = now where o.org_id = (select t.org_id from app.org t
        where t.watched_at <= now - interval '1 minute' or t.watched_at > now
        order by random() limit 1 for no key update skip locked)      -- one that fails is not the first again and again
    returning o.org_id into org;
    if org is null then
        return false;
    end if;
    perform set_config('app.org', org::text, true);
    -- Whoever was shown or changed anything today; numbers of an earlier day are none of today's.
    perform app.watch_person(org, s.id, s.role, today, case when e.began[2] = today then e.used[2][3] else 0 end,
        case when e.began[2] = today then e.used[2][5] + coalesce(p.opened - e.plain[3], 0) else 0 end)
    from app.staff s left join app.exposure e on e.org_id = s.org_id and e.staff_id = s.id
    left join app.plain_sight p on p.org_id = s.org_id and p.staff_id = s.id
    where s.org_id = org and (e.began[2] = today or exists (select from app.operation o where o.org_id = org and o.actor_id = s.id and o.id >= app.uuid7_floor(today)))
    order by s.id;
    return true;
end
$$;
alter function app.watch owner to holdfast_owner;
