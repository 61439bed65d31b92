-- exports_rows.sql: which rows an export has and in which columns, as the lists have them: their filters, their scope, their views.

-- The kinds of rows: the view with the columns, the words of the filter with their conditions (null: app.event's own way), and whose
-- customer a row is.
create function api.export_sources() returns table (entity text, relation text, words jsonb, customer text)
language sql immutable as $$
    values ('customers', 'api.customer', api.customer_filters(), 'v.id'),
        ('contacts', 'api.contact', api.contact_filters(), 'v.customer_id'),
        ('deals', 'api.deal', api.deal_filters(), 'v.customer_id'),
        ('offers', 'api.offer', api.offer_filters(), 'v.customer_id'),
        ('activities', 'api.activity', api.activity_filters(), 'v.customer_id'),
        ('history', 'api.change', api.history_filters(), 'v._customer'),
        ('events', 'api.event', '{"actor": "app.uuids($1->''actor'')", "kind": "app.texts($1->''kind'')", "from": "::timestamptz", "to": "::timestamptz"}', null)
$$;

-- The columns of a kind of rows, in their order.
create function api.export_columns(entity text) returns text[]
language sql stable as $$
    select array_agg(a.attname::text order by a.attnum) from api.export_sources() s join pg_attribute a on a.attrelid = s.relation::regclass
    where s.entity = export_columns.entity and a.attnum > 0 and not a.attisdropped and a.attname not like '\_%' and (a.attname <> 'masked' or s.entity = 'events')
$$;

-- What a word of a filter takes, which its condition says.
create function api.export_word(condition text) returns text
language sql immutable as $$
    select case when condition like '%app.uuids(%' then 'uuids' when condition like '%app.texts(%' or condition like '%app.entities(%' then 'texts'
        when condition like '%::bigint%' then 'whole' when condition like '%::timestamptz%' then 'time' when condition like '%::date%' then 'date'
        when condition like '%::boolean%' then 'bool' else 'text' end
$$;

-- Whether a text is what a word takes.
create function api.export_value_good(kind text, value text) returns boolean
language plpgsql immutable as $$
begin
    if value is null or char_length(value) > 254 or value ~ '[\x01-\x1f\x7f]' then
        return false;
    end if;
    case kind
    when 'uuids' then
        return value ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
    when 'whole' then
        return value ~ '^[0-9]{1,16}$';
    when 'bool' then
        return value in ('true', 'false');
    when 'time' then
        return value ~* '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$' and value::timestamptz is not null;
    when 'date' then
        return value ~ '^\d{4}-\d\d-\d\d$' and value::date is not null;
    else
        return value <> '' or kind = 'texts';
    end case;
exception when data_exception then
    return false;
end
$$;

-- A filter of list words as the lists have it, each list an array: {"stage": "won,lost"} and {"stage": ["won", "lost"]} are one. 400 for
-- words that the list does not know, 422 for values that they do not take.
create function api.export_filter(entity text, filter jsonb) returns jsonb
language plpgsql stable as $$
declare
    words  jsonb := (select s.words || case when s.customer is not null and s.entity <> 'history' then '{"archived": "::boolean"}' else '{}'::jsonb end
        from api.export_sources() s where s.entity = export_filter.entity);
    clean  jsonb := '{}';
    w      record;
    kind   text;
    items  text[];
begin
    for w in select * from jsonb_each(filter) loop
        if not words ? w.key then
            perform app.refuse_member(400, 'unknown_member', '/filter/' || left(replace(replace(w.key, '~', '~0'), '/', '~1'), 60), 'unknown', 'The list has no such filter.');
        end if;
        kind := api.export_word(words->>w.key);
        items := case jsonb_typeof(w.value) when 'array' then app.texts(w.value)
            when 'object' then '{NULL}' when 'null' then '{NULL}'
            else case when kind in ('texts', 'uuids') then string_to_array(w.value #>> '{}', ',') else array[w.value #>> '{}'] end end;
        items := case when entity in ('history', 'events') and w.key = 'actor' then array_replace(items, 'me', app.me()::text) else items end;
        if cardinality(items) not between 1 and (case when kind in ('texts', 'uuids') then 50 else 1 end)
            or exists (select from unnest(items) i where not api.export_value_good(kind, i)) then
            perform app.refuse_member(422, 'invalid_value', '/filter/' || w.key, 'value',
                case kind when 'texts' then 'Up to 50 texts.' when 'uuids' then 'Up to 50 ids.' when 'whole' then 'A whole number.' when 'bool' then 'true or false.'
                    when 'time' then 'A time as in 2026-01-31T09:30:00Z.' when 'date' then 'A date as in 2026-01-31.' else 'A text.' end);
        end if;
        clean := clean || jsonb_build_object(w.key, case when kind in ('texts', 'uuids') then to_jsonb(items) else to_jsonb(items[1]) end);
    end loop;
    return clean;
end
$$;

-- Some columns in their order, and why the caller may not have one: 'unknown', or 'hidden' where he would get no value of it: an auditor's
-- contact values, and what the funnel keeps back from him. Null where he may; what is masked for him goes out masked.
create function api.export_barred(entity text, columns text[]) returns table (n bigint, name text, why text)
language sql stable as $$
    select c.n, c.name, case when c.name <> all(k.known) then 'unknown'
        when entity in ('customers', 'contacts') and c.name in ('email', 'phone', 'phone_e164') and app.role() = 'auditor'
            or entity in ('customers', 'contacts') and exists (select from jsonb_each(nullif(current_setting('app.hides', true), '')::jsonb) h
                where h.key = any(app.hiding()) and h.value ? case c.name when 'phone_e164' then 'phone' else c.name end)
                and (entity = 'customers' or c.name in ('email', 'phone', 'phone_e164')) then 'hidden' end
    from (select api.export_columns(entity) offset 0) k(known), unnest(columns) with ordinality c(name, n)   -- asked of the catalog once
$$;

-- Whether he may have all of them. In plpgsql, which keeps its plan: each part of a file asks.
create function api.export_may(entity text, columns text[]) returns boolean
language plpgsql stable as $$
begin
    return not exists (select from api.export_barred(entity, columns) b where b.why is not null);
end
$$;

-- The rows of an export as from and where over v, to be shown or only counted: $1 is the filter, $2 the last row before, $3 a limit, $4 to
-- $7 as in api.customer_ways.
create function api.export_from(entity text, filter jsonb, shown boolean) returns text
language plpgsql stable as $$
declare
    s     record;
    way   text;
    words jsonb := filter - 'archived';
    put   text := case when coalesce((filter->>'archived')::boolean, false) then 'not ' else '' end;
    scope uuid[];
begin
    select * into strict s from api.export_sources() t where t.entity = export_from.entity;
    if entity = 'customers' then
        way := api.customer_way('none', words);
        return case when not shown then api.customer_bare() when api.customers_clear() then 'api.customer_whole' else 'api.customer' end
            || ' v where ' || api.customer_scope(way, words, put <> '');
    elsif entity = 'history' then
        scope := api.history_scope(words);
        return 'api.change v where v._org = $5' || app.filter_sql(words, s.words)
            || case when scope is null then '' else format(' and (v._customer = any(%L::uuid[]) or v._customer is null)', scope) end;
    end if;
    return format('%s v where v._org = $5 and v.archived_at is %snull%s%s', s.relation, put, app.filter_sql(words, s.words), api.child_scope(words));
end
$$;

-- The segments that go into api.export_from as $6.
create function api.export_segments() returns text[]
language sql stable as $$ select case when app.role() = 'manager' then app.team_segments() else app.segments() end $$;

-- The ids of an export's rows as a query; $8 are the people whose events they are, null for all.
create function api.export_rows_sql(entity text, filter jsonb) returns text
language sql stable as $$
    select case when entity <> 'events' then 'select v.id from ' || api.export_from(entity, filter, shown => false)
        else (select string_agg(format('select s.id from %s s where s.org_id = $5%s and ($8::uuid[] is null or s.%s = any($8))', f.source,
            replace(api.event_conditions(f.source, f.kind, filter, null), '$3', '$1'), f.who), ' union all ') from api.event_sources() f) end
$$;

create function api.export_actors(entity text, filter jsonb) returns uuid[]
language sql stable as $$ select case when entity = 'events' then api.event_actors(filter) end $$;

-- How many rows the caller would take out, most + 1 if they are more than that, with a digest of their ids whatever their order, and ten
-- of them.
create function api.export_measured(entity text, filter jsonb, most int, sampled boolean, out n bigint, out digest bytea, out sample uuid[])
language plpgsql stable as $$
declare
    rows   text := api.export_rows_sql(entity, filter) || ' limit $3';
    actors uuid[] := api.export_actors(entity, filter);
begin
    execute format('select count(*), sha256(convert_to(concat_ws('' '', count(*), bit_xor(uuid_hash_extended(r.id, 0)), bit_xor(uuid_hash_extended(r.id, 1))), ''UTF8'')) '
        'from (%s) r', rows)
    into n, digest using filter, null::uuid, most + 1, app.me(), app.org(), api.export_segments(), app.above(), actors;
    if n > most or not sampled then
        return;
    end if;
    execute format('select array(select r.id from (%s) r order by uuid_hash_extended(r.id, 2) limit 10)', rows)
    into sample using filter, null::uuid, most + 1, app.me(), app.org(), api.export_segments(), app.above(), actors;
end
$$;

-- The classes of fields in an export's columns, as the ledger has them.
create function api.export_classes(entity text, columns text[]) returns text
language sql stable as $$
    select case entity when 'customers' then app.customer_classes(columns) when 'history' then app.customer_classes(null) when 'events' then 'base'
        when 'contacts' then concat_ws(' ', 'base', case when columns && '{email,phone,phone_e164}' then 'contact' end, case when 'notes' = any(columns) then 'notes' end)
        else api.child_classes(entity) end
$$;
