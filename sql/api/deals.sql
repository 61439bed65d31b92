-- deals.sql: chances to sell something.

-- Refuses a change that a deal's status forbids: 422 where it is closed without a reason, 409 where it is closed already. was is null
-- for a new one.
create function api.deal_closes(body jsonb, was text default 'open') returns void
language plpgsql stable as $$
declare
    closes boolean := coalesce(body->>'status', 'open') <> 'open';
begin
    if was <> 'open' and (body->>'status' is distinct from 'open' and body - 'notes' <> '{}') then
        perform app.refuse(409, 'deal_closed', format('This deal is %s already. Set its status to open to change it.', was));
    elsif closes and btrim(coalesce(body->>'reason', '')) = '' then
        perform app.refuse_member(422, 'invalid_value', '/reason', 'required', 'Say why it was won or lost.');
    end if;
end
$$;

create function api.deal_filters() returns jsonb
language sql immutable as $$
    select jsonb_build_object(
        'customer', 'v.customer_id = any(app.uuids($1->''customer''))',
        'stage', 'v.stage = any(app.texts($1->''stage''))',
        'status', 'v.status = any(app.texts($1->''status''))',
        'currency', 'v.currency = any(app.texts($1->''currency''))',
        'amount_min', 'v.amount >= ($1->>''amount_min'')::bigint',
        'amount_max', 'v.amount <= ($1->>''amount_max'')::bigint',
        'close_after', 'v.expected_close >= ($1->>''close_after'')::date',
        'close_before', 'v.expected_close < ($1->>''close_before'')::date',
        'created_after', 'v.created_at >= ($1->>''created_after'')::timestamptz',
        'created_before', 'v.created_at < ($1->>''created_before'')::timestamptz',
        'updated_after', 'v.updated_at >= ($1->>''updated_after'')::timestamptz',
        'updated_before', 'v.updated_at < ($1->>''updated_before'')::timestamptz')
$$;

create function api.deal_sorts() returns jsonb
language sql immutable as $$
    select '{"title": ["v.title", "text"], "amount": ["coalesce(v.amount, -1)", "bigint"], "expected_close": ["coalesce(v.expected_close, ''infinity'')", "date"], "updated_at": ["v.updated_at", "timestamptz"], "created_at": ["v.created_at", "timestamptz"]}'::jsonb
$$;

create function api.deal_list(session text, request uuid, filter jsonb, archived boolean, fields text[], sort text,
    cursor jsonb, lim int, count text) returns setof api.deal
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'deals.list', reads => true);
    return query select * from api.child_page('{}'::api.deal[], null::api.deal, 'deals', api.deal_filters(), api.deal_sorts(),
        filter, archived, fields, sort, cursor, lim, count);
end
$$;

-- One deal, now or at an earlier moment.
create function api.deal_get(session text, request uuid, id uuid, as_of timestamptz, if_none_match text[]) returns setof api.deal
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'deals.read', reads => true);
    return next api.child_get(null::api.deal, 'deals', id, as_of, if_none_match);
end
$$;

-- Makes the deal that a body describes; returns its id. Its stage is its customer's where body says nothing else.
create function api.deal_made(retry text, body jsonb) returns uuid
language plpgsql volatile as $$
declare
    c app.customer := api.child_customer((body->>'customer_id')::uuid, 'deals');
    n app.deal;
begin
    n.status := 'open';
    n.stage := c.stage;
    perform api.deal_closes(body);
    return api.child_create(n, retry, body);
end
$$;

-- A new one, as an answer.
create function api.deal_create(session text, request uuid, retry text, body jsonb) returns setof api.deal
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'deals.create');
    return next api.child_answer(null::api.deal, 'deals', coalesce(api.child_made(retry), api.deal_made(retry, body)), 201);
end
$$;

-- Changes some fields of one deal; the row is a 412, or as it was. A closed one is opened again before anything else of it is changed: 409
-- deal_closed.
create function api.deal_changed(id uuid, if_match text[], body jsonb) returns api.deal
language plpgsql volatile as $$
declare
    c app.deal;
    r api.deal;
begin
    c := api.child_locked(c, 'deals', id);
    r := api.child_checked(r, 'deals', id, if_match, body);
    if r._status is null then
        perform api.deal_closes(body, c.status);
        perform api.child_write(c, body);
    end if;
    return r;
end
$$;

-- The same as an answer.
create function api.deal_change(session text, request uuid, id uuid, if_match text[], body jsonb) returns setof api.deal
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    r api.deal;
begin
    perform app.enter(session, request, 'deals.change');
    r := api.deal_changed(id, if_match, body);
    return next case when r._status is null then api.child_answer(r, 'deals', id, 200) else r end;
end
$$;

-- Archives one. 412 and 409 as in a change.
create function api.deal_archive(session text, request uuid, id uuid, if_match text[]) returns setof api.deal
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    c app.deal;
    r api.deal;
begin
    perform app.enter(session, request, 'deals.archive');
    c := api.child_locked(c, 'deals', id);
    r := api.child_checked(r, 'deals', id, if_match, '{}');
    if r._status = 412 then
        return next r;
        return;
    end if;
    perform api.child_put_away(c);
    return next api.child_answer(r, 'deals', id, 200);
end
$$;
