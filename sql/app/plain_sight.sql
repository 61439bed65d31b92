-- plain_sight.sql: a rep's first sights of his own customers, which are most of what is seen for the first time.
--
-- To hold a sight against all limits takes 200 us, and to write it into app.exposure. Where it is known beforehand how many sights can
-- come before any limit is near, each of these takes one small write instead (app.expose), and is added to a person's numbers when they
-- are looked at, or counted by, next. Counted so is only what raises nothing but his own customers, the contact values he saw and what
-- he opened: a customer that is his, and that he never saw before.

-- A person's numbers with what was counted in plain sight since they were written: in the windows that were in hand then.
create or replace function app.exposure_with(e app.exposure, p app.plain_sight) returns app.exposure
language plpgsql immutable as $$
begin
    if p.customers > e.plain[1] then
        for w in 1..3 loop
            e.used[w][2] := e.used[w][2] + p.contacts - e.plain[2];
            e.used[w][5] := e.used[w][5] + p.opened - e.plain[3];
        end loop;
        e.own := e.own + p.customers - e.plain[1];
        e.plain := array[p.customers, p.contacts, p.opened];
    end if;
    return e;
end
$$;

-- The same, read and not locked. All null if nothing of him was ever counted.
create or replace function app.exposure_of(org int, who uuid) returns app.exposure
language plpgsql stable as $$
declare
    e app.exposure;
    p app.plain_sight;
begin
    select * into e from app.exposure x where x.org_id = org and x.staff_id = who;
    select * into p from app.plain_sight x where x.org_id = org and x.staff_id = who;
    return app.exposure_with(e, p);
end
$$;

-- Allows as many sights to be counted in plain sight as can come before his own are beyond what is free of them, or the contact values
-- that he saw are at a limit; until the hour is over or a grant is. e is as it is written now, under its lock.
create or replace function app.plain_room(e app.exposure, now timestamptz) returns void
language plpgsql volatile as $$
declare
    room int := e.book * 6 / 5 - e.own;
    till timestamptz := least(e.began[1] + interval '1 hour', (select min(g.until) from app.exposure_grant g
        where g.org_id = e.org_id and g.staff_id = e.staff_id and g.until > now));
begin
    for w in 1..3 loop
        room := least(room, least(e.limits[w][2][1], e.limits[w][2][2]) - app.window_used(w, e.began[w], e.used[w][2], e.before[w][2], now));
    end loop;
    if room > 0 then
        update app.plain_sight p set most = p.customers + room, until = till where p.org_id = e.org_id and p.staff_id = e.staff_id;
    end if;
end
$$;

-- Other limits hold from the next sight on.
create or replace function app.tg_plain_closed() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    update app.plain_sight p set most = 0 where p.org_id = new.org_id;
    return null;
end
$$;
alter function app.tg_plain_closed owner to holdfast_owner;
create or replace trigger _800_plain_closed after update of budgets on app.settings
    for each row when (old.budgets is distinct from new.budgets) execute function app.tg_plain_closed();
