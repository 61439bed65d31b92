-- imports_parts.sql: a file comes: its header, its rows in parts, its end. lib/upload.c calls these in turn for one request.

create type api.import_begun as (id uuid);

-- Refuses a file for one of its columns.
create function api.import_refuse_column(why text, hint text) returns void
language sql volatile as $$
    select app.refuse(422, 'invalid_file', hint, jsonb_build_object('errors', jsonb_build_array(jsonb_build_object('pointer', '#line=1', 'code', why, 'detail', hint))))
$$;

-- The same for what somebody said of a column.
create function api.import_refuse_mapping(named text, why text, hint text) returns void
language sql volatile as $$
    select app.refuse_member(422, 'invalid_value', '/mapping' || coalesce('/' || replace(replace(named, '~', '~0'), '/', '~1'), ''), why, hint)
$$;

-- The names of the columns; what has no name gets its number for one.
create function api.import_header(header text[]) returns text[]
language plpgsql volatile as $$
declare
    names text[] := array(select coalesce(nullif(btrim(h), ''), '#' || n) from unnest(header) with ordinality u(h, n) order by n);
    twice text := (select string_agg(format('"%s"', h), ', ' order by h) from (select min(h) as h from unnest(names) h group by lower(h) having count(*) > 1) t);
begin
    if twice is not null then
        perform api.import_refuse_column('duplicate_column', format('The file has more than one column of the name %s.', twice));
    elsif exists (select from unnest(names) h where char_length(h) > 200) then
        perform api.import_refuse_column('length', 'The name of a column has more than 200 characters.');
    end if;
    return names;
end
$$;

-- The member that each column becomes: as it was said, else as its name suggests; null for none.
create function api.import_mapped(entity text, header text[], mapping text) returns text[]
language plpgsql volatile as $$
declare
    said    jsonb := '{}';
    targets text[] := '{}';
    m       record;
    h       text;
begin
    begin
        said := coalesce(mapping, '{}')::jsonb;
    exception when data_exception then
        said := '[]';
    end;
    if jsonb_typeof(said) <> 'object' then
        perform api.import_refuse_mapping(null, 'type', 'This is a JSON object of column names and members.');
    end if;
    for m in select * from jsonb_each(said) order by key loop
        if m.key <> all(header) then
            perform api.import_refuse_mapping(m.key, 'unknown', 'The file has no such column.');
        elsif m.value <> 'null' and (jsonb_typeof(m.value) <> 'string' or not (exists (select from app.import_targets(entity) t where t.name = m.value #>> '{}')
                or entity = 'customers' and m.value #>> '{}' ~ '^custom[.].{1,40}$')) then
            perform api.import_refuse_mapping(m.key, 'unknown', format('There is no such member. Of: %s%s.',
                (select string_agg(t.name, ', ' order by t.name) from app.import_targets(entity) t), case entity when 'customers' then ', custom.<name>' else '' end));
        elsif exists (select from jsonb_each(said) o where o.value = m.value and o.key < m.key and m.value <> 'null') then
            perform api.import_refuse_mapping(m.key, 'duplicate', 'Two columns cannot become the same member.');
        end if;
    end loop;
    foreach h in array header loop
        targets := targets || case when said ? h then said->>h else (
            select t.name from app.import_targets(entity) t
            where app.import_word(regexp_replace(h, '([a-z])([A-Z])', '\1 \2', 'g')) in (select app.import_word(w) from unnest(t.words) w)
              and t.name <> all(array_remove(targets, null)) and not exists (select from jsonb_each_text(said) o where o.value = t.name)
            order by array_position(t.words, app.import_word(h)) limit 1) end;
    end loop;
    return targets;
end
$$;

-- Begins with the header. retry is looked at when the whole file is there (api.import_end), for the file is a part of what it is the key of.
create function api.import_begin(session text, request uuid, retry text, entity text, dry_run boolean, mapping text, encoding text, delimiter text,
    nulls text, decimal_mark text, dates text, on_error text, duplicates text, source text, lawful_basis text, header text[] default null)
returns setof api.import_begun
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    i       app.import;
    missing text;
begin
    perform app.enter(session, request, 'imports.create');
    if app.role() not in ('manager', 'admin') then
        perform app.refuse(403, 'forbidden', 'Managers and admins import.');
    end if;
    missing := case when not dry_run and source is null then 'source' when not dry_run and lawful_basis is null then 'lawful_basis' end;
    if missing is not null then
        perform app.refuse_member(422, 'invalid_value', '/' || missing, 'required', case missing when 'source' then 'Say where these come from.'
            else 'Say who declared on what ground that these people may be worked with.' end);
    end if;
    i.header := api.import_header(header);
    i.targets := api.import_mapped(entity, i.header, mapping);
    missing := (select string_agg(t.name, ', ') from unnest(case entity when 'customers' then '{name}'::text[] when 'contacts' then '{customer,name}' else '{customer}' end) t(name)
        where t.name <> all(array_remove(i.targets, null)));
    if missing is not null then
        perform api.import_refuse_mapping(null, 'required', format('No column becomes %s. Name one in mapping.', missing));
    end if;
    perform pg_advisory_xact_lock(hashtextextended('imports ' || app.me(), 0));
    if (select count(*) from app.import t where t.org_id = app.org() and t.staff_id = app.me() and not t.settled) >= 20 then
        perform app.refuse(409, 'too_many_open', 'Twenty of your imports are open. Wait until one of them is done.', '{"retry_after": 60}');
    end if;
    i.id := app.uuid7();
    insert into app.import (org_id, id, staff_id, entity, dry_run, header, targets, encoding, delimiter, nulls, decimal_mark, dates, on_error, duplicates,
        source, lawful_basis, operation_id, checks, created_at)
    values (app.org(), i.id, app.me(), entity, dry_run, i.header, i.targets, encoding, delimiter, nulls, decimal_mark, dates, on_error, duplicates,
        source, lawful_basis, app.uuid7(), dry_run or on_error = 'refuse', app.now());
    return next row(i.id)::api.import_begun;
end
$$;

-- Puts the next rows aside. others are rows with more or fewer fields than the header, which are errors whatever is in them.
create function api.import_part(session text, request uuid, id uuid, n int, lines int[], columns text[], odd jsonb, others jsonb)
returns setof api.import_begun
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    i     app.import;
    wrong int;
begin
    perform app.enter(session, request, 'imports.create');
    select * into i from app.import t where t.org_id = app.org() and t.id = import_part.id and t.staff_id = app.me() for no key update;
    if not found or exists (select from app.job j where j.org_id = i.org_id and j.id = i.id) then
        perform app.refuse_missing();
    end if;
    if cardinality(lines) > 0 then
        insert into app.import_part (org_id, import_id, n, lines, columns, odd) values (i.org_id, i.id, n, lines, columns, odd);
    end if;
    insert into app.import_error (org_id, import_id, line, errors, fields)
    select i.org_id, i.id, (o->>'line')::int, jsonb_build_array(jsonb_build_object('column', null, 'code', 'columns',
            'detail', format('The row has %s fields, the header %s.', jsonb_array_length(o->'fields'), cardinality(i.header)))),
        array(select jsonb_array_elements_text(o->'fields'))
    from jsonb_array_elements(others) o;
    get diagnostics wrong = row_count;
    update app.import t set rows = t.rows + cardinality(import_part.lines) + wrong, bad = t.bad + wrong where t.org_id = i.org_id and t.id = i.id;
    return next row(i.id)::api.import_begun;
end
$$;

-- The whole file is there. Up to 1,000 rows are done at once, more are left to the job process.
create function api.import_end(session text, request uuid, id uuid, encoding text, retry text) returns setof api.import_answer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    i     app.import;
    again uuid;
begin
    perform app.enter(session, request, 'imports.create');
    select * into i from app.import t where t.org_id = app.org() and t.id = import_end.id and t.staff_id = app.me() for no key update;
    if not found or exists (select from app.job j where j.org_id = i.org_id and j.id = i.id) then
        perform app.refuse_missing();
    end if;
    again := app.retry_result(retry);
    if again is not null then
        perform app.import_forget(i.org_id, i.id);
        return next api.import_answer(again);
        return;
    end if;
    update app.import t set encoding = import_end.encoding where t.org_id = i.org_id and t.id = i.id;
    insert into app.job (org_id, id, program, staff_id, session_id, request_id, status, total, created_at)
    values (i.org_id, i.id, 'imports', app.me(), app.session_id(), app.request_id(), 'queued', i.rows, app.now());
    if i.rows <= 1000 then
        while not api.import_chunk(i.id) loop
        end loop;
    elsif not i.dry_run then
        -- The operation is this request's, though the job process makes the records.
        perform app.operation_continue(i.operation_id), app.operation_because(api.import_reason(i), null, 'import'), app.operation_record(app.org(), 0);
    end if;
    perform app.event(case when i.dry_run then 'imports.tried' else 'imports.sent' end, i.id, i.rows, jsonb_build_object('entity', i.entity)), app.retry_keep(retry, i.id);
    return next api.import_answer(i.id);
end
$$;

-- Forgets a file that was refused half-way. Nothing happens to an import.
create function api.import_drop(session text, request uuid, id uuid) returns setof api.import_begun
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'imports.create');
    perform app.import_forget(i.org_id, i.id) from app.import i where i.org_id = app.org() and i.id = import_drop.id and i.staff_id = app.me();
    return next row(id)::api.import_begun;
end
$$;
