-- contacts.sql: the people at a customer.

create function api.contact_filters() returns jsonb
language sql immutable as $$
    select jsonb_build_object(
        'customer', 'v.customer_id = any(app.uuids($1->''customer''))',
        'name', 'v.name = any(app.texts($1->''name''))',
        'primary', 'v.is_primary = ($1->>''primary'')::boolean',
        'email', 'v.id in (select k.id from app.contact k where k.org_id = $5 and k.email_key = app.email_key($1->>''email'')) and ''email'' <> all(v._hidden)',
        'phone', 'v.id in (select k.id from app.contact k join app.customer c on c.org_id = k.org_id and c.id = k.customer_id where k.org_id = $5 '
            'and k.phone_key = any((select app.phone_keys($1->>''phone''))::text[]) and app.phone_means(k.phone_key, c.country, $1->>''phone'')) and ''phone'' <> all(v._hidden)',
        'created_after', 'v.created_at >= ($1->>''created_after'')::timestamptz',
        'created_before', 'v.created_at < ($1->>''created_before'')::timestamptz',
        'updated_after', 'v.updated_at >= ($1->>''updated_after'')::timestamptz',
        'updated_before', 'v.updated_at < ($1->>''updated_before'')::timestamptz')
$$;

create function api.contact_sorts() returns jsonb
language sql immutable as $$
    select '{"name": ["v.name", "text"], "updated_at": ["v.updated_at", "timestamptz"], "created_at": ["v.created_at", "timestamptz"]}'::jsonb
$$;

create function api.contact_list(session text, request uuid, filter jsonb, archived boolean, fields text[], sort text,
    cursor jsonb, lim int, count text) returns setof api.contact
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'contacts.list', reads => true);
    return query select * from api.child_page('{}'::api.contact[], null::api.contact, 'contacts', api.contact_filters(), api.contact_sorts(),
        filter, archived, fields, sort, cursor, lim, count);
end
$$;

-- One contact, now or at an earlier moment.
create function api.contact_get(session text, request uuid, id uuid, as_of timestamptz, if_none_match text[]) returns setof api.contact
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'contacts.read', reads => true);
    return next api.child_get(null::api.contact, 'contacts', id, as_of, if_none_match);
end
$$;

-- Makes the contact that a body describes, as api.customer_made. The first of a customer is its primary one where body says nothing else.
create function api.contact_made(retry text, body jsonb, duplicates text) returns api.contact
language plpgsql volatile as $$
declare
    c      app.customer := api.child_customer((body->>'customer_id')::uuid, 'contacts');
    n      app.contact;
    r      api.contact;
    found_ jsonb;
begin
    perform api.newcomer_turn(array[api.newcomer(jsonb_populate_record(n, body), c.country)]);
    if duplicates = 'refuse' then
        found_ := api.duplicates(api.newcomer(jsonb_populate_record(n, body), c.country));
        if found_ <> '[]' then
            return api.duplicate_refused(r, found_);
        end if;
    end if;
    -- The first one is whom to ask for first.
    n.is_primary := not exists (select from app.contact k where k.org_id = c.org_id and k.customer_id = c.id and k.is_primary and k.archived_at is null);
    r.id := api.child_create(n, retry, body);
    perform api.duplicates_hidden(api.newcomer(k, c.country)) from app.contact k where k.org_id = app.org() and k.id = r.id;
    return r;
end
$$;

-- A new contact. Duplicates as in customer_create.
create function api.contact_create(session text, request uuid, retry text, body jsonb, duplicates text default 'tell')
returns setof api.contact
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    r      api.contact;
    made   uuid;
    found_ jsonb;
begin
    perform app.enter(session, request, 'contacts.create');
    made := api.child_made(retry);
    if made is null then
        r := api.contact_made(retry, body, duplicates);
        if r._status = 409 then
            return next r;
            return;
        end if;
        made := r.id;
    end if;
    found_ := api.duplicates_of('contacts', made);
    r := api.child_answer(null::api.contact, 'contacts', made, 201);
    r._also := jsonb_build_object('duplicates', found_);
    return next r;
end
$$;

-- As api.customer_tried.
create function api.contact_tried(c app.contact, body jsonb) returns jsonb
language plpgsql volatile as $$
declare
    n    app.contact := jsonb_populate_record(c, body);
    held text;
begin
    if (n.email, n.phone) is not distinct from (c.email, c.phone) then
        perform api.child_write(c, body);
        return null;
    end if;
    begin
        perform api.child_write(c, body);
    exception when sqlstate 'PT409' then
        if sqlerrm <> 'held' then
            raise;
        end if;
        get stacked diagnostics held = pg_exception_detail;
    end;
    return held;
end
$$;

-- Changes some fields of one contact. The row is a 202 with the hold where it has to wait, or a 412.
create function api.contact_changed(id uuid, if_match text[], body jsonb) returns api.contact
language plpgsql volatile as $$
declare
    c app.contact;
    r api.contact;
    held jsonb;
begin
    c := api.child_locked(c, 'contacts', id);
    r := api.child_checked(r, 'contacts', id, if_match, body);
    if r._status = 412 then
        return r;
    end if;
    held := api.contact_tried(c, body);
    if held is not null then
        return api.held(r, app.hold('contacts', c.id, c.customer_id, c.version, body, held), held);
    end if;
    return r;
end
$$;

-- The same as an answer.
create function api.contact_change(session text, request uuid, id uuid, if_match text[], body jsonb) returns setof api.contact
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    r api.contact;
begin
    perform app.enter(session, request, 'contacts.change');
    r := api.contact_changed(id, if_match, body);
    return next case when r._status is null then api.child_answer(r, 'contacts', id, 200) else r end;
end
$$;

-- Archives one. 412 and 409 as in a change.
create function api.contact_archive(session text, request uuid, id uuid, if_match text[]) returns setof api.contact
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    c app.contact;
    r api.contact;
begin
    perform app.enter(session, request, 'contacts.archive');
    c := api.child_locked(c, 'contacts', id);
    r := api.child_checked(r, 'contacts', id, if_match, '{}');
    if r._status = 412 then
        return next r;
        return;
    end if;
    perform api.child_put_away(c);
    return next api.child_answer(r, 'contacts', id, 200);
end
$$;
