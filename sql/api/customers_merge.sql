-- customers_merge.sql: one customer of two that are the same. It is an operation like any other: its restore splits them again.

-- The one that stays with what it takes over: what it has not itself; tags and custom of both; notes of both where they fit.
create function api.merge_fields(s app.customer, o app.customer) returns app.customer
language plpgsql stable as $$
declare
    n app.customer;
begin
    n := jsonb_populate_record(s, (select coalesce(jsonb_object_agg(f.key, f.value), '{}') from jsonb_each(to_jsonb(o)) f
        where f.key = any('{email,phone,website,address,city,region,postal_code,country,source}') and to_jsonb(s)->f.key = 'null'));
    if app.phone_key(n.phone, n.country) is distinct from o.phone_key and s.phone is null then
        n.phone := coalesce(o.phone_e164, o.phone);   -- without its country it would be another number here
    end if;
    if s.value is null and s.currency is null then
        n.value := o.value;
        n.currency := o.currency;
    end if;
    n.tags := array(select t.tag from unnest(s.tags || o.tags) with ordinality t(tag, n) group by t.tag order by min(t.n) limit 50);
    if octet_length((o.custom || s.custom)::text) <= 16384 then
        n.custom := o.custom || s.custom;
    end if;
    if s.notes is null or s.notes <> o.notes and char_length(s.notes) + char_length(o.notes) <= 9998 then
        n.notes := concat_ws(e'\n\n', s.notes, o.notes);
    end if;
    n.notes := nullif(n.notes, '');
    return n;
end
$$;

-- Everything that belongs to o, archived or not, belongs to s. The primary contact of s stays the only one; numbers keep their meaning
-- in another country.
create function api.merge_children(s app.customer, o app.customer, land text) returns void
language plpgsql volatile as $$
declare
    led boolean := exists (select from app.contact k where k.org_id = s.org_id and k.customer_id = s.id and k.is_primary and k.archived_at is null);
begin
    update app.contact k set customer_id = s.id, is_primary = k.is_primary and (k.archived_at is not null or not led),
        phone = case when k.phone_e164 is distinct from app.phone_e164(k.phone, land) then coalesce(k.phone_e164, k.phone) else k.phone end
    where k.org_id = o.org_id and k.customer_id = o.id;
    update app.deal k set customer_id = s.id where k.org_id = o.org_id and k.customer_id = o.id;
    update app.activity k set customer_id = s.id where k.org_id = o.org_id and k.customer_id = o.id;
    update app.offer k set customer_id = s.id where k.org_id = o.org_id and k.customer_id = o.id;
end
$$;

-- What o has and n has no place for: the address and the number become a contact, unless there is one; notes that were too long an
-- activity.
create function api.merge_rest(n app.customer, o app.customer) returns void
language plpgsql volatile as $$
declare
    k app.contact;
    a app.activity;
begin
    if o.email_key is distinct from app.email_key(n.email) and not exists (select from app.contact t
            where t.org_id = n.org_id and t.customer_id = n.id and t.email_key = o.email_key and t.archived_at is null) then
        k.email := o.email;
    end if;
    if o.phone_key is distinct from app.phone_key(n.phone, n.country) and not exists (select from app.contact t
            where t.org_id = n.org_id and t.customer_id = n.id and t.phone_key = o.phone_key and t.archived_at is null) then
        k.phone := case when app.phone_key(o.phone, n.country) is distinct from o.phone_key then coalesce(o.phone_e164, o.phone) else o.phone end;
    end if;
    if k.email is not null or k.phone is not null then
        k.is_primary := false;
        perform api.child_create(k, null, jsonb_build_object('customer_id', n.id, 'name', o.name));
    end if;
    -- But not where a segment keeps the notes back and would show the activity: they stay with the other one.
    if o.notes is not null and strpos(n.notes, o.notes) = 0 and not exists (select from app.segment g
            where g.org_id = o.org_id and g.id = any(o.worked_in) and 'notes' = any(g.hides) and 'activities' <> all(g.hides)) then
        a.at := app.now();
        perform api.child_create(a, null, jsonb_build_object('customer_id', n.id, 'kind', 'note', 'author_id', app.me(),
            'subject', left('Notes of ' || o.name, 200), 'body', o.notes));
    end if;
end
$$;

-- Both customers locked, in order, as far as the caller may work with them. 404 and 403 for the one that stays; of the other 403 where
-- he only reads it. 409 where one is archived; then what is wrong with the form.
create function api.merge_locked(id uuid, other uuid, reason text) returns app.customer[]
language plpgsql volatile as $$
declare
    locked uuid[] := array(select c.id from app.customer c where c.org_id = app.org() and c.id in (merge_locked.id, other) order by c.id for no key update);
    s      app.customer;
    o      app.customer;
begin
    perform api.customer_shown(id);
    if app.role() not in ('manager', 'admin') then
        perform app.refuse(403, 'forbidden', 'Customers are merged by a manager or an admin.');
    elsif id <> all(locked) then
        perform app.refuse(403, 'forbidden', 'You can read this customer but not change it.');
    end if;
    select * into s from app.customer c where c.org_id = app.org() and c.id = merge_locked.id;
    select * into o from app.customer c where c.org_id = app.org() and c.id = other;
    if o.id <> all(locked) then
        perform app.refuse_member(403, 'forbidden', '/other', 'forbidden', 'You can read this customer but not change it.');
    elsif s.archived_at is not null then
        perform app.refuse(409, 'archived', 'The customer is archived. Restore it first.');
    elsif o.archived_at is not null then
        perform app.refuse_member(409, 'archived', '/other', 'archived', 'The other customer is archived. Restore it first.');
    elsif o.id = s.id then
        perform app.refuse_member(422, 'invalid_value', '/other', 'same', 'A customer is not merged into itself.');
    elsif o.id is null then
        perform app.refuse_member(422, 'invalid_value', '/other', 'unknown', 'There is no such customer.');
    elsif char_length(btrim(coalesce(reason, ''))) not between 1 and 1000 then
        perform app.refuse_member(422, 'invalid_value', '/reason', 'required', 'Say why.');
    end if;
    return array[s, o];
end
$$;

-- Merges another customer into one, which stays.
create function api.customer_merge(session text, request uuid, retry text, id uuid, body jsonb) returns setof api.customer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    two  app.customer[];
    s    app.customer;
    o    app.customer;
    n    app.customer;
    r    api.customer;
begin
    perform app.enter(session, request, 'customers.merge');
    retry := retry || id;   -- the key is good for this customer alone
    if app.retry_result(retry) is null then
        two := api.merge_locked(id, (body->>'other')::uuid, body->>'reason');
        s := two[1];
        o := two[2];
        n := api.merge_fields(s, o);
        perform app.operation_because(body->>'reason'), api.merge_children(s, o, n.country);
        update app.customer t set archived_at = app.now(), merged_into = s.id where t.org_id = app.org() and t.id = o.id;
        update app.customer t set (email, phone, website, address, city, region, postal_code, country, source, value, currency, notes, tags, custom)
            = (n.email, n.phone, n.website, n.address, n.city, n.region, n.postal_code, n.country, n.source, n.value, n.currency, n.notes, n.tags, n.custom)
        where t.org_id = app.org() and t.id = s.id and n is distinct from s;
        perform api.merge_rest(n, o), app.retry_keep(retry, s.id);
    end if;
    perform app.single();
    r := api.customer_shown(id);
    -- What it shows was the other one's as well.
    perform app.disclose('change', array[r.id, (body->>'other')::uuid], masked => r.masked && '{email,phone,phone_e164}', bytes => pg_column_size(r));
    return next r;
end
$$;
