-- imports.sql: what became of an import, and taking it back.

-- How one stands: what ended half-way has ended when it is taken back.
create function api.import_status(settled boolean, status text) returns text
language sql immutable as $$ select case when settled or status = 'queued' then status else 'running' end $$;

create view api.import with (security_invoker = true) as
select i.id, i.entity, i.dry_run, api.import_status(i.settled, j.status) as status, j.why, j.done, j.total, i.rows, i.good, i.bad, i.skipped, i.source, i.lawful_basis, i.staff_id, s.name as staff_name,
    i.created_at, case when i.settled then j.finished_at end as finished_at, i.org_id as _org, null::text as _next, null::boolean as _tail
from app.import i
join app.job j on j.org_id = i.org_id and j.id = i.id
left join app.staff s on s.org_id = i.org_id and s.id = i.staff_id;

create type api.import_record as (line int, record_id uuid, _next jsonb, _tail boolean);
create type api.import_wrong as (line int, "column" text, code text, detail text, _next jsonb, _tail boolean);
-- What came to an end: a document, or a problem that is recorded though it refuses.
create type api.import_answer as (_doc jsonb, _status int, _location text, _classification text, _code text, _detail text, _problem jsonb);
create type api.import_refused_row as (line int, why text, fields jsonb, _classification text);

create function api.import_filters() returns jsonb
language sql immutable as $$
    select jsonb_build_object('entity', 'v.entity = any(app.texts($1->''entity''))', 'staff', 'v.staff_id = any(app.uuids($1->''staff''))',
        'record', 'v.id in (select w.import_id from app.import_row w where w.org_id = $4 and w.record_id = ($1->>''record'')::uuid)')
$$;

-- The imports of the caller and of those below him, newest first.
create function api.import_list(session text, request uuid, filter jsonb, cursor jsonb, lim int) returns setof api.import
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows api.import[];
    tail api.import;
begin
    perform app.enter(session, request, 'imports.list', reads => true);
    lim := least(lim, 200);
    execute format('select array(select v from api.import v where v._org = $4%s%s order by v.id desc limit $3 + 1)',
        app.filter_sql(filter, api.import_filters()), case when cursor is null then '' else ' and v.id < ($2->>0)::uuid' end)
    into rows using filter, cursor, lim, app.org();
    tail._tail := true;
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim].id);
    end if;
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- An import that the caller may look at; 404 where hidden or missing, or still on its way.
create function api.import_seen(id uuid) returns app.import
language plpgsql stable as $$
declare
    i app.import;
begin
    select t.* into i from app.import t join app.job j on j.org_id = t.org_id and j.id = t.id where t.org_id = app.org() and t.id = import_seen.id;
    if not found then
        perform app.refuse_missing();
    end if;
    return i;
end
$$;

-- The first of its duplicates: those in the base by what the caller sees of them, masked.
create function api.import_duplicates_shown(i app.import) returns jsonb
language plpgsql volatile as $$
declare
    list  jsonb;
    shown uuid[];
begin
    select coalesce(jsonb_agg(jsonb_build_object('line', d->'line', 'kind', d->'kind', 'matched', d->'matched') || case when d->>'kind' = 'file' then '{}' else
            jsonb_build_object('entity', d->'entity', 'id', d->'id', 'name', c.name, 'email', app.mask_email(c.email), 'phone', app.mask_phone(c.phone)) end order by n), '[]'),
        array_agg(distinct c.id) filter (where c.id is not null) into list, shown
    -- Its id is taken out of the document first: as a part of the join's condition, which is not leakproof then, it cost a look at all customers.
    from (select u.d, (u.d->>'customer_id')::uuid as customer, u.n from jsonb_array_elements(i.duplicates_seen) with ordinality u(d, n) offset 0) u
    left join app.customer c on c.org_id = i.org_id and c.id = u.customer
    where d->>'kind' = 'file' or c.id is not null;
    perform app.disclose('duplicate', shown, 'base contact', masked => true);
    return list;
end
$$;

create function api.import_doc(i app.import) returns jsonb
language plpgsql volatile as $$
declare
    j    app.job;
    mine boolean := app.role() <> 'auditor';
begin
    select * into j from app.job t where t.org_id = i.org_id and t.id = i.id;
    return jsonb_build_object('id', i.id, 'status', api.import_status(i.settled, j.status), 'why', j.why, 'done', j.done, 'total', j.total, 'entity', i.entity, 'dry_run', i.dry_run,
            'rows', i.rows, 'good', i.good, 'bad', i.bad, 'skipped', i.skipped, 'duplicate_count', i.duplicate_count, 'encoding', i.encoding, 'delimiter', i.delimiter,
            'source', i.source, 'lawful_basis', i.lawful_basis, 'requested_by', i.staff_id,
            'operation_id', (select o.id from app.operation o where o.org_id = i.org_id and o.id = i.operation_id), 'taken_back', i.taken_back)
        || jsonb_build_object('created_at', app.time_json(i.created_at), 'started_at', app.time_json(j.started_at), 'finished_at', case when i.settled then app.time_json(j.finished_at) end,
            'eta', case when j.status = 'running' and j.done > 0 then app.time_json(app.clock() + (app.clock() - j.started_at) * (j.total - j.done) / j.done) end,
            'mapping', (select jsonb_object_agg(h, i.targets[n] order by n) from unnest(i.header) with ordinality u(h, n) where i.targets[n] is not null),
            'unmapped', array(select h from unnest(i.header) with ordinality u(h, n) where i.targets[n] is null order by n),
            'errors', (select coalesce(jsonb_agg(e), '[]') from (select jsonb_build_object('line', e.line) || w.e as e from app.import_error e, jsonb_array_elements(e.errors) w(e)
                where e.org_id = i.org_id and e.import_id = i.id order by e.line limit 20) e),
            'duplicates', api.import_duplicates_shown(i), 'sample', case when mine then i.sample else '[]' end);
end
$$;

-- 201 with what went in, 200 with what would, 202 while it waits; 422 where nothing was to go in with errors among it.
create function api.import_answer(id uuid) returns api.import_answer
language plpgsql volatile as $$
declare
    i app.import := api.import_seen(id);
    a api.import_answer;
begin
    a._doc := api.import_doc(i);
    a._classification := app.classification();
    a._location := '/v1/imports/' || id;
    a._status := case when a._doc->>'status' in ('queued', 'running') then 202 when i.dry_run then 200 else 201 end;
    if a._status = 202 then
        a._doc := jsonb_build_object('id', i.id, 'status', a._doc->'status', 'done', a._doc->'done', 'total', a._doc->'total');
    elsif a._doc->>'status' = 'failed' then
        a._status := 422;
        a._code := 'bad_rows';
        a._detail := format('%s of %s rows are wrong, and nothing went in. See /v1/imports/%s/errors.', i.bad, i.rows, i.id);
        a._problem := jsonb_build_object('import_id', i.id, 'rows', a._doc->'errors');
    end if;
    return a;
end
$$;

create function api.import_get(session text, request uuid, id uuid) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    d api.document;
begin
    perform app.enter(session, request, 'imports.read', reads => true);
    d._doc := api.import_doc(api.import_seen(id));
    d._classification := app.classification();
    return next d;
end
$$;

-- Which line became which record.
create function api.import_rows(session text, request uuid, id uuid, cursor jsonb, lim int) returns setof api.import_record
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    i    app.import;
    rows api.import_record[];
    tail api.import_record;
begin
    perform app.enter(session, request, 'imports.rows', reads => true);
    i := api.import_seen(id);
    lim := least(lim, 200);
    rows := array(select row(w.line, w.record_id, null, null)::api.import_record from app.import_row w
        where w.org_id = i.org_id and w.import_id = i.id and w.line > coalesce((cursor->>0)::int, 0) order by w.line limit lim + 1);
    tail._tail := true;
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim].line);
    end if;
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- What is wrong with which line.
create function api.import_errors(session text, request uuid, id uuid, cursor jsonb, lim int) returns setof api.import_wrong
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    i    app.import;
    rows api.import_wrong[];
    tail api.import_wrong;
begin
    perform app.enter(session, request, 'imports.errors', reads => true);
    i := api.import_seen(id);
    lim := least(lim, 200);
    rows := array(select row(e.line, w.e->>'column', w.e->>'code', w.e->>'detail', jsonb_build_array(e.line, w.n), null)::api.import_wrong
        from (select * from app.import_error t where t.org_id = i.org_id and t.import_id = i.id and t.line >= coalesce((cursor->>0)::int, 0)
            order by t.line limit lim + 2) e, jsonb_array_elements(e.errors) with ordinality w(e, n)
        where cursor is null or (e.line, w.n) > ((cursor->>0)::int, (cursor->>1)::bigint) order by e.line, w.n limit lim + 1);
    tail._tail := true;
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := rows[lim]._next;
    end if;
    return query select r.line, r."column", r.code, r.detail, null::jsonb, null::boolean from unnest(rows) r;
    return next tail;
end
$$;

-- The rows that did not go in, a hundred behind a line or a few that are long; the first one is the header, which without a line is all.
-- Whoever asks for it is remembered, for he takes them away.
create function api.import_refused(session text, request uuid, id uuid, after int default null) returns setof api.import_refused_row
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    i     app.import;
    r     api.import_refused_row;
    bytes int := 0;
begin
    perform app.enter(session, request, 'imports.refused', reads => true);
    i := api.import_seen(id);
    if app.role() = 'auditor' then
        perform app.refuse(403, 'forbidden', 'An auditor does not see what is in a file.');
    elsif after is null then
        perform app.event('imports.errors', i.id, i.bad);
    end if;
    return next row(0, null, to_jsonb(i.header), app.classification())::api.import_refused_row;
    -- One by one: a row may have a megabyte, and nobody holds a hundred of them.
    for r.line in select e.line from app.import_error e where e.org_id = i.org_id and e.import_id = i.id and e.line > after order by e.line limit 100 loop
        select (select string_agg(concat_ws(': ', w->>'column', w->>'detail'), ' ') from jsonb_array_elements(e.errors) w), to_jsonb(e.fields)
        into r.why, r.fields
        from app.import_error e where e.org_id = i.org_id and e.import_id = i.id and e.line = r.line;
        return next r;
        bytes := bytes + octet_length(r.fields::text);
        exit when bytes >= api.export_part_bytes();
    end loop;
end
$$;

-- Stops one that waits or runs. What went in is taken back by the job process.
create function api.import_cancel(session text, request uuid, id uuid) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    i app.import;
    d api.document;
begin
    perform app.enter(session, request, 'imports.cancel');
    i := api.import_seen(id);
    if i.staff_id <> app.me() then
        perform app.refuse(403, 'forbidden', 'Only whoever sent a file stops it.');
    end if;
    update app.job j set status = 'cancelled', why = 'cancelled', finished_at = app.clock()
    where j.org_id = i.org_id and j.id = i.id and j.status in ('queued', 'running');
    if not found then
        perform app.refuse(409, 'ended', 'This import has ended.');
    end if;
    d._doc := api.import_doc(i);
    d._classification := app.classification();
    return next d;
end
$$;

-- Takes back what an import made: the restore of its operation.
create function api.import_undo(session text, request uuid, retry text, id uuid, body jsonb) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    i       app.import;
    restore uuid;
    scope   jsonb;
begin
    perform app.enter(session, request, 'imports.undo');
    i := api.import_seen(id);
    scope := jsonb_build_object('operation', i.operation_id);
    if i.settled and i.taken_back is not null or not exists (select from app.operation o where o.org_id = i.org_id and o.id = i.operation_id) then
        perform app.refuse(409, 'nothing_to_undo', 'Nothing of this import is in.');
    end if;
    perform api.scope_authorize(scope);
    restore := app.retry_result(retry);
    if restore is null then
        restore := api.restore_begin(scope, body->>'reason', i.operation_id);
        perform app.retry_keep(retry, restore);
    end if;
    return next api.restore_answer(restore);
end
$$;
