-- offers.sql: what was offered at which price. A draft is written like any other record; once it is sent it never changes, and its
-- next revision is another one with the same number.

create function api.offer_filters() returns jsonb
language sql immutable as $$
    select jsonb_build_object(
        'customer', 'v.customer_id = any(app.uuids($1->''customer''))',
        'contact', 'v.contact_id = any(app.uuids($1->''contact''))',
        'deal', 'v.deal_id = any(app.uuids($1->''deal''))',
        'number', 'v.number = any(app.texts($1->''number''))',
        'status', 'v.status = any(app.texts($1->''status''))',
        'currency', 'v.currency = any(app.texts($1->''currency''))',
        'valid_at', 'v.valid_from <= ($1->>''valid_at'')::timestamptz and (v.valid_to is null or v.valid_to > ($1->>''valid_at'')::timestamptz)',
        'gross_min', 'v.gross >= ($1->>''gross_min'')::bigint',
        'gross_max', 'v.gross <= ($1->>''gross_max'')::bigint',
        'created_after', 'v.created_at >= ($1->>''created_after'')::timestamptz',
        'created_before', 'v.created_at < ($1->>''created_before'')::timestamptz',
        'updated_after', 'v.updated_at >= ($1->>''updated_after'')::timestamptz',
        'updated_before', 'v.updated_at < ($1->>''updated_before'')::timestamptz')
$$;

-- By number: as numbers, and the revisions of one in their order.
create function api.offer_sorts() returns jsonb
language sql immutable as $$
    select '{"number": ["(left(v.number, 4) || lpad(substr(v.number, 6), 9, ''0'') || lpad(v.revision::text, 5, ''0''))::bigint", "bigint"], "gross": ["v.gross", "bigint"], "valid_until": ["coalesce(v.valid_until, ''infinity'')", "date"], "updated_at": ["v.updated_at", "timestamptz"], "created_at": ["v.created_at", "timestamptz"]}'::jsonb
$$;

create function api.offer_list(session text, request uuid, filter jsonb, archived boolean, fields text[], sort text,
    cursor jsonb, lim int, count text) returns setof api.offer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'offers.list', reads => true);
    return query select * from api.child_page('{}'::api.offer[], null::api.offer, 'offers', api.offer_filters(), api.offer_sorts(),
        filter, archived, fields, sort, cursor, lim, count);
end
$$;

-- An offer as it was at a moment: with what follows from its fields of then.
create function api.offer_at(r api.offer, as_of timestamptz) returns api.offer
language plpgsql stable as $$
declare
    moment timestamptz := least(as_of, app.clock());
    ended  timestamptz := case when r.superseded_at <= as_of then r.superseded_at end;
    total  record;
begin
    r := api.child_at(r, 'offers', moment);
    r.status := case when r.status = 'expired' then 'sent' else r.status end;
    r.sent_at := case when r.status <> 'draft' then r.sent_at end;
    r.decided_at := case when r.status in ('accepted', 'declined') then (select max(h.at) from app.history h
        where h.org_id = app.org() and h.record_id = r.id and h.entity = 'offers' and h.field = 'status' and h.at <= moment) end;
    r.promised_by_name := (select s.name from app.staff s where s.org_id = app.org() and s.id = r.promised_by);
    r.superseded_at := ended;   -- its history has it a moment later than the next revision was sent
    r.valid_from := r.sent_at;
    r.valid_to := app.offer_valid_to(r.status, r.valid_until, r.decided_at, r.superseded_at);
    r.status := app.offer_status(r.status, r.valid_until, (moment at time zone 'UTC')::date);
    select * into total from app.offer_total(r.lines);
    r.net := total.net;
    r.tax := total.tax;
    r.gross := r.net + r.tax;
    return r;
end
$$;

-- An offer with all revisions of its number: which of them was valid when. What happens to one of them makes another entity-tag for
-- all: a mark behind the record's own, which If-Match need not hold (api.offer_tags).
create function api.offer_whole(r api.offer, as_of timestamptz default null) returns api.offer
language plpgsql stable as $$
declare
    revisions jsonb;
begin
    select jsonb_agg(jsonb_build_object('id', (o.v).id, 'revision', (o.v).revision, 'status', (o.v).status, 'gross', (o.v).gross,
        'currency', (o.v).currency, 'sent_at', app.time_json((o.v).sent_at), 'valid_from', app.time_json((o.v).valid_from),
        'valid_to', app.time_json((o.v).valid_to), 'valid_until', (o.v).valid_until, 'archived_at', app.time_json((o.v).archived_at))
        order by (o.v).revision) into revisions
    from api.offer n, lateral (select case when as_of is null then n else api.offer_at(n, as_of) end as v offset 0) o
    where n._org = app.org() and n.number = r.number and (as_of is null or n.created_at <= as_of);
    r._also := jsonb_build_object('revisions', revisions);
    if as_of is null and jsonb_array_length(revisions) > 1 then
        r._etag := r._etag || 'r' || left(md5(revisions::text), 6);
    end if;
    return r;
end
$$;

-- Entity-tags without that mark: a change of a draft has nothing to do with other revisions.
create function api.offer_tags(tags text[]) returns text[]
language sql immutable as $$ select case when tags is not null then array(select regexp_replace(t, 'r[0-9a-f]{6}$', '') from unnest(tags) t) end $$;

-- One offer, now or at an earlier moment.
create function api.offer_get(session text, request uuid, id uuid, as_of timestamptz, if_none_match text[]) returns setof api.offer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    r api.offer;
begin
    perform app.enter(session, request, 'offers.read', reads => true);
    perform app.single();
    r := api.child_shown(r, id);
    if as_of is not null then
        r := api.offer_at(r, as_of);
    end if;
    r := api.offer_whole(r, as_of);
    if app.tag_matches(if_none_match, r._etag) then
        r._status := 304;
    else
        perform app.disclose('read', array[r.customer_id], api.child_classes('offers'));
    end if;
    return next r;
end
$$;

create function api.offer_answer(id uuid, status int) returns api.offer
language sql volatile as $$ select api.offer_whole(api.child_answer(null::api.offer, 'offers', id, status)) $$;

-- What a body may say of an offer; everything else of it comes from what is done with it.
create function api.offer_said(body jsonb, made boolean default false) returns jsonb
language sql immutable as $$
    select coalesce(jsonb_object_agg(b.key, b.value), '{}') from jsonb_each(body) b
    where b.key = any('{contact_id,deal_id,title,currency,lines,valid_until,notes}') or (made and b.key = any('{id,customer_id}'))
$$;

-- A new offer: revision 1 of the next number. Its currency is its customer's where body says no other.
create function api.offer_create(session text, request uuid, retry text, body jsonb) returns setof api.offer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    c    app.customer;
    n    app.offer;
    made uuid;
begin
    perform app.enter(session, request, 'offers.create');
    made := api.child_made(retry);
    if made is null then
        c := api.child_customer((body->>'customer_id')::uuid, 'offers');
        n.currency := case when 'currency' = any(app.kept_back(c.worked_in)) then null else c.currency end;
        if coalesce(body->>'currency', n.currency) is null then
            perform app.refuse_member(422, 'invalid_value', '/currency', 'required', 'The customer has no currency. Say which one this is in.');
        end if;
        n.number := app.offer_number();
        n.revision := 1;
        n.status := 'draft';
        n.lines := '[]';
        made := api.child_create(n, retry, api.offer_said(body, true));
    end if;
    return next api.offer_answer(made, 201);
end
$$;

-- Refuses whatever is to be done with a customer's offer while he is archived.
create function api.offer_live(o app.offer) returns void
language plpgsql stable as $$
begin
    if exists (select from app.customer c where c.org_id = o.org_id and c.id = o.customer_id and c.archived_at is not null) then
        perform app.refuse(409, 'archived', 'The customer is archived. Restore it first.');
    end if;
end
$$;

-- Refuses what is done with drafts alone.
create function api.offer_draft(o app.offer) returns void
language plpgsql stable as $$
begin
    if o.status <> 'draft' then
        perform app.refuse(409, 'offer_sent', 'A sent offer never changes. Revise it.');
    end if;
end
$$;

-- Changes some fields of a draft.
create function api.offer_change(session text, request uuid, id uuid, if_match text[], body jsonb) returns setof api.offer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    o app.offer;
    r api.offer;
begin
    perform app.enter(session, request, 'offers.change');
    o := api.child_locked(o, 'offers', id);
    r := api.child_checked(r, 'offers', id, api.offer_tags(if_match), body);
    if r._status = 412 then
        return next r;
        return;
    end if;
    perform api.offer_live(o), api.offer_draft(o), api.child_write(o, api.offer_said(body));
    return next api.offer_answer(id, 200);
end
$$;

-- Archives a draft; its number stays taken.
create function api.offer_archive(session text, request uuid, id uuid, if_match text[]) returns setof api.offer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    o app.offer;
    r api.offer;
begin
    perform app.enter(session, request, 'offers.archive');
    o := api.child_locked(o, 'offers', id);
    r := api.child_checked(r, 'offers', id, api.offer_tags(if_match), '{}');
    if r._status = 412 then
        return next r;
        return;
    end if;
    perform api.offer_draft(o), api.child_put_away(o);
    return next api.offer_answer(id, 200);
end
$$;
