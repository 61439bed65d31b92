-- duplicates.sql: customers and contacts that are there already, told to whoever makes them again.

-- What somebody new is compared by. customer_id: whose contact it is; of a customer itself.
create type api.newcomer as (entity text, id uuid, customer_id uuid, email_key text, phone_key text, dup_key text, country text,
    city text, postal_code text);

create function api.newcomer(c app.customer) returns api.newcomer
language sql stable as $$
    select row('customers', c.id, c.id, app.email_key(c.email), app.phone_key(c.phone, c.country), app.firm_key(c.name), c.country, c.city,
        c.postal_code)::api.newcomer
$$;

-- A contact is somebody by his address and his number; many people have his name.
create function api.newcomer(k app.contact, country text) returns api.newcomer
language sql stable as $$
    select row('contacts', k.id, k.customer_id, app.email_key(k.email), app.phone_key(k.phone, country), null, null, null, null)::api.newcomer
$$;

-- Two who make the same at once take turns, so that the second is told of the first; whoever makes several takes all their turns first,
-- in one order.
create function api.newcomer_turn(all_ api.newcomer[]) returns void
language sql volatile as $$
    select pg_advisory_xact_lock(k.lock) from (
        select distinct hashtextextended(concat_ws(' ', 'newcomer', app.org(), v), 0) as lock
        from unnest(all_) n, unnest(array[n.email_key, n.phone_key, n.dup_key]) v where v is not null order by 1) k
$$;

-- The live customers and contacts that the caller sees and that are the same as n, and by what; not by what the funnel keeps back
-- from him. A contact is no duplicate of its own customer, who may have the same number.
create function api.duplicate_hits(n api.newcomer) returns table (entity text, id uuid, customer_id uuid, matched text[])
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return query
        select h.entity, h.id, h.customer_id, array_agg(h.how order by h.n)
        from (
            (select 'customers' as entity, c.id, c.id as customer_id, 'email' as how, 1 as n from app.customer c
                where c.org_id = app.org() and c.email_key = n.email_key and c.archived_at is null limit 50)
            union all
            (select 'customers', c.id, c.id, 'phone', 2 from app.customer c
                where c.org_id = app.org() and c.phone_key = n.phone_key and c.archived_at is null limit 50)
            union all
            (select 'customers', c.id, c.id, 'name', 3 from app.customer c
                where c.org_id = app.org() and c.dup_key = n.dup_key and c.archived_at is null limit 200)
            union all
            (select 'contacts', k.id, k.customer_id, 'email', 1 from app.contact k
                where k.org_id = app.org() and k.email_key = n.email_key and k.archived_at is null limit 50)
            union all
            (select 'contacts', k.id, k.customer_id, 'phone', 2 from app.contact k
                where k.org_id = app.org() and k.phone_key = n.phone_key and k.archived_at is null limit 50)) h
        -- One by one, by the key: a planner that knows nothing of an org's customers yet would walk all of them for each hit, 6 s for 2,400.
        cross join lateral (select * from api.customer k where k._org = app.org() and k.id = h.customer_id offset 0) v
        where (h.entity <> n.entity or h.id <> n.id) and (h.entity <> 'customers' or h.id <> n.customer_id)
          and v.archived_at is null and h.how <> all(v._hidden)
          and (h.how <> 'name' or app.same_place(n.country, n.city, n.postal_code, v.country, v.city, v.postal_code))
        group by h.entity, h.id, h.customer_id;
end
$$;

-- The ten that fit best, as a list shows them, recorded as shown.
create function api.duplicates(n api.newcomer) returns jsonb
language plpgsql volatile set plan_cache_mode = force_generic_plan as $$
declare
    list  jsonb;
    shown uuid[];
    masks boolean;
    best  jsonb := (select jsonb_agg(h) from (select * from api.duplicate_hits(n) t order by cardinality(t.matched) desc, t.id desc limit 10) h);
begin
    if best is null then   -- the usual case: 0.5 ms against 3
        return '[]';
    end if;
    perform app.single(false);
    select jsonb_agg(jsonb_build_object('entity', d.entity, 'id', d.id, 'customer_id', d.customer_id, 'name', d.name, 'email', d.email,
            'phone', d.phone, 'city', d.city, 'stage', d.stage, 'owner_id', d.owner_id, 'matched', d.matched, 'masked', d.masked)
            order by cardinality(d.matched) desc, d.id desc),
        array_agg(distinct d.customer_id), bool_or(d.masked && '{email,phone}') or not app.shows_contacts()
    into list, shown, masks
    from (
        select h.*, coalesce(k.name, v.name) as name, case h.entity when 'contacts' then k.email else v.email end as email,
            case h.entity when 'contacts' then k.phone else v.phone end as phone, v.city, v.stage, v.owner_id,
            array(select m from unnest(case h.entity when 'contacts' then k.masked || v._hidden else v.masked end) m
                where m in ('email', 'phone', 'city') group by m order by m) as masked
        from jsonb_to_recordset(best) h(entity text, id uuid, customer_id uuid, matched text[])
        cross join lateral (select * from api.customer t where t._org = app.org() and t.id = h.customer_id offset 0) v
        left join lateral (select * from api.contact t where h.entity = 'contacts' and t._org = app.org() and t.id = h.id offset 0) k on true) d;
    perform app.disclose('duplicate', shown, 'base contact', masked => masks), app.single();
    return list;
end
$$;

-- Those of a customer or contact that is there.
create function api.duplicates_of(entity text, id uuid) returns jsonb
language plpgsql volatile as $$
begin
    if entity = 'customers' then
        return api.duplicates(api.newcomer(c)) from app.customer c where c.org_id = app.org() and c.id = duplicates_of.id;
    end if;
    return api.duplicates(api.newcomer(k, c.country)) from app.contact k join app.customer c on c.org_id = k.org_id and c.id = k.customer_id
        where k.org_id = app.org() and k.id = duplicates_of.id;
end
$$;

-- The refusal to make what is there already, as a row of the kind's view. It shows customers, so the ledger keeps it.
create function api.duplicate_refused(r anyelement, list jsonb) returns anyelement
language sql stable as $$
    select jsonb_populate_record(r, jsonb_build_object('_status', 409, '_code', 'duplicate', '_classification', app.classification(),
        '_detail', 'This is there already. Look at what duplicates says.', '_problem', jsonb_build_object('duplicates', list)))
$$;

-- Tells of those that the caller does not see, or not as the same, to somebody who sees both; the caller learns nothing. Looked for
-- and found take the same steps but for the notice itself.
create function api.duplicates_hidden(n api.newcomer) returns void
language plpgsql volatile set plan_cache_mode = force_generic_plan as $$
declare
    found_ uuid[] := app.duplicate_find(array[n.customer_id, n.id], n.email_key, n.phone_key, n.dup_key, n.country, n.city, n.postal_code);
    seen   uuid[] := array(select c.id from app.customer c where c.org_id = app.org() and c.id = any(found_));
begin
    if app.hiding() is not null then
        seen := array(select h.customer_id from api.duplicate_hits(n) h);
    end if;
    insert into app.notice (org_id, id, staff_id, kind, customer_id, other_id, actor_id, at)
    select app.org(), app.uuid7(), s.id, 'duplicate', n.customer_id, f.id, app.me(), app.now()
    from (select u.id from unnest(found_) u(id) where u.id <> all(seen) order by u.id limit 10) f, lateral app.duplicate_told(f.id) s(id)
    on conflict do nothing;
end
$$;
