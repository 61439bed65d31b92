-- leaks.sql: whom an export held, and whose a value was.

-- What the downloads of an export held, those that broke off too, as the ledger has it: in answers to the requester, from when the link was made
-- until hours after it was first taken.
create or replace function app.export_downloads(org int, export uuid) returns table (staff_id uuid, at timestamptz, customer_ids uuid[], masked boolean, classes text)
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return query
        select d.staff_id, d.at, d.customer_ids, d.masked, d.classes
        from app.export e
        join app.export_ticket t on t.org_id = e.org_id and t.export_id = e.id and t.taken_at is not null
        cross join lateral (select * from app.disclosure l
            where l.org_id = e.org_id and l.staff_id = e.staff_id and l.id >= app.uuid7_floor(t.at) and l.id < app.uuid7_floor(t.taken_at + interval '6 hours')
              and l.at >= t.at and l.at < t.taken_at + interval '6 hours' and l.request_id = any(t.request_id || t.requests) and l.channel = 'export' offset 0) d
        where e.org_id = org and e.id = export;
end
$$;
alter function app.export_downloads owner to holdfast_owner;

-- Its customers. In plpgsql, which is not taken apart: asked for a thousand exports, the planner sees that each holds many.
create or replace function app.export_customers(export uuid) returns setof uuid
language plpgsql stable rows 10000 security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return query select unnest(d.customer_ids) from app.export_downloads(app.org(), export) d;
end
$$;
alter function app.export_customers owner to holdfast_owner;

-- The customers and contacts that had these e-mails and phone numbers once, and have others now. n is the place in the lists.
create or replace function app.had_before(kinds text[], typed text[]) returns table (n int, entity text, id uuid)
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
    return query
        select v.n::int, h.entity, h.record_id
        from unnest(kinds, typed) with ordinality v(kind, typed, n)
        -- The key of its index, see 0012_leaks.sql.
        cross join lateral (select case v.kind when 'email' then lower(v.typed)
            else right(regexp_replace(app.phone_plain(v.typed), '[^0-9]', '', 'g'), 7) end as was offset 0) k
        cross join lateral (select t.entity, t.record_id, t.customer_id, t.old #>> '{}' as old from app.history t
            where t.org_id = app.org() and t.field in ('email', 'phone') and t.field = v.kind and t.entity in ('customers', 'contacts')
              and case t.field when 'email' then lower(t.old #>> '{}') else right(regexp_replace(t.old #>> '{}', '[^0-9]', '', 'g'), 7) end = k.was
            limit 100) h
        left join app.customer c on c.org_id = app.org() and c.id = h.customer_id
        where v.kind = 'email' or app.phone_means(app.phone_key(h.old, c.country), c.country, v.typed);
end
$$;
alter function app.had_before owner to holdfast_owner;
