-- children_read.sql: how every kind of record that belongs to a customer is listed and shown. Written once for all of them: the
-- first parameters are empty values of the kind's view (or table), from which PostgreSQL takes the types.

-- Whose children a list holds: a condition over the row v that an index of app.customer serves, where the caller has at most 5,000
-- customers (the policies say it once more). Whoever has more finds his in the latest of all quickly: 0.4 s for a manager of 50,000 customers with the
-- condition, 5 ms without. $4 to $7 are as in api.customer_ways.
create function api.child_scope(filter jsonb) returns text
language plpgsql stable as $$
declare
    way text := api.customer_way('none', filter);
begin
    if way = 'all' or filter ? 'customer' then
        return '';
    elsif filter ?| '{contact,deal,number,email,phone}' or api.customers_few(way, 5000) then
        return format(' and v.customer_id in (%s)', api.customers_mine_sql(way));
    end if;
    -- Whom he only reads for half an hour is in no list of his.
    return ' and v.customer_id <> all((select app.opened())::uuid[])';
end
$$;

-- A page of one kind, as api.customer_list makes it; filters and sorts are the tables of words that the kind offers.
create function api.child_page(rows anyarray, tail anyelement, entity text, filters jsonb, sorts jsonb, filter jsonb, archived boolean,
    fields text[], sort text, cursor jsonb, lim int, count text) returns setof anyelement
language plpgsql volatile as $$
declare
    view text := pg_typeof(tail);
    blank jsonb;
    next_ jsonb;
    total bigint;
    scope text := format('v._org = $5 and v.archived_at is %s null', case when archived then 'not' else '' end)
        || app.filter_sql(filter, filters) || api.child_scope(filter);
    segments text[] := case when app.role() = 'manager' then app.team_segments() else app.segments() end;
begin
    fields := array_remove(fields, null);
    lim := least(lim, 200);
    execute format('select array_agg(p.v order by p.n) from (select row(v.*)::%1$s as v, row_number() over () as n '
        'from (select v.* from %1$s v where %2$s%3$s order by %4$s limit $3 + 1) v) p', view, scope,
        case when cursor is null then '' else ' and ' || app.after_sql(sort, sorts) end, app.order_sql(sort, sorts))
    into rows using filter, cursor, lim, app.me(), app.org(), segments, app.above();
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        execute format('select %s from (select ($1).*) v', app.position_sql(sort, sorts)) into next_ using rows[lim];
    end if;
    if count is not null then
        execute format('select count(*) from %s v where %s', view, scope)
        into total using filter, cursor, lim, app.me(), app.org(), segments, app.above();
    end if;
    perform app.disclose('list', array(select distinct r.customer_id from unnest(rows) r), api.child_classes(entity),
        masked => coalesce((select bool_or(api.child_masked(entity, r.masked)) from unnest(rows) r), true), bytes => pg_column_size(rows));
    if fields is not null then
        select jsonb_object_agg(k.name, null) into blank
        from unnest('{email,phone,phone_e164,notes,body,subject,outcome,next_step,amount,lines,net,tax,gross}'::text[]) k(name) where k.name <> all(fields);
        rows := array(select jsonb_populate_record(r, blank) from unnest(rows) r);   -- what was not asked for does not leave PostgreSQL
    end if;
    return query select r.* from unnest(rows) r;
    return next jsonb_populate_record(tail, jsonb_build_object('_tail', true, '_classification', app.classification(), '_next', next_, '_count', total));
end
$$;

-- One record of a view; 404 where hidden or missing.
create function api.child_shown(r anyelement, id uuid) returns anyelement
language plpgsql stable as $$
begin
    execute format('select * from %s v where v._org = $1 and v.id = $2', pg_typeof(r)) into r using app.org(), id;
    if r is null then
        perform app.refuse_missing();
    end if;
    return r;
end
$$;

-- One record for a GET, now or as it was at an earlier moment. 304 when if_none_match holds its entity-tag.
create function api.child_get(r anyelement, entity text, id uuid, as_of timestamptz, if_none_match text[]) returns anyelement
language plpgsql volatile as $$
begin
    perform app.single();
    r := api.child_shown(r, id);
    if as_of is not null then
        r := api.child_at(r, entity, as_of);
    elsif if_none_match is not null and app.tag_matches(if_none_match, r._etag) then
        return jsonb_populate_record(r, '{"_status": 304}');
    end if;
    perform app.disclose('read', array[r.customer_id], api.child_classes(entity), masked => api.child_masked(entity, r.masked), bytes => pg_column_size(r));
    return r;
end
$$;

-- A record as it was: what is visible now, with the old value of each field's first change behind that moment. 404 before its
-- creation.
create function api.child_at(r anyelement, entity text, as_of timestamptz) returns anyelement
language plpgsql stable as $$
declare
    clear boolean := strpos(r._etag, 'm') = 0;
    past  jsonb;
    seen  int;
    since timestamptz;
    bare  jsonb;
begin
    if as_of < r.created_at then
        perform app.refuse_missing();
    end if;
    select jsonb_object_agg(f.field, f.old), min(f.version) - 1 into past, seen
    from (select distinct on (h.field) h.field, h.old, h.version from app.history h
        where h.org_id = app.org() and h.record_id = r.id and h.entity = child_at.entity and h.field is not null and h.at > as_of
        order by h.field, h.id) f;
    select max(h.at) into since from app.history h
    where h.org_id = app.org() and h.record_id = r.id and h.entity = child_at.entity and h.at <= as_of;
    -- Where it was then does not matter: whoever sees it now sees it as its present customer's.
    bare := coalesce(past, '{}') - r._hidden - 'customer_id' || jsonb_build_object('version', coalesce(seen, r.version),
        'updated_at', coalesce(since, r.created_at));
    if entity = 'contacts' then
        bare := bare || case when bare ? 'phone' then jsonb_build_object('phone_e164', app.phone_e164(bare->>'phone', (
                select c.country from app.customer c where c.org_id = app.org() and c.id = r.customer_id))) else '{}' end;
        if not clear then
            bare := app.mask_json(null, bare) || case when bare ? 'phone_e164'
                then jsonb_build_object('phone_e164', app.mask_phone(bare->>'phone_e164')) else '{}' end;
        end if;
    end if;
    if entity = 'deals' and past ? 'status' then   -- what follows from it is no history
        bare := bare || jsonb_build_object('closed_at', case when past->>'status' <> 'open' then (select app.time_json(max(h.at)) from app.history h
            where h.org_id = app.org() and h.record_id = r.id and h.entity = 'deals' and coalesce(h.field, 'status') = 'status' and h.at <= as_of) end);
    end if;
    r := jsonb_populate_record(r, bare || '{"_etag": null}');
    if entity = 'contacts' and not clear then
        r := jsonb_populate_record(r, jsonb_build_object('masked', r._hidden || array(
            select f from unnest('{email,phone,phone_e164}'::text[]) f where to_jsonb(r)->>f is not null)));
    end if;
    return r;
end
$$;
