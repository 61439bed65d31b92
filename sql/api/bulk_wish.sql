-- bulk_wish.sql: what somebody may ask to be changed of many records at once, and whether what he asks for can be.

-- The columns that may be changed of many records by one wish: what describes a group of them. Never who one is or how he is reached, what was
-- said, where it stands or whose it is: a stage is moved to and a customer transferred by actions of their own.
create function api.bulk_fields(entity text) returns text[]
language sql immutable as $$
    select case entity when 'customers' then '{city,country,currency,custom,postal_code,region,source,tags,value,website}'
        when 'deals' then '{expected_close}' else '{done_at,due_at}' end::text[]
$$;

-- Which actions there are for a kind of record.
create function api.bulk_actions(entity text) returns text[]
language sql immutable as $$
    select case entity when 'customers' then '{update,transfer,stage,archive,tag}' when 'deals' then '{update,stage,archive}' else '{update,archive}' end::text[]
$$;

-- Whether a JSON value is of a column's type.
create function api.bulk_value_good(type text, value jsonb) returns boolean
language plpgsql immutable as $$
declare
    kind text := jsonb_typeof(value);
begin
    return case when kind = 'null' then true
        when type = 'bigint' then kind = 'number' and value::text ~ '^[0-9]{1,16}$'
        when type = 'text' then kind = 'string' and value #>> '{}' !~ '[\x01-\x1f\x7f]'
        when type = 'jsonb' then kind = 'object' and octet_length(value::text) <= 16384
        when type = 'text[]' then kind = 'array' and jsonb_array_length(value) <= 50 and not exists (select from jsonb_array_elements(value) i
            where jsonb_typeof(i) <> 'string' or char_length(i #>> '{}') not between 1 and 64 or i #>> '{}' ~ '[\x01-\x1f\x7f]')
        when type = 'date' then kind = 'string' and api.export_value_good('date', value #>> '{}')
        else kind = 'string' and api.export_value_good('time', value #>> '{}') end;
end
$$;

-- Refuses changes that an action does not take: 422 names the member, with not_in_bulk for a column that is not changed of many.
create function api.bulk_changes_good(entity text, action text, changes jsonb) returns void
language plpgsql stable as $$
declare
    wrong record;
begin
    if action in ('transfer', 'archive') then
        if changes is not null then
            perform app.refuse_member(422, 'invalid_value', '/changes', 'form', 'This action takes no changes.');
        end if;
        return;
    elsif coalesce(changes, '{}') = '{}' then
        perform app.refuse_member(422, 'invalid_value', '/changes', 'required', 'Say what to change.');
    end if;
    for wrong in
        select k.key as name, case when k.key <> all(case action when 'tag' then '{add,remove}'::text[] when 'stage' then '{stage}' else api.bulk_fields(entity) end)
                then case when action = 'update' then 'not_in_bulk' else 'form' end
            when not api.bulk_value_good(case when action = 'tag' then 'text[]' else (select t.type from app.entity e, app.tracked(e.relation::regclass) t
                    where e.name = entity and t.name = k.key) end, k.value) or k.value = 'null' and action <> 'update' then 'value' end as why
        from jsonb_each(changes) k
    loop
        if wrong.why is not null then
            perform app.refuse_member(422, 'invalid_value', '/changes/' || left(replace(replace(wrong.name, '~', '~0'), '/', '~1'), 60), wrong.why, case wrong.why
                when 'not_in_bulk' then 'This is not changed of many records at once.' when 'form' then 'This action does not take it.' else 'This is no value of it.' end);
        end if;
    end loop;
    if action = 'stage' and not exists (select from app.stage s where s.org_id = app.org() and s.id = changes->>'stage') then
        perform app.refuse_member(422, 'invalid_value', '/changes/stage', 'unknown', 'There is no such stage.');
    elsif action = 'tag' and app.texts(changes->'add') && app.texts(changes->'remove') then
        perform app.refuse_member(422, 'invalid_value', '/changes/remove', 'form', 'A tag is added or removed, not both.');
    end if;
end
$$;

-- Refuses a person to whom the caller can give nothing: 403 outside of his authority, 422 else.
create function api.bulk_heir_good(id text, pointer text, anywhere boolean) returns void
language plpgsql stable as $$
declare
    why text;
begin
    if not coalesce(api.export_value_good('uuids', id), false) then
        perform app.refuse_member(422, 'invalid_value', pointer, 'uuid', 'This is a person''s id.');
    end if;
    why := app.heir_unfit(id::uuid, anywhere);
    if why = 'forbidden' then
        perform app.refuse_member(403, 'forbidden', pointer, 'forbidden', 'The receiver must be in your own tree.');
    elsif why is not null then
        perform app.refuse_member(422, 'invalid_value', pointer, why, 'The receiver must be an active member of staff who works with customers.');
    end if;
end
$$;

-- Refuses a way of a transfer that is none: 422 names the member.
create function api.bulk_way_good(action text, way jsonb) returns void
language plpgsql stable as $$
declare
    forms text[] := array(select k from jsonb_object_keys(way) k where k in ('staff_id', 'shares', 'by'));
    goes  text[];
    wrong text;
    p     record;
begin
    if cardinality(forms) <> 1 then
        perform app.refuse_member(422, 'invalid_value', '/to', 'form', 'Give exactly one of staff_id; shares; by.');
    elsif action = 'stage' and forms[1] <> 'staff_id' and way <> '{"by": "segment"}' then
        perform app.refuse_member(422, 'invalid_value', '/to', 'form', 'What moves to a stage goes to one person or by the segment''s rule.');
    end if;
    goes := case coalesce(way->>'by', '') when 'country' then '{by,map,otherwise}'::text[] when 'least_loaded' then '{by,among}' else forms end;
    select k into wrong from jsonb_object_keys(way) k where k <> all(goes) limit 1;
    if wrong is not null then
        perform app.refuse_member(422, 'invalid_value', '/to/' || wrong, 'form', format('This does not go with %s.', forms[1]));
    end if;
    wrong := case way->>'by' when 'country' then case when not way ? 'map' then 'map' end when 'least_loaded' then case when coalesce(way->'among', '[]') = '[]' then 'among' end end;
    wrong := coalesce(wrong, case when way->'shares' = '[]' then 'shares' end);
    if wrong is not null then
        perform app.refuse_member(422, 'invalid_value', '/to/' || wrong, 'required', 'This is needed here.');
    end if;
    for p in
        select way->>'staff_id' as id, '/to/staff_id' as pointer, 1 as n where way ? 'staff_id'
        union all select s.v->>'staff_id', format('/to/shares/%s/staff_id', s.n - 1), s.n from jsonb_array_elements(way->'shares') with ordinality s(v, n)
        union all select a.id, '/to/among/' || a.n - 1, a.n from jsonb_array_elements_text(way->'among') with ordinality a(id, n)
        union all select case jsonb_typeof(m.value) when 'string' then m.value #>> '{}' end, '/to/map/' || left(m.key, 10), 1 from jsonb_each(way->'map') m
        union all select way->>'otherwise', '/to/otherwise', 1 where way->>'otherwise' is not null
    loop
        perform api.bulk_heir_good(p.id, p.pointer, action = 'stage');
    end loop;
    select '/to/shares/' || max(s.n) - 1 into wrong from jsonb_array_elements(way->'shares') with ordinality s(v, n) group by lower(s.v->>'staff_id') having count(*) > 1 limit 1;
    if wrong is not null then
        perform app.refuse_member(422, 'invalid_value', wrong || '/staff_id', 'duplicate', 'This person has a share already.');
    end if;
    select m.key into wrong from jsonb_object_keys(way->'map') m(key) where m.key !~ '^[A-Z]{2}$' limit 1;
    if wrong is not null then
        perform app.refuse_member(422, 'invalid_value', '/to/map/' || left(replace(replace(wrong, '~', '~0'), '/', '~1'), 60), 'country', 'A country is its ISO 3166-1 alpha-2 code, as in DE.');
    end if;
end
$$;

-- A wish as it is kept: {filter or ids, changes, to}. 400 and 422 name what is wrong with it, 403 whom the caller gives nothing.
create function api.bulk_wish(body jsonb) returns jsonb
language plpgsql stable as $$
declare
    entity text := body->>'entity';
    action text := body->>'action';
    moves  boolean := entity = 'customers' and action in ('transfer', 'stage');
begin
    if action <> all(api.bulk_actions(entity)) then
        perform app.refuse_member(422, 'invalid_value', '/action', 'entity', format('Of %s there is: %s.', entity, array_to_string(api.bulk_actions(entity), ', ')));
    elsif body ? 'filter' = body ? 'ids' then
        perform app.refuse_member(422, 'invalid_value', '/filter', 'form', 'Give exactly one of filter; ids.');
    elsif body->'ids' = '[]' then
        perform app.refuse_member(422, 'invalid_value', '/ids', 'required', 'Say which.');
    elsif body ? 'to' and not moves then
        perform app.refuse_member(422, 'invalid_value', '/to', 'form', 'This action gives nothing to anybody.');
    elsif not body ? 'to' and action = 'transfer' then
        perform app.refuse_member(422, 'invalid_value', '/to', 'required', 'Say to whom.');
    elsif body ? 'cascade' and not (entity = 'customers' and action in ('transfer', 'stage', 'archive')) then
        perform app.refuse_member(422, 'invalid_value', '/cascade', 'form', 'Nothing goes along with this.');
    elsif body ? 'cascade' and not app.texts(body->'cascade') @> '{contacts,deals,offers,tasks}' then
        perform app.refuse_member(422, 'invalid_value', '/cascade', 'form', 'What belongs to a customer goes where it goes: name all kinds, or leave it out.');
    end if;
    perform api.bulk_changes_good(entity, action, body->'changes');
    if body ? 'to' then
        perform api.bulk_way_good(action, body->'to');
    end if;
    return jsonb_strip_nulls(jsonb_build_object('filter', case when body ? 'filter' then api.export_filter(entity, body->'filter') end,
        'ids', case when body ? 'ids' then (select jsonb_agg(distinct i) from unnest(app.uuids(body->'ids')) i) end))
        || case when body ? 'changes' then jsonb_build_object('changes', body->'changes') else '{}' end
        || case when body ? 'to' then jsonb_build_object('to', body->'to') else '{}' end;
end
$$;

-- The records that a wish selects, as the list has them. 422 names a filter that matches nothing, or more than half a million.
create function api.bulk_picked(entity text, wish jsonb) returns uuid[]
language plpgsql stable as $$
declare
    ids uuid[];
begin
    if wish ? 'ids' then
        return app.uuids(wish->'ids');
    end if;
    execute format('select array(select v.id from %s limit $3)', api.export_from(entity, wish->'filter', shown => false))
    into ids using wish->'filter', null::uuid, 500001, app.me(), app.org(), api.export_segments(), app.above();
    if ids = '{}' then
        perform app.refuse_member(422, 'invalid_value', '/filter', 'empty', 'This matches nothing that you see.');
    elsif cardinality(ids) > 500000 then
        perform app.refuse_member(422, 'invalid_value', '/filter', 'rows', 'At most 500000 records are changed at once. Ask for fewer.');
    end if;
    return ids;
end
$$;

-- Finds out whether the table takes the values of a plan, on one of its records, of which nothing stays: 422 names the one it does not.
create function api.bulk_tried(b app.bulk) returns void
language plpgsql volatile as $$
declare
    one uuid[] := (select array[i.records[1]] from app.bulk_item i where i.org_id = b.org_id and i.bulk_id = b.id and i.n = 1);
    bad text;
begin
    if one is null or b.action not in ('update', 'tag') then
        return;
    end if;
    begin
        perform app.restore_lock(b.entity, one), app.bulk_write(b, one, null);
        raise exception 'tried' using errcode = 'HF000';
    exception
        when sqlstate 'HF000' or lock_not_available then
            null;
        when check_violation then
            -- country_code is about /country.
            get stacked diagnostics bad = constraint_name;
    end;
    if bad is not null then
        perform app.refuse_member(422, 'invalid_value', '/changes/' || case b.action when 'tag' then 'add' else regexp_replace(bad, '_[a-z]+$', '') end, substring(bad from '[a-z]+$'), 'This is no value of it.');
    end if;
end
$$;
