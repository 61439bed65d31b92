-- budgets.sql: how much of the base each person may see, and how much he may change, before somebody looks.
--
-- A limit belongs to a role or a person, a measure and a window: {role or id: {measure: {window: {soft, hard}}}}. It is a number of
-- distinct customers (of reveals and of denied: of requests; of changes and deletions: of records), or a share of the base as in
-- "10%", which counts where the org has more than 1,000 customers. Beyond a soft limit contact values are masked, beyond a hard one
-- the request is refused; a change beyond a hard one waits for a manager (app.hold).

-- The measures whose distinct customers or requests app.exposure counts, in the order of its arrays.
create or replace function app.measures() returns text[]
language sql immutable parallel safe as $$ select '{customers,contacts,reveals,denied,opened}'::text[] $$;

-- Their windows: a month is 30 days.
create or replace function app.windows() returns text[]
language sql immutable parallel safe as $$ select '{hour,day,month}'::text[] $$;

create or replace function app.window_length(n int) returns interval
language sql immutable parallel safe as $$ select (array['1 hour', '24 hours', '720 hours']::interval[])[n] $$;

-- When the window of a moment began.
create or replace function app.window_began(n int, at timestamptz) returns timestamptz
language sql immutable parallel safe as $$
    select date_bin(app.window_length(n), at, '2000-01-01 00:00:00+00')
$$;

-- What holds where an org says nothing else.
create or replace function app.budget_defaults() returns jsonb
language sql immutable parallel safe as $$
    select '{
        "rep": {
            "customers": {"hour": {"soft": 300, "hard": 500}, "day": {"soft": 1000, "hard": 1500}, "month": {"soft": "7%", "hard": "10%"}},
            "contacts": {"day": {"soft": 150, "hard": 300}},
            "reveals": {"hour": {"soft": 40, "hard": 60}, "day": {"soft": 150, "hard": 300}},
            "denied": {"hour": {"soft": 20, "hard": 300}},
            "segment": {"week": {"soft": "25%", "hard": "50%"}},
            "contact_changes": {"hour": {"hard": 20}, "day": {"hard": 50}},
            "near_misses": {"day": {"hard": 5}},
            "deletions": {"day": {"hard": 10}}},
        "manager": {
            "customers": {"hour": {"soft": 1000, "hard": 2000}, "day": {"soft": 3000, "hard": 5000}, "month": {"soft": "40%", "hard": "60%"}},
            "contacts": {"day": {"soft": 400, "hard": 800}},
            "reveals": {"hour": {"soft": 60, "hard": 120}, "day": {"soft": 200, "hard": 400}},
            "denied": {"hour": {"soft": 20, "hard": 300}},
            "team": {"week": {"soft": "60%", "hard": "80%"}},
            "contact_changes": {"hour": {"hard": 60}, "day": {"hard": 200}},
            "near_misses": {"day": {"hard": 15}},
            "deletions": {"day": {"hard": 50}}},
        "admin": {
            "customers": {"hour": {"soft": 2000, "hard": 5000}, "day": {"soft": 5000, "hard": 10000}, "month": {"hard": "100%"}},
            "contacts": {"day": {"soft": 1000, "hard": 2000}},
            "reveals": {"hour": {"soft": 60, "hard": 120}, "day": {"soft": 200, "hard": 400}},
            "denied": {"hour": {"soft": 50, "hard": 300}},
            "contact_changes": {"hour": {"hard": 200}, "day": {"hard": 1000}},
            "near_misses": {"day": {"hard": 50}},
            "deletions": {"day": {"hard": 200}}},
        "auditor": {
            "customers": {"hour": {"soft": 2000, "hard": 5000}, "day": {"soft": 5000, "hard": 10000}},
            "denied": {"hour": {"soft": 50, "hard": 300}}}}'::jsonb
$$;

-- Limits laid over limits, measure by measure and window by window.
create or replace function app.budget_over(base jsonb, over_ jsonb) returns jsonb
language plpgsql immutable parallel safe as $$
begin
    return coalesce(base, '{}') || coalesce((
        select jsonb_object_agg(m.key, coalesce(base->m.key, '{}') || (
            select coalesce(jsonb_object_agg(w.key, coalesce(base->m.key->w.key, '{}') || w.value), '{}') from jsonb_each(m.value) w))
        from jsonb_each(over_) m), '{}');
end
$$;

-- The limits of a person as the settings say, without grants: his role's, and over them his own.
create or replace function app.budget_of(role text, staff_id uuid, budgets jsonb) returns jsonb
language plpgsql immutable parallel safe as $$
begin
    return app.budget_over(app.budget_over(app.budget_defaults()->role, budgets->role), budgets->staff_id::text);
end
$$;

-- The limits of all roles as they are, with those of single people beside them.
create or replace function app.budgets_whole(budgets jsonb) returns jsonb
language sql immutable parallel safe as $$
    select coalesce(budgets, '{}') || jsonb_object_agg(d.key, app.budget_over(d.value, budgets->d.key)) from jsonb_each(app.budget_defaults()) d
$$;

-- A limit as a number: null where there is none, as of a share of a base of up to 1,000, and of all of it: who has seen it all over
-- some days may have seen more than is there today.
create or replace function app.budget_number(value text, base int) returns int
language sql immutable parallel safe as $$
    select case when value like '%\%' then case when base > 1000 and value <> '100%' then (base * rtrim(value, '%')::numeric / 100)::int end else value::int end
$$;

-- Counts how many customers each org has in each segment, which shares are taken of.
create or replace function app.base_counted() returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    insert into app.base as b (org_id, segment, customers, at)
    select g.org_id, g.id, coalesce(c.n, 0), app.now()
    from app.segment g
    left join (select k.org_id, k.segment, count(*) as n from app.customer k where k.archived_at is null group by 1, 2) c on c.org_id = g.org_id and c.segment = g.id
    order by g.org_id, g.id
    on conflict (org_id, segment) do update set customers = excluded.customers, at = excluded.at;
end
$$;
alter function app.base_counted owner to holdfast_owner;

-- The windows that a measure can have limits in; none where there is no such measure.
create or replace function app.budget_windows(measure text) returns text[]
language sql immutable parallel safe as $$
    select case when measure in ('segment', 'team') then '{week}'::text[]
        when measure in ('contact_changes', 'near_misses', 'deletions') then '{hour,day}'
        when measure in ('customers', 'contacts', 'reveals', 'denied') then app.windows() else '{}' end
$$;

-- What is wrong with an org's budgets as a sentence, or null. The words are those of app.budget_defaults.
create or replace function app.budgets_wrong(budgets jsonb) returns text
language plpgsql stable as $$
declare
    who  record;
    what record;
    win  record;
    lim  record;
begin
    for who in select * from jsonb_each(budgets) loop
        if who.key not in ('rep', 'manager', 'admin', 'auditor') and not exists (
            select from app.staff s where s.org_id = app.org() and s.id::text = who.key) then
            return format('%s is neither a role nor the id of a person.', left(who.key, 40));
        end if;
        if jsonb_typeof(who.value) <> 'object' then
            return format('%s must be an object of measures.', left(who.key, 40));
        end if;
        for what in select * from jsonb_each(who.value) loop
            if app.budget_windows(what.key) = '{}' then
                return format('There is no measure %s.', left(what.key, 40));
            end if;
            if jsonb_typeof(what.value) <> 'object' then
                return format('%s must be an object of windows.', what.key);
            end if;
            for win in select * from jsonb_each(what.value) loop
                if win.key <> all(app.budget_windows(what.key)) then
                    return format('%s has no window %s.', what.key, left(win.key, 40));
                end if;
                if jsonb_typeof(win.value) <> 'object' then
                    return format('%s of %s must be an object of soft and hard.', win.key, what.key);
                end if;
                for lim in select * from jsonb_each(win.value) loop
                    if lim.key not in ('soft', 'hard') then
                        return format('A limit is soft or hard, not %s.', left(lim.key, 40));
                    end if;
                    if not coalesce(
                        jsonb_typeof(lim.value) = 'number' and lim.value::text ~ '^[0-9]{1,9}$' and what.key not in ('segment', 'team')
                        or jsonb_typeof(lim.value) = 'string' and lim.value #>> '{}' ~ '^(100|[0-9]{1,2}([.][0-9]{1,2})?)%$'
                            and what.key in ('customers', 'contacts', 'segment', 'team'), false) then
                        return format('%s of %s a %s must be %s.', lim.key, what.key, win.key, case when what.key in ('segment', 'team') then 'a share as in "25%"'
                            when what.key in ('customers', 'contacts') then 'a whole number up to 999999999 or a share as in "10%"' else 'a whole number up to 999999999' end);
                    end if;
                end loop;
            end loop;
        end loop;
    end loop;
    return null;
end
$$;
