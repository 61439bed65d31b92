-- exposure_read.sql: what of a person's numbers holds now, and how somebody above him eases or stops him.

-- A person's numbers in the windows in hand, as app.exposure_turned would bring them there, without writing; reset: when there is room
-- below the hard limit again, null while there is.
create or replace function app.exposure_now(org int, who uuid, role text, now timestamptz)
returns table (n int, m int, used int, soft int, hard int, reset timestamptz)
language plpgsql stable as $$
declare
    e   app.exposure := app.exposure_of(org, who);
    lim int[] := app.exposure_limits(org, who, role, now);
begin
    return query
        select w, c, u.n, lim[w][c][1], lim[w][c][2],
            case when u.n >= lim[w][c][2] then app.window_reset(w, s.began, k.used, k.before, lim[w][c][2]) end
        from generate_series(1, 3) w
        cross join generate_series(1, 4) c
        cross join lateral (select app.window_began(w, now) as began) s
        cross join lateral (select case when e.began[w] = s.began then e.used[w][c] else 0 end as used,
            case when e.began[w] = s.began then e.before[w][c] when e.began[w] + app.window_length(w) = s.began then e.used[w][c] else 0 end as before) k
        cross join lateral (select app.window_used(w, s.began, k.used, k.before, now) as n) u
        order by c, w;
end
$$;

-- How much a person has seen of the base within a day, how many customers more he can see, and what holds him back: from his row alone,
-- unless his limits have changed since he was counted last.
create or replace function app.exposure_brief(org int, who uuid, role text, now timestamptz) returns jsonb
language plpgsql stable as $$
declare
    e     app.exposure;
    began timestamptz;
    n     int;
    day   int := 0;
    rest  int;
begin
    select * into e from app.exposure x where x.org_id = org and x.staff_id = who;
    if e.limits_of is distinct from app.exposure_key(org, who, role, now) or e.began[1] + interval '1 hour' <= now then
        e.limits := app.exposure_limits(org, who, role, now);
    end if;
    for w in 1..3 loop
        began := app.window_began(w, now);
        n := case when e.began[w] = began then app.window_used(w, began, e.used[w][1], e.before[w][1], now)
            when e.began[w] + app.window_length(w) = began then app.window_used(w, began, 0, e.used[w][1], now) else 0 end;
        day := case w when 2 then n else day end;
        rest := least(rest, greatest(0, e.limits[w][1][2] - n));
    end loop;
    return jsonb_build_object('customers_24h', day, 'remaining', rest,
        'masked_until', case when e.masked_until > now then app.time_json(e.masked_until) end,
        'blocked_until', case when e.blocked_until > now then app.time_json(e.blocked_until) end, 'frozen', coalesce(e.blocked_until = 'infinity', false));
end
$$;

-- After a grant: the new limits hold from now on, and nothing is masked until the next soft limit.
create or replace function app.exposure_eased(who uuid) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    org int := app.org();
    e   app.exposure := app.exposure_locked(org, who, (select s.role from app.staff s where s.org_id = org and s.id = who), app.now());
begin
    e := app.exposure_judged(e, app.now(), '{f,f,f}');
    e.masked_until := null;
    perform app.exposure_kept(e);
end
$$;
alter function app.exposure_eased owner to holdfast_owner;

-- Freezes a person, or lets him go on, also where he had asked too often.
create or replace function app.freeze(who uuid, frozen boolean, why text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    e app.exposure := app.exposure_locked(app.org(), who, (select s.role from app.staff s where s.org_id = app.org() and s.id = who), app.now());
begin
    e.blocked_until := case when frozen then 'infinity'::timestamptz end;
    e.blocked_why := case when frozen then why end;
    perform app.exposure_kept(e);
end
$$;
alter function app.freeze owner to holdfast_owner;
