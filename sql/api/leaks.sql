-- leaks.sql: from which export a text is that turned up where it should not be.

-- A value of the text (app.leak_marks); a record that it names, whose customers are the one it is or all to whom a contact belonged; and
-- an export's decoy that is in it, by the value n or, where that is null, by its name.
create type api.leak_value as (n int, kind text, key text, typed text, flag int, shown int);
create type api.leak_record as (n int, entity text, id uuid, customers uuid[], flag int, shown int);
create type api.leak_decoy as (export_id uuid, id uuid, n int);

-- Whom the values name: the customers and contacts that have them or had them once, for the file may be old; archived ones too. One by
-- one, by the key, and a hundred of each at most: what more have says nothing.
create function api.leak_named(v api.leak_value[]) returns setof api.leak_record
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return query
        with k as materialized (
            select w.n, w.kind, w.typed, t.key from unnest(v) w
            cross join lateral unnest(case w.kind when 'email' then array[w.key] else app.phone_keys(w.typed) end) t(key)),
        hit as (
            select k.n, 'customers' as entity, c.id from k cross join lateral (select c.id from app.customer c
                where c.org_id = app.org() and c.email_key = k.key limit 100) c where k.kind = 'email'
            union
            select k.n, 'customers', c.id from k cross join lateral (select c.id from app.customer c
                where c.org_id = app.org() and c.phone_key = k.key and app.phone_means(c.phone_key, c.country, k.typed) limit 100) c where k.kind = 'phone'
            union
            select k.n, 'contacts', c.id from k cross join lateral (select c.id from app.contact c
                where c.org_id = app.org() and c.email_key = k.key limit 100) c where k.kind = 'email'
            union
            select k.n, 'contacts', c.id from k cross join lateral (select c.id from app.contact c
                join app.customer o on o.org_id = app.org() and o.id = c.customer_id
                where c.org_id = app.org() and c.phone_key = k.key and app.phone_means(c.phone_key, o.country, k.typed) limit 100) c where k.kind = 'phone'
            union
            select b.n, b.entity, b.id from app.had_before(array(select w.kind from unnest(v) w), array(select w.typed from unnest(v) w)) b)
        select h.n, h.entity, h.id, case h.entity when 'customers' then array[h.id] else array(
                select c.customer_id from app.contact c where c.org_id = app.org() and c.id = h.id
                union select t.customer_id from app.history t where t.org_id = app.org() and t.record_id = h.id) end,
            v[h.n].flag, v[h.n].shown
        from hit h;
end
$$;

-- Of each export that was downloaded, how many of the records that are named and of its kind it held, and how many of their marks fit
-- and how many do not. Of what an export did not hold it knows nothing. A record has each mark once, though an old and a new value of it
-- are there: none where they contradict each other. A value that several records have may be spelled for any of them and tells nothing.
create function api.leak_fits(named api.leak_record[]) returns table (export_id uuid, rows bigint, held bigint, fit bigint, against bigint)
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return query
        with value as (select *, count(*) over (partition by h.n, h.entity) as sharers from unnest(named) h),
        mark as (
            select v.entity, v.id, v.customers, v.flag, case when min(v.shown) = max(v.shown) and max(v.sharers) = 1 then min(v.shown) end as shown
            from value v group by v.entity, v.id, v.customers, v.flag),
        record as materialized (
            select m.entity, m.id, m.customers, count(*) over (partition by m.entity) as rows,
                coalesce(bit_or(m.flag) filter (where m.shown is not null), 0) as known, coalesce(bit_or(m.shown), 0) as shown
            from mark m group by m.entity, m.id, m.customers),
        r as materialized (select t.entity, t.id, t.known, t.shown, c.id as customer from record t cross join lateral unnest(t.customers) c(id)),
        e as materialized (
            select x.id, x.entity, x.mark from app.export x cross join lateral (select from app.export_ticket t
                where t.org_id = app.org() and t.export_id = x.id and t.taken_at is not null limit 1) t
            where x.org_id = app.org())
        select e.id, coalesce((select t.rows from record t where t.entity = e.entity limit 1), 0), f.*
        from e cross join lateral (
            -- Each once, though it was downloaded twice.
            select count(*), coalesce(sum(bit_count((t.known & ~t.wrong)::bit(2))), 0)::bigint, coalesce(sum(bit_count(t.wrong::bit(2))), 0)::bigint
            from (select distinct r.id, r.known, (app.marks(r.id, e.mark) # r.shown) & r.known as wrong
                from (select e.entity, x.id from app.export_customers(e.id) x(id) where e.entity in (select t.entity from record t) offset 0) c
                join r on r.entity = c.entity and r.customer = c.id) t) f;
end
$$;

-- The decoys in the text, by their e-mails, phones and names. What is also somebody else's, a customer's or the decoy's of another
-- export, is no sign of one.
create function api.leak_decoys(leak text, v api.leak_value[], named api.leak_record[]) returns setof api.leak_decoy
language plpgsql stable as $$
declare
    folded text := ' ' || app.fold(leak) || ' ';
begin
    return query
        with d as materialized (
            select t.export_id, t.id, t.record->>'name' as name, t.record->>'email' as email, t.record->>'phone' as phone, t.record->>'country' as country
            from app.export_decoy t where t.org_id = app.org()),
        -- A number by what it is in its country, and by what is typed.
        sign as (
            select d.export_id, d.id, 'email' as kind, app.email_key(d.email) as key from d
            union select d.export_id, d.id, 'phone', app.phone_key(d.phone, d.country) from d
            union select d.export_id, d.id, 'phone', app.phone_key(d.phone) from d),
        hit as materialized (
            select s.export_id, s.id, s.kind, s.key, w.n from sign s join unnest(v) w on w.kind = s.kind and w.key = s.key
            where w.n not in (select r.n from unnest(named) r)
            union all
            select d.export_id, d.id, 'name', f.key, null from d cross join lateral (select app.firm_key(d.name) as key offset 0) f
            where strpos(folded, ' ' || app.fold(d.name) || ' ') > 0
              and not exists (select from app.customer c where c.org_id = app.org() and c.dup_key = f.key and c.archived_at is null))
        select h.export_id, h.id, h.n from hit h
        where not exists (select from hit o where o.kind = h.kind and o.key = h.key and o.export_id <> h.export_id);
end
$$;

-- The exports of which the text may be, the most probable first, with what speaks for each.
create function api.leak_exports(named api.leak_record[], decoys api.leak_decoy[]) returns jsonb
language sql stable as $$
    with f as materialized (
        select f.*, array(select distinct d.id from unnest(decoys) d where d.export_id = f.export_id order by 1) as ids, count(*) over () as exports
        from api.leak_fits(named) f),
    p as (select f.*, app.leak_probability(f.fit, f.against, cardinality(f.ids), f.exports) as probability from f)
    select coalesce(jsonb_agg(jsonb_build_object('export_id', l.export_id, 'staff_id', e.staff_id, 'staff_name', s.name, 'entity', e.entity,
            'asked_at', app.time_json(e.asked_at), 'downloaded_at', app.time_json(coalesce(e.downloaded_at, (
                select max(t.taken_at) from app.export_ticket t where t.org_id = e.org_id and t.export_id = e.id))),
            'probability', round(l.probability::numeric, 6), 'evidence', jsonb_build_object('decoys', to_jsonb(l.ids),
                'marks', jsonb_build_object('fit', l.fit, 'against', l.against), 'rows_in_set', l.held, 'rows', l.rows))
        order by l.probability desc, l.export_id), '[]')
    from (select * from p where p.probability >= 0.01 and not app.same_person((select x.staff_id from app.export x where x.org_id = app.org() and x.id = p.export_id)) order by p.probability desc, p.export_id limit 20) l
    join app.export e on e.org_id = app.org() and e.id = l.export_id
    left join app.staff s on s.org_id = e.org_id and s.id = e.staff_id
$$;

-- Says from which exports a text is, and how much of it names anybody at all. It shows nothing of customers, so the ledger has nothing of
-- it; that somebody asked, and what he was told, is an event.
create function api.leak_find(session text, request uuid, retry text, body jsonb) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    d      api.document;
    v      api.leak_value[];
    named  api.leak_record[];
    decoys api.leak_decoy[];
    known  int;
    again  uuid;
begin
    perform app.enter(session, request, 'leaks.find');
    if app.role() <> 'admin' then
        perform app.refuse(403, 'forbidden', 'Only an admin asks where a text is from.');
    elsif char_length(body->>'text') > 60000 then
        perform app.refuse_member(422, 'invalid_value', '/text', 'length', 'At most 60000 characters.');
    end if;
    again := app.retry_result(retry);
    v := array(select row(m.*)::api.leak_value from app.leak_marks(body->>'text') m order by m.n);
    named := array(select r from api.leak_named(v) r);
    decoys := array(select t from api.leak_decoys(body->>'text', v, named) t);
    known := (select count(*) from (select r.n from unnest(named) r union select t.n from unnest(decoys) t where t.n is not null) k);
    d._doc := jsonb_build_object('rows', known, 'unknown', cardinality(v) - known, 'exports', api.leak_exports(named, decoys));
    if again is null then
        again := app.event('leaks.find', null, known, jsonb_strip_nulls(jsonb_build_object('reason', body->'reason', 'unknown', d._doc->'unknown', 'exports', (
            select jsonb_object_agg(x->>'export_id', x->'probability') from jsonb_array_elements(d._doc->'exports') x))));
        perform app.retry_keep(retry, again);
    end if;
    return next d;
end
$$;
