-- customers_write.sql: creating, changing and archiving customers.

-- What a body says, laid over a row: absent members stay, null clears, custom is merged (RFC 7396).
create function api.customer_patched(c app.customer, body jsonb) returns app.customer
language plpgsql immutable as $$
declare
    n app.customer;
begin
    n := jsonb_populate_record(c, body - 'custom');
    n.tags := coalesce(n.tags, '{}');
    if body ? 'custom' then
        n.custom := coalesce(nullif(app.merge_patch(c.custom, body->'custom'), 'null'), '{}');
    end if;
    return n;
end
$$;

-- Who may write the two members that give a customer away. 403 names the member.
create function api.customer_may_assign(body jsonb, stage text) returns void
language plpgsql stable as $$
declare
    owner uuid := (body->>'owner_id')::uuid;
begin
    if app.role() = 'rep' and body ? 'owner_id' and owner is distinct from app.me() then
        perform app.refuse_member(403, 'forbidden', '/owner_id', 'forbidden', 'A rep cannot choose the owner.');
    elsif owner is not null and app.role() = 'manager' and not app.has_authority(owner) then
        perform app.refuse_member(403, 'forbidden', '/owner_id', 'forbidden', 'The owner must be in your own tree.');
    elsif app.role() = 'manager' and body ? 'owner_id' and owner is null then
        perform app.refuse_member(403, 'forbidden', '/owner_id', 'forbidden', 'Only an admin can leave a customer without an owner.');
    end if;
    if app.role() = 'rep' and exists (select from app.stage s where s.org_id = app.org() and s.id = stage)
        and not exists (select from app.stage s
            join app.staff_segment g on g.org_id = s.org_id and g.segment_id = s.segment_id
            where s.org_id = app.org() and s.id = stage and g.staff_id = app.me()) then
        perform app.refuse_member(403, 'forbidden', '/stage', 'forbidden', 'The stage must be in one of your segments.');
    end if;
end
$$;

-- Makes the customer that a body describes; the row has its id. The owner is the creator, the stage the first of his segments, where body
-- says nothing else. The id may come from the client; 409 already_exists when it is taken. Where duplicates are to be refused and there
-- are some, nothing is made and the row is a 409 with them (_status).
create function api.customer_made(body jsonb, duplicates text) returns api.customer
language plpgsql volatile as $$
declare
    n      app.customer;
    r      api.customer;
    found_ jsonb;
begin
    perform api.customer_may_assign(body, body->>'stage');
    n.custom := '{}';
    n := api.customer_patched(n, body);
    n.custom := coalesce(nullif(body->'custom', 'null'), '{}');   -- as sent: there is nothing to remove a null from
    n.org_id := app.org();
    n.id := coalesce(n.id, app.uuid7());
    n.version := 1;
    n.created_at := app.clock();
    n.updated_at := n.created_at;
    n.archived_at := null;
    if not body ? 'owner_id' then
        n.owner_id := app.me();
    end if;
    n.stage := coalesce(n.stage, (
        select s.id from app.stage s
        where s.org_id = app.org() and (app.role() <> 'rep' or exists (select from app.staff_segment g
            where g.org_id = app.org() and g.staff_id = app.me() and g.segment_id = s.segment_id))
        order by s.position limit 1));
    if n.stage is null then
        perform app.refuse(403, 'forbidden', 'You are assigned to no segment of the funnel.');
    end if;
    perform api.newcomer_turn(array[api.newcomer(n)]);
    if duplicates = 'refuse' then
        found_ := api.duplicates(api.newcomer(n));
        if found_ <> '[]' then
            return api.duplicate_refused(r, found_);
        end if;
    end if;
    insert into app.customer select n.*;
    perform api.duplicates_hidden(api.newcomer(n));
    r.id := n.id;
    return r;
end
$$;

-- A new customer. The answer tells of duplicates.
create function api.customer_create(session text, request uuid, retry text, body jsonb, duplicates text default 'tell')
returns setof api.customer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    r      api.customer;
    again  uuid;
    found_ jsonb;
begin
    perform app.enter(session, request, 'customers.create');
    if app.role() = 'auditor' then
        perform app.refuse(403, 'forbidden', 'An auditor writes nothing.');
    end if;
    again := app.retry_result(retry);
    if again is null then
        r := api.customer_made(body, duplicates);
        if r._status = 409 then
            return next r;
            return;
        end if;
        again := r.id;
        perform app.retry_keep(retry, again);
    end if;
    found_ := api.duplicates_of('customers', again);
    perform app.single();
    r := api.customer_shown(again);
    r._status := 201;
    r._also := jsonb_build_object('duplicates', found_);
    r._location := '/v1/customers/' || again;
    perform app.disclose('change', array[again], masked => r.masked && '{email,phone,phone_e164}', bytes => pg_column_size(r));
    return next r;
end
$$;

-- The customer locked for a change: 404 where hidden or missing, 403 where the caller only reads it.
create function api.customer_locked(id uuid) returns app.customer
language plpgsql volatile as $$
declare
    c app.customer;
begin
    select * into c from app.customer t where t.org_id = app.org() and t.id = customer_locked.id for no key update;
    if not found then
        perform api.customer_shown(id);
        perform app.refuse(403, 'forbidden', 'You can read this customer but not change it.');
    end if;
    return c;
end
$$;

-- The answer to a stale If-Match: the current version and what conflicts, masked as in a list.
create function api.customer_stale(r api.customer, if_match text[], body jsonb) returns api.customer
language plpgsql volatile as $$
begin
    perform app.single(false);
    r := api.customer_shown(r.id);
    perform app.disclose('conflict', array[r.id], bytes => pg_column_size(r));
    return api.stale(r, to_jsonb(r), 'customers', if_match, body);
end
$$;

-- Writes a row of which the caller has locked the version before.
create function api.customer_write(c app.customer, n app.customer) returns void
language plpgsql volatile as $$
begin
    if n is distinct from c then
        update app.customer t set (name, email, phone, website, address, city, region, postal_code, country, source, stage,
            owner_id, value, currency, notes, tags, custom)
            = (n.name, n.email, n.phone, n.website, n.address, n.city, n.region, n.postal_code, n.country, n.source, n.stage,
            n.owner_id, n.value, n.currency, n.notes, n.tags, n.custom)
        where t.org_id = app.org() and t.id = c.id;
    end if;
end
$$;

-- The same, unless it has to wait: then nothing is written, and why is the result. What is wrong with it is found out all the same.
create function api.customer_tried(c app.customer, n app.customer) returns jsonb
language plpgsql volatile as $$
declare
    held text;
begin
    if (n.email, n.phone) is not distinct from (c.email, c.phone) then
        perform api.customer_write(c, n);
        return null;
    end if;
    begin
        perform api.customer_write(c, n);
    exception when sqlstate 'PT409' then
        if sqlerrm <> 'held' then
            raise;
        end if;
        get stacked diagnostics held = pg_exception_detail;
    end;
    return held;
end
$$;

-- Changes some fields of one customer; the row is the customer as it is then. Where it has to wait it is a 202 with the hold (app.tg_held);
-- 412 with the conflicting fields when if_match does not hold its entity-tag. Raises 409 when it is archived.
create function api.customer_changed(id uuid, if_match text[], body jsonb) returns api.customer
language plpgsql volatile as $$
declare
    c app.customer;
    n app.customer;
    r api.customer;
    held jsonb;
begin
    c := api.customer_locked(id);
    if app.role() = 'rep' and body ?| '{owner_id,stage}' then
        perform app.refuse_member(403, 'forbidden', '/' || k, 'forbidden', 'A rep hands a customer over; he does not change this member.')
        from unnest('{owner_id,stage}'::text[]) k where body ? k limit 1;
    end if;
    perform api.customer_may_assign(body, body->>'stage'), app.single();
    r := api.customer_shown(id);
    perform app.refuse_member(403, 'forbidden', '/' || k, 'forbidden', 'The people of another segment keep this to themselves.')
    from unnest(r._hidden) k where body ? k limit 1;
    if not app.tag_matches(if_match, r._etag) then
        return api.customer_stale(r, if_match, body);
    end if;
    if c.archived_at is not null then
        perform app.refuse(409, 'archived', 'The customer is archived. Restore it first.');
    end if;
    n := api.customer_patched(c, body);
    held := api.customer_tried(c, n);
    if held is not null then
        return api.held(r, app.hold('customers', c.id, c.id, c.version, body, held), held);
    end if;
    return api.customer_shown(id);
end
$$;

-- The same as an answer.
create function api.customer_change(session text, request uuid, id uuid, if_match text[], body jsonb) returns setof api.customer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    r api.customer;
begin
    perform app.enter(session, request, 'customers.change');
    r := api.customer_changed(id, if_match, body);
    if r._status is null then
        perform app.disclose('change', array[r.id], masked => r.masked && '{email,phone,phone_e164}', bytes => pg_column_size(r));
    end if;
    return next r;
end
$$;

-- Archives one customer: it leaves the lists, nothing is lost. 412 and 409 as customer_change.
create function api.customer_archive(session text, request uuid, id uuid, if_match text[]) returns setof api.customer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    c app.customer;
    r api.customer;
begin
    perform app.enter(session, request, 'customers.archive');
    perform app.single();
    c := api.customer_locked(id);
    r := api.customer_shown(id);
    if not app.tag_matches(if_match, r._etag) then
        return next api.customer_stale(r, if_match, '{}');
        return;
    end if;
    if c.archived_at is not null then
        perform app.refuse(409, 'archived', 'The customer is archived already.');
    end if;
    update app.customer t set archived_at = app.now() where t.org_id = app.org() and t.id = c.id;
    r := api.customer_shown(id);
    perform app.disclose('change', array[r.id], masked => r.masked && '{email,phone,phone_e164}', bytes => pg_column_size(r));
    return next r;
end
$$;
