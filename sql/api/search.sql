-- search.sql: customers and contacts by what somebody remembers of them: GET /v1/search.

create type api.found as (entity text, id uuid, customer_id uuid, name text, customer_name text, title text, email text, phone text, phone_e164 text,
    city text, country text, stage text, segment text, owner_id uuid, matched text, masked text[],
    _hidden text[], _classification text, _next text, _tail boolean);

-- What was found as the caller may see it, n its place among that. Asked under the policies once more: a mistake in app.search_find can
-- keep something from him, and shows him nothing. Nor is anything found by what is kept back from him. Contacts for themselves: the plan
-- with their policies takes longer to set up than a page of customers to read, and most searches find none.
create function api.search_rows(entities text[], ids uuid[], matched text[]) returns table (n bigint, found api.found)
language plpgsql stable set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    return query
    select f.n, row(f.entity, c.id, c.id, c.name, c.name, null, c.email, c.phone, c.phone_e164, c.city, c.country, c.stage, c.segment, c.owner_id, f.matched,
        array(select m from unnest(c.masked) m where m in ('email', 'phone', 'phone_e164', 'city', 'country')), c._hidden, null, null, null)::api.found
    from unnest(entities, ids, matched) with ordinality f(entity, id, matched, n)
    join api.customer c on c._org = (select app.org()) and c.id = f.id and c.archived_at is null
    where f.entity = 'customers' and f.matched <> all(c._hidden);
    if 'contacts' = any(entities) then
        return query
        select f.n, row(f.entity, k.id, c.id, k.name, c.name, k.title, k.email, k.phone, k.phone_e164, c.city, c.country, c.stage, c.segment, c.owner_id, f.matched,
            array(select m from unnest(k.masked) m) || array(select m from unnest(c.masked) m where m in ('city', 'country')), k._hidden, null, null, null)::api.found
        from unnest(entities, ids, matched) with ordinality f(entity, id, matched, n)
        join api.contact k on k._org = (select app.org()) and k.id = f.id and k.archived_at is null
        join api.customer c on c._org = (select app.org()) and c.id = k.customer_id and c.archived_at is null
        where f.entity = 'contacts' and f.matched <> all(k._hidden);
    end if;
end
$$;

-- At most 20 customers and contacts, the best match first; they never go on on another page.
create function api.search_find(session text, request uuid, q text, lim int) returns setof api.found
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows   api.found[];
    tail   api.found;
    folded text;
begin
    perform app.enter(session, request, 'search.find', reads => true);
    folded := app.fold(q);
    if regexp_count(folded, '[[:alpha:]]' collate "und-x-icu") < 2 and regexp_count(app.phone_plain(q), '[0-9]') < 3 then
        perform app.refuse_member(400, 'invalid_parameter', '?q', 'length', 'At least two letters or three digits.');
    end if;
    rows := array(select r.found from (select array_agg(f.entity) as e, array_agg(f.id) as i, array_agg(f.matched) as m
        from app.search_find(btrim(q), least(lim, 20)) f) f, api.search_rows(f.e, f.i, f.m) r order by r.n);
    perform app.disclose('search', array(select distinct r.customer_id from unnest(rows) r), 'base contact',
        masked => exists (select from unnest(rows) r where r.masked && '{email,phone,phone_e164}') or not app.shows_contacts(), bytes => pg_column_size(rows));
    return query select r.* from unnest(rows) r;
    tail._tail := true;
    tail._classification := app.classification();
    return next tail;
end
$$;
