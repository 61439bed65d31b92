-- batch.sql: many creations and changes of one kind in one request, each by the rules of the single ones.

-- What became of an item, as render_batch of C reads it. _customer is whom it is about.
create type api.batch_row as (_index int, _item json, _held boolean, _id uuid, _state text, _message text, _detail text, _hint text,
    _constraint text, _column text, _pointer text, _why text, _said text, _customer uuid, _atomic boolean, _classification text);

-- What an item of a record that is there answers: json keeps the members in this order.
create function api.batch_answer(entity text, n int, status int, id uuid, out item json, out customer uuid)
language plpgsql volatile set plan_cache_mode = force_generic_plan as $$
declare
    version int;
    etag    text;
begin
    perform app.single();
    -- Four statements that are planned once: one that is put together costs more to plan than a whole item.
    case entity
    when 'customers' then
        select v.version, v._etag, v.id into version, etag, customer from api.customer v where v._org = app.org() and v.id = batch_answer.id;
    when 'contacts' then
        select v.version, v._etag, v.customer_id into version, etag, customer from api.contact v where v._org = app.org() and v.id = batch_answer.id;
    when 'deals' then
        select v.version, v._etag, v.customer_id into version, etag, customer from api.deal v where v._org = app.org() and v.id = batch_answer.id;
    when 'activities' then
        select v.version, v._etag, v.customer_id into version, etag, customer from api.activity v where v._org = app.org() and v.id = batch_answer.id;
    end case;
    if version is null then
        perform app.refuse_missing();
    end if;
    item := case when status = 201 and entity in ('customers', 'contacts')
        then json_build_object('index', n, 'status', status, 'id', id, 'version', version, 'etag', '"' || etag || '"', 'duplicates', api.duplicates_of(entity, id))
        else json_build_object('index', n, 'status', status, 'id', id, 'version', version, 'etag', '"' || etag || '"') end;
end
$$;

-- Does one item. The result is the row of the single call.
create function api.batch_done(entity text, item jsonb, duplicates text) returns jsonb
language plpgsql volatile as $$
declare
    id   uuid := (item->>'id')::uuid;
    tags text[] := app.tags(item->>'if_match');
    body jsonb := item - '{op,if_match}'::text[];
begin
    if item->>'op' = 'create' then
        return case entity
            when 'customers' then to_jsonb(api.customer_made(body, duplicates))
            when 'contacts' then to_jsonb(api.contact_made(null, body, duplicates))
            when 'deals' then jsonb_build_object('id', api.deal_made(null, body))
            when 'activities' then jsonb_build_object('id', api.activity_made(null, body)) end;
    end if;
    body := body - 'id';
    return case entity
        when 'customers' then to_jsonb(api.customer_changed(id, tags, body))
        when 'contacts' then to_jsonb(api.contact_changed(id, tags, body))
        when 'deals' then to_jsonb(api.deal_changed(id, tags, body))
        when 'activities' then to_jsonb(api.activity_changed(id, tags, body)) end;
end
$$;

-- The rows of an item that was refused: one, or one for each member that the refusal names.
create function api.batch_refused(r api.batch_row) returns setof api.batch_row
language plpgsql immutable as $$
declare
    doc jsonb := case when r._state like 'PT%' then nullif(r._detail, '')::jsonb end;
    e   jsonb;
begin
    r._detail := nullif(doc - 'errors', '{}')::text;    -- the other states' texts hold values
    for e in select * from jsonb_array_elements(coalesce(doc->'errors', '[null]')) loop
        r._pointer := e->>'pointer';
        r._why := e->>'code';
        r._said := e->>'detail';
        return next r;
    end loop;
end
$$;

-- Tries one item, and takes back alone what it did where it is refused. Who has seen too much is refused all of the request (429), and so
-- is whoever meets a lock; an item that has to wait does so alone, or is refused where all is to happen together.
create function api.batch_tried(entity text, item jsonb, n int, duplicates text, atomic boolean) returns setof api.batch_row
language plpgsql volatile as $$
declare
    row api.batch_row;
    new boolean := item->>'op' = 'create';
    r   jsonb;
begin
    row._index := n;
    row._atomic := atomic;
    row._classification := app.classification();
    row._id := case when not new then item->>'id' end;
    begin
        r := api.batch_done(entity, item, duplicates);
        if r->>'_status' is null then
            row._id := r->>'id';
            select a.item, a.customer into row._item, row._customer from api.batch_answer(entity, n, case when new then 201 else 200 end, row._id) a;
        elsif r->>'_status' = '202' and not atomic then
            row._held := true;
            row._item := json_build_object('index', n, 'status', 202, 'id', row._id, 'hold', r->'_doc'->'hold');
        elsif r->>'_status' = '202' then
            perform app.refuse(409, 'held', 'This would have to wait for your manager. Send it alone, or with atomic false.');
        end if;
    exception when others then
        get stacked diagnostics row._state = returned_sqlstate, row._message = message_text, row._detail = pg_exception_detail,
            row._hint = pg_exception_hint, row._constraint = constraint_name, row._column = column_name;
        if row._state !~ '^(22|23|42501|PT4)' or row._state = 'PT429' then
            raise;
        end if;
        return query select * from api.batch_refused(row);
        return;
    end;
    -- What was recorded of such a refusal stays (api.stale, api.duplicate_refused).
    if r->>'_status' <> '202' then
        row._state := 'PT' || (r->>'_status');
        row._message := r->>'_code';
        row._hint := r->>'_detail';
        row._detail := r->'_problem';
        return query select * from api.batch_refused(row);
        return;
    end if;
    return next row;
end
$$;

-- The items, each with the id in this member, taken out of it before a join: there it would not be leakproof, and all customers were read.
create function api.batch_ids(items jsonb, member text) returns table (item jsonb, id uuid)
language plpgsql immutable rows 200 as $$ begin return query select i, (i->>member)::uuid from jsonb_array_elements(items) i; end $$;

-- Locks what the items touch before the first of them is done: customers in the order of their ids, then the turns of newcomers. So two
-- batches, or one and a single call of the same person, wait for each other but for no ring.
create function api.batch_lock(entity text, items jsonb) returns void
language plpgsql volatile as $$
declare
    ids    uuid[] := array(select (i->>'id')::uuid from jsonb_array_elements(items) i where i->>'op' = 'change');
    whose  uuid[] := array(select (i->>'customer_id')::uuid from jsonb_array_elements(items) i where i->>'op' = 'create');
    theirs uuid[];
    c      app.customer;
    k      app.contact;
begin
    if entity = 'customers' then
        whose := ids;
    else
        execute format('select array_agg(t.customer_id) from app.%I t where t.org_id = $1 and t.id = any($2)', (select e.singular from app.entity e where e.name = entity))
        into theirs using app.org(), ids;
        whose := whose || theirs;
    end if;
    perform from app.customer t where t.org_id = app.org() and t.id = any(whose) order by t.id for no key update;
    if entity = 'customers' then
        perform api.newcomer_turn(array(select api.newcomer(api.customer_patched(c, i - 'op')) from jsonb_array_elements(items) i where i->>'op' = 'create'));
    elsif entity = 'contacts' then
        perform api.newcomer_turn(array(select api.newcomer(jsonb_populate_record(k, i.item), t.country) from api.batch_ids(items, 'customer_id') i
            left join app.customer t on t.org_id = app.org() and t.id = i.id where i.item->>'op' = 'create'));
    end if;
end
$$;

-- Refuses to give away so many customers, at once or within a day, that a mass update would want a second person for it. Who gives away any does
-- so in his turn, before he has locked any.
create function api.batch_alone(items jsonb) returns void
language plpgsql volatile as $$
declare
    given bigint;
begin
    if not items @? '$[*] ? (@.op == "change").owner_id' then
        return;
    end if;
    perform app.given_turn(app.org(), app.me());
    given := (select count(*) from api.batch_ids(items, 'id') i join app.customer c on c.org_id = app.org() and c.id = i.id
        where i.item->>'op' = 'change' and i.item ? 'owner_id' and (i.item->>'owner_id')::uuid is distinct from c.owner_id);
    if app.given_too_many(given, app.org(), app.me()) then
        perform app.refuse(409, 'needs_approval', 'So many customers are given away by a mass update (POST /v1/bulk), which a second person approves.',
            jsonb_build_object('given', given, 'most', app.approval_above(app.org())));
    end if;
end
$$;

-- Does the items of a body one by one under one operation: where atomic, which it is unless it says otherwise, all or none. The numbers of
-- those that C refused are in _wrong. A record is changed once in a batch, or nobody could tell which change his entity-tag is of.
create function api.batch_run(entity text, retry text, body jsonb, duplicates text default 'tell') returns setof api.batch_row
language plpgsql volatile as $$
declare
    atomic boolean := coalesce((body->>'atomic')::boolean, true);
    items  jsonb[] := array(select i.v from jsonb_array_elements(body->'items') with ordinality i(v, n) order by i.n);
    wrong  int[] := array(select (jsonb_array_elements_text(body->'_wrong'))::int);
    fit    jsonb;
    rows   api.batch_row[] := '{}';
    row    api.batch_row;
    known  uuid[] := '{}';
begin
    if app.role() = 'auditor' then
        perform app.refuse(403, 'forbidden', 'An auditor writes nothing.');
    elsif cardinality(items) = 0 then
        perform app.refuse_member(422, 'invalid_value', '/items', 'count', 'At least one item.');
    elsif app.retry_result(retry) is not null then
        return query select * from api.batch_again(entity, app.retry_results(retry));
        return;
    end if;
    fit := coalesce((select jsonb_agg(i.v) from unnest(items) with ordinality i(v, n) where i.n - 1 <> all(wrong)), '[]');
    if entity = 'customers' then
        perform api.batch_alone(fit);
    end if;
    perform api.batch_lock(entity, fit);
    begin
        for i in 0 .. cardinality(items) - 1 loop
            row := null;
            row._index := i;
            row._atomic := atomic;
            if i = any(wrong) then
                rows := rows || row;
            elsif items[i + 1]->>'op' = 'change' and (items[i + 1]->>'id')::uuid = any(known) then
                row._id := items[i + 1]->>'id';
                row._state := 'PT422';
                row._message := 'invalid_value';
                row._pointer := '/id';
                row._why := 'duplicate';
                row._said := 'An item before changes it already.';
                rows := rows || row;
            else
                rows := rows || array(select t from api.batch_tried(entity, items[i + 1], i, duplicates, atomic) t);
                known := known || case when items[i + 1]->>'op' = 'change' then (items[i + 1]->>'id')::uuid end;
            end if;
        end loop;
        if atomic and exists (select from unnest(rows) t where t._item is null) then
            raise exception 'none' using errcode = 'HB000';
        end if;
        -- No field of theirs is shown, but that they are there is; what a hold is of was seen when it was made.
        perform app.disclose('change', array(select distinct t._customer from unnest(rows) t where t._customer is not null), 'base', masked => true);
        perform app.retry_keep(retry, app.operation_id(), (select jsonb_agg(to_jsonb(t) - '{_item,_customer,_classification}'::text[]
            || jsonb_build_object('_status', t._item->'status', '_hold', t._item->'hold')) from unnest(rows) t));
    exception when sqlstate 'HB000' then
        null;
    end;
    -- Each one counts as it would alone, or two hundred guesses would be one.
    perform app.refused(app.role(), format('POST /v1/%s/batch', entity), t.status, t._message, t._id, null)
    from (select distinct on (w._index) w._index, w._id, case when w._state = '42501' then 'forbidden' else w._message end as _message,
            case w._state when 'PT404' then 404 else 403 end as status
        from unnest(rows) w where w._state in ('PT403', 'PT404', '42501') order by w._index) t;
    return query select t.* from unnest(rows) t;
end
$$;

-- The answer to a repetition: what the items did then, as they are now and as far as the caller sees them.
create function api.batch_again(entity text, results jsonb) returns setof api.batch_row
language plpgsql volatile as $$
declare
    rows api.batch_row[] := '{}';
    row  api.batch_row;
    was  jsonb;
begin
    for was in select * from jsonb_array_elements(results) loop
        row := jsonb_populate_record(null::api.batch_row, was);
        row._classification := app.classification();
        -- The values that it showed then are shown no more.
        row._detail := nullif(row._detail::jsonb - '{conflicts,duplicates}'::text[], '{}')::text;
        if was->>'_status' = '202' then
            row._item := json_build_object('index', row._index, 'status', 202, 'id', row._id, 'hold', was->'_hold');
        elsif was->>'_status' is not null then
            begin
                select a.item, a.customer into row._item, row._customer from api.batch_answer(entity, row._index, (was->>'_status')::int, row._id) a;
            exception when sqlstate 'PT404' then
                row._state := 'PT404';
                row._message := 'not_found';
            end;
        end if;
        rows := rows || row;
    end loop;
    perform app.disclose('change', array(select distinct t._customer from unnest(rows) t where t._customer is not null), 'base', masked => true);
    return query select t.* from unnest(rows) t;
end
$$;

create function api.customer_batch(session text, request uuid, retry text, duplicates text, body jsonb) returns setof api.batch_row
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'customers.batch');
    return query select * from api.batch_run('customers', retry, body, duplicates);
end
$$;

create function api.contact_batch(session text, request uuid, retry text, duplicates text, body jsonb) returns setof api.batch_row
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'contacts.batch');
    return query select * from api.batch_run('contacts', retry, body, duplicates);
end
$$;

create function api.deal_batch(session text, request uuid, retry text, body jsonb) returns setof api.batch_row
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'deals.batch');
    return query select * from api.batch_run('deals', retry, body);
end
$$;

create function api.activity_batch(session text, request uuid, retry text, body jsonb) returns setof api.batch_row
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'activities.batch');
    return query select * from api.batch_run('activities', retry, body);
end
$$;
