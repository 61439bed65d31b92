-- events.sql: what people did: what they were shown, what they changed, and everything else, in one list.

-- An answer with customer data (app.disclosure, shown.list), an operation (customers.change) or an event (sessions.opened). rows: how
-- many an event showed or an operation changed; customers: how many different ones were shown; subject_id: the one person or record
-- that it is about.
create type api.event as (id uuid, at timestamptz, kind text, actor_id uuid, actor_name text, request_id uuid, session_id uuid, subject_id uuid,
    status int, code text, rows int, customers int, masked boolean, classes text, detail jsonb, _next text, _tail boolean);

-- The three sources: who acted, and the columns of an event; each has an index on the person and one on all, by id.
create function api.event_sources() returns table (source text, who text, kind text, columns text)
language sql immutable as $$
    values ('app.disclosure', 'staff_id', $a$'shown.' || s.channel$a$,
            $a$case cardinality(s.customer_ids) when 1 then s.customer_ids[1] end, null::int, null::text, null::int, cardinality(s.customer_ids), s.masked,
                s.classes, nullif(jsonb_strip_nulls(jsonb_build_object('reason', s.reason, 'bytes', s.bytes)), '{}')$a$),
        ('app.operation', 'actor_id', 's.action',
            $a$null::uuid, null::int, null::text, s.changes, null::int, null::boolean, null::text,
                jsonb_strip_nulls(jsonb_build_object('via', s.via, 'reason', s.reason, 'undoes', s.undoes))$a$),
        ('app.event', 'staff_id', 's.kind', 's.subject_id, s.status, s.code, s.rows, null::int, null::boolean, null::text, s.detail')
$$;

-- The conditions on a source. Ids are in the order of time, and are made after at within the transaction: the bounds on at spare the
-- ledger's other months. A kind is asked for whole or by its first word.
create function api.event_conditions(source text, kind text, filter jsonb, cursor jsonb) returns text
language sql immutable as $$
    select concat(case when cursor is not null then ' and s.id < ($4->>0)::uuid' end,
        case when filter ? 'from' then ' and s.id >= app.uuid7_floor(($3->>''from'')::timestamptz) and s.at >= ($3->>''from'')::timestamptz - interval ''1 hour''' end,
        case when filter ? 'to' then ' and s.id < app.uuid7_floor(($3->>''to'')::timestamptz) and s.at < ($3->>''to'')::timestamptz' end,
        case when not filter ? 'kind' then ''
            -- A source that has none of them is not walked for nothing.
            when not exists (select from jsonb_array_elements_text(filter->'kind') k where (split_part(k, '.', 1) = 'shown') = (source = 'app.disclosure')) then ' and false'
            when source <> 'app.disclosure' then format(' and (%1$s = any(app.texts($3->''kind'')) or split_part(%1$s, ''.'', 1) = any(app.texts($3->''kind'')))', kind)
            when not filter->'kind' ? 'shown' then ' and s.channel = any(array(select substr(k, 7) from unnest(app.texts($3->''kind'')) k where k like ''shown.%''))' end)
$$;

-- The statement for a page: of these people ($2), or of all. No source gives more rows than the page holds and one.
create function api.event_sql(alone boolean, filter jsonb, cursor jsonb) returns text
language sql immutable as $$
    select format('select array(select row(e.id, e.at, e.kind, e.actor, p.name, e.request_id, e.session_id, e.subject, e.status, e.code, e.rows, e.customers, '
            'e.masked, e.classes, e.detail, null, null)::api.event from (%s order by 1 desc limit $5) as e(id, at, kind, actor, request_id, session_id, subject, status, '
            'code, rows, customers, masked, classes, detail) left join app.staff p on p.org_id = $1 and p.id = e.actor order by e.id desc)',
        string_agg(case when alone
            -- For each person apart, or the rest of the org would be walked to find what few did.
            then format('(select q.* from unnest($2) a(id) cross join lateral (select %s from %s s where s.org_id = $1 and s.%s = a.id%s order by s.id desc limit $5) q '
                'order by 1 desc limit $5)', c.list, f.source, f.who, c.conditions)
            else format('(select %s from %s s where s.org_id = $1%s order by s.id desc limit $5)', c.list, f.source, c.conditions) end, ' union all '))
    from api.event_sources() f, lateral (select format('s.id, s.at, %s, s.%s, s.request_id, s.session_id, %s', f.kind, f.who, f.columns) as list,
        api.event_conditions(f.source, f.kind, filter, cursor) as conditions) c
$$;

-- A page of what these people did, or all whom the caller may look at, newest first. The latest quarter is looked through first: it fills
-- most pages, and planning the ledger's every month takes longer than reading a page of them.
create function api.event_page(actors uuid[], filter jsonb, cursor jsonb, lim int) returns setof api.event
language plpgsql volatile as $$
declare
    rows  api.event[];
    tail  api.event;
    since timestamptz := coalesce((cursor->>1)::timestamptz, least((filter->>'to')::timestamptz, app.now())) - interval '92 days';
    near  jsonb := case when (filter->>'from')::timestamptz >= since then filter else filter || jsonb_build_object('from', since) end;
begin
    lim := least(lim, 200);
    execute api.event_sql(actors is not null, near, cursor) into rows using app.org(), actors, near, cursor, lim + 1;
    if near <> filter and cardinality(rows) <= lim then
        execute api.event_sql(actors is not null, filter, cursor) into rows using app.org(), actors, filter, cursor, lim + 1;
    end if;
    tail._tail := true;
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim].id, rows[lim].at);
    end if;
    if actors is distinct from array[app.me()] then
        -- Who looks at what others did is looked at too.
        perform app.event('events.read', case cardinality(actors) when 1 then actors[1] end, cardinality(rows));
    end if;
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- Refuses a person that is missing (404), and one of whom the caller sees the directory only (403).
create function api.staff_overseen(id uuid) returns api.staff
language plpgsql stable as $$
declare
    s api.staff := api.staff_shown(id);
begin
    if s.version is null then
        perform app.refuse(403, 'forbidden', 'What a person did and saw is for himself and those above him.');
    end if;
    return s;
end
$$;

-- The people of a filter's actor: me is the caller. Without one, whom the caller may look at: null where that is everybody, or a team so
-- large that a page is filled by walking the log.
create function api.event_actors(filter jsonb) returns uuid[]
language plpgsql stable as $$
declare
    actors uuid[];
    word   text;
begin
    if filter ? 'actor' then
        for word in select distinct case a.word when 'me' then app.me()::text else lower(a.word) end from jsonb_array_elements_text(filter->'actor') a(word) loop
            if word !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
                perform app.refuse_member(400, 'invalid_parameter', '?actor', 'format', 'The id of a person, or me.');
            end if;
            perform api.staff_overseen(word::uuid);
            actors := actors || word::uuid;
        end loop;
    elsif app.role() = 'rep' then
        actors := array[app.me()];
    elsif app.role() = 'manager' then
        actors := array(select t.below_id from app.staff_tree t where t.org_id = app.org() and t.above_id = app.me() limit 501);
    end if;
    return case when cardinality(actors) <= 500 then actors end;
end
$$;

-- What the caller, those below him, for an admin or auditor everybody did.
create function api.event_list(session text, request uuid, filter jsonb, cursor jsonb, lim int) returns setof api.event
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'events.list', reads => true);
    return query select * from api.event_page(api.event_actors(filter), filter, cursor, lim);
end
$$;

-- What one person did; 404 where missing, 403 for whoever is neither he nor above him.
create function api.staff_events(session text, request uuid, id uuid, filter jsonb, cursor jsonb, lim int) returns setof api.event
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'staff.events', reads => true);
    perform api.staff_overseen(id);
    return query select * from api.event_page(array[id], filter, cursor, lim);
end
$$;
