-- exposure_limits.sql: what a person may see in each window, and what happens when it is more.

-- What a person's limits follow from: his role, the settings and the grants that are not over.
create or replace function app.exposure_key(org int, me uuid, role text, now timestamptz) returns text
language plpgsql stable as $$
begin
    return concat_ws(' ', role, (select o.version from app.settings o where o.org_id = org), (select concat_ws(' ', count(*), max(g.at))
        from app.exposure_grant g where g.org_id = org and g.staff_id = me and g.until > now));
end
$$;

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
            cross join lateral (select least(coalesce(sum(x.amount), 0), 1000000000)::int as more from app.exposure_grant x
                where x.org_id = org and x.staff_id = me and x.measure = m.name and x.until > now) g
            group by w.n) w);
end
$$;
alter function app.exposure_limits owner to holdfast_owner;

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
            continue when m > 1 and not asked[m];
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
    kept := app.exposure_turned(app.exposure_of(e.org_id, e.staff_id), now);
    till := greatest(now + interval '1 second', app.window_reset(w, kept.began[w], kept.used[w][m], kept.before[w][m], hard));
    perform app.refuse(429, 'exposure_budget_exceeded', 'You have seen as much of the customer base as you may for now. Ask your manager for more.',
        jsonb_build_object('measure', (app.measures())[m], 'window', (app.windows())[w], 'limit', hard,
            'used', app.window_used(w, kept.began[w], kept.used[w][m], kept.before[w][m], now), 'reset', app.time_json(till),
            'retry_after', ceil(extract(epoch from till - now))::int));
end
$$;
