-- plain_sight.sql: what a rep sees for the first time, or more of, of his own customers, where no limit is near.
--
-- To hold a sight against all limits, and to write that into app.exposure, takes 200 us. How many of them can come before any limit is
-- met is known beforehand: each of these takes small writes instead (app.expose), and is added to the person's numbers when they are
-- read, or written, next. Only a customer that is long his own counts so, which touches no limit but those of his book and of contacts.

-- A person's numbers with what was counted in plain sight since they were written: in the windows that were in hand then. p is all null
-- for whoever was not counted since there is such a thing.
create or replace function app.exposure_with(e app.exposure, p app.plain_sight) returns app.exposure
language plpgsql immutable as $$
begin
    if p.org_id is not null and array[p.customers, p.contacts, p.opened] <> e.plain then
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

-- Allows as many sights to be counted so as bring his own to what is free of them, or the contact values that he saw to a limit, which
-- the one after that goes beyond: until the hour is over or the first of his grants ends, and under the settings from which his limits
-- were worked out. e is as it is written now, under its lock.
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
        update app.plain_sight p set most = p.sights + room, until = till, settings = split_part(e.limits_of, ' ', 2)::int
        where p.org_id = e.org_id and p.staff_id = e.staff_id;
    end if;
end
$$;

-- Counts so that the caller sees more of a customer that he has seen within the hour: opens, for the first time, what was listed, or gets
-- its contact values. Returns whether it could be counted so. Nothing else counts for him meanwhile, so what is asked behind the lock holds.
create or replace function app.plain_more(org int, me uuid, now timestamptz, customer uuid, opened boolean, contact boolean) returns boolean
language plpgsql volatile as $$
begin
    perform from app.plain_sight p
    where p.org_id = org and p.staff_id = me and p.sights < p.most and p.until > now and p.settings = app.settings_version()
      and (select app.belonging(app.role(), me, c.owner_id, c.owner_since, c.created_at, now) = 'own'
        from app.customer c where c.org_id = org and c.id = customer) for no key update;
    if not found then
        return false;
    end if;
    with was as (
        select (plain_more.contact and s.contact_at is null)::int as contact, (plain_more.opened and s.opened_at is null)::int as opened
        from app.seen s where s.org_id = org and s.staff_id = me and s.customer_id = customer),
    put as (
        update app.seen s set at = greatest(s.at, now), contact_at = case when plain_more.contact then coalesce(s.contact_at, now) else s.contact_at end,
            opened_at = case when plain_more.opened then coalesce(s.opened_at, now) else s.opened_at end
        where s.org_id = org and s.staff_id = me and s.customer_id = customer)
    update app.plain_sight p set sights = p.sights + 1, contacts = p.contacts + was.contact, opened = p.opened + was.opened
    from was where p.org_id = org and p.staff_id = me;
    return found;
end
$$;
