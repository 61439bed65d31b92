-- children_write.sql: how every kind of record that belongs to a customer is created, changed and archived. Types as in
-- children_read.sql.

-- The customer that something is written to, locked so that nobody archives it meanwhile: 404 where hidden or missing, 403 where the
-- caller only reads it or the funnel keeps this kind back from him, 409 where it is archived.
create function api.child_customer(id uuid, entity text) returns app.customer
language plpgsql volatile as $$
declare
    c app.customer;
begin
    if id is null then
        perform app.refuse_member(422, 'invalid_value', '/customer_id', 'required', 'Say whose this is.');
    end if;
    c := api.customer_locked(id);
    if entity = any(app.kept_back(c.worked_in)) then
        perform app.refuse(403, 'forbidden', 'The people of another segment keep this to themselves.');
    elsif c.archived_at is not null then
        perform app.refuse(409, 'archived', 'The customer is archived. Restore it first.');
    end if;
    return c;
end
$$;

-- The id of what an earlier request with this key made; null when this is the first. An auditor makes nothing.
create function api.child_made(retry text) returns uuid
language plpgsql volatile as $$
begin
    if app.role() = 'auditor' then
        perform app.refuse(403, 'forbidden', 'An auditor writes nothing.');
    end if;
    return app.retry_result(retry);
end
$$;

-- Makes a record of a table from its defaults n and a body; returns its id. The id may come from the client: 409 already_exists
-- when it is taken.
create function api.child_create(n anyelement, retry text, body jsonb) returns uuid
language plpgsql volatile as $$
declare
    made uuid := coalesce((body->>'id')::uuid, app.uuid7());
    now  timestamptz := app.clock();
begin
    n := jsonb_populate_record(n, body || jsonb_build_object('org_id', app.org(), 'id', made, 'version', 1, 'created_at', now, 'updated_at', now,
        'archived_at', null));
    execute format('insert into %s select ($1).*', pg_typeof(n)) using n;
    perform app.retry_keep(retry, made);
    return made;
end
$$;

-- The record of a table locked for a change: 404 where hidden or missing, 403 where the caller only reads it. Its customer is
-- locked before it, as wherever both are.
create function api.child_locked(c anyelement, entity text, id uuid) returns anyelement
language plpgsql volatile as $$
declare
    owner_ uuid;
    seen   boolean;
begin
    execute format('select t.customer_id from %s t where t.org_id = $1 and t.id = $2', pg_typeof(c)) into owner_ using app.org(), id;
    if owner_ is null then
        perform app.refuse_missing();
    end if;
    perform api.customer_locked(owner_);
    execute format('select * from %s t where t.org_id = $1 and t.id = $2 for no key update', pg_typeof(c)) into c using app.org(), id;
    if c is null then   -- moved away meanwhile
        perform app.refuse_missing();
    end if;
    return c;
end
$$;

-- The record as its caller sees it, if he may change it as far as that is the same for all kinds. Where if_match does not hold its
-- entity-tag it is a 412 with the conflicting fields (_status), and the answer; 409 when it is archived.
create function api.child_checked(r anyelement, entity text, id uuid, if_match text[], body jsonb) returns anyelement
language plpgsql volatile as $$
declare
    kept text;
begin
    perform app.single();
    r := api.child_shown(r, id);
    select k into kept from unnest(r._hidden) k where body ? k limit 1;
    if kept is not null then
        perform app.refuse_member(403, 'forbidden', '/' || kept, 'forbidden', 'The people of another segment keep this to themselves.');
    end if;
    if not app.tag_matches(if_match, r._etag) then
        perform app.single(false);
        r := api.child_shown(r, id);
        perform app.disclose('conflict', array[r.customer_id], api.child_classes(entity));
        return api.stale(r, to_jsonb(r), entity, if_match, body);
    end if;
    if r.archived_at is not null then
        perform app.refuse(409, 'archived', 'This is archived. Restore it first.');
    end if;
    return r;
end
$$;

-- Writes what a body says to the row c of a table, unless that changes nothing. What it is, whose, and whether it is archived, no
-- body says, whoever sends it.
create function api.child_write(c anyelement, body jsonb) returns void
language plpgsql volatile as $$
declare
    relation regclass := pg_typeof(c)::text::regclass;
    was text := c::text;
begin
    body := body - '{id,customer_id,author_id,created_at,archived_at}'::text[];
    c := jsonb_populate_record(c, body);
    if c::text is distinct from was then
        execute format('update %s t set %s where t.org_id = $2 and t.id = $3', relation,
            (select string_agg(format('%1$I = ($1).%1$I', t.name), ', ') from app.tracked(relation) t where body ? t.name))
        using c, app.org(), c.id;
    end if;
end
$$;

-- The answer to a change.
create function api.child_answer(r anyelement, entity text, id uuid, status int) returns anyelement
language plpgsql volatile as $$
begin
    perform app.single();
    r := api.child_shown(r, id);
    r := jsonb_populate_record(r, jsonb_build_object('_status', status, '_location', case when status = 201 then '/v1/' || entity || '/' || id end));
    perform app.disclose('change', array[r.customer_id], api.child_classes(entity), masked => api.child_masked(entity, r.masked), bytes => pg_column_size(r));
    return r;
end
$$;

-- Archives the record of a table: it leaves the lists, nothing is lost.
create function api.child_put_away(c anyelement) returns void
language plpgsql volatile as $$
begin
    execute format('update %s t set archived_at = $1 where t.org_id = $2 and t.id = $3', pg_typeof(c)) using app.now(), app.org(), c.id;
end
$$;
