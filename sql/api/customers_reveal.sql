-- customers_reveal.sql: contact values that are masked, for a reason; and the customer of a caller who is somebody else's.

-- Shows some contact values of one customer as they are. The ledger keeps who saw which of whom, and why. 403 for an auditor and
-- for what the funnel keeps back from the caller.
create function api.customer_reveal(session text, request uuid, id uuid, body jsonb) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    r      api.customer;
    c      app.customer;
    d      api.document;
    kept   text;
    fields text[];
begin
    perform app.enter(session, request, 'customers.reveal');
    fields := app.texts(body->'fields');
    r := api.customer_shown(id);
    if app.role() = 'auditor' then
        perform app.refuse(403, 'forbidden', 'An auditor does not get contact values.');
    end if;
    select '/fields/' || (f.n - 1) into kept from unnest(fields) with ordinality f(name, n)
    where case f.name when 'phone_e164' then 'phone' else f.name end = any(r._hidden) limit 1;
    if kept is not null then
        perform app.refuse_member(403, 'forbidden', kept, 'forbidden', 'The people of another segment keep this to themselves.');
    end if;
    if cardinality(fields) = 0 or not fields <@ '{email,phone,phone_e164}' then
        perform app.refuse_member(422, 'invalid_value', '/fields', 'word', 'Name at least one of email, phone and phone_e164.');
    end if;
    if char_length(btrim(coalesce(body->>'reason', ''))) not between 1 and 1000 then
        perform app.refuse_member(422, 'invalid_value', '/reason', 'required', 'Say why.');
    end if;
    select * into c from app.customer t where t.org_id = app.org() and t.id = r.id;
    perform app.disclose('reveal', array[r.id], 'contact', masked => false, reason => body->>'reason', bytes => pg_column_size(c));
    d._doc := (select jsonb_object_agg(f.name, to_jsonb(c)->f.name) from unnest(fields) f(name));
    d._classification := app.classification();
    return next d;
end
$$;

-- Opens the one customer with exactly this phone or e-mail to the caller for half an hour, to read; whoever answers for it is
-- told. One that he sees anyway he just gets. 404 where there is none or more than one.
create function api.customer_break_glass(session text, request uuid, body jsonb) returns setof api.customer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    r      api.customer;
    found_ uuid;
begin
    perform app.enter(session, request, 'customers.break_glass');
    if app.role() = 'auditor' then
        perform app.refuse(403, 'forbidden', 'An auditor helps no callers.');
    end if;
    -- Before anything is looked for: the refusal of a form must not tell whether there is such a customer.
    if char_length(btrim(coalesce(body->>'reason', ''))) not between 1 and 1000 then
        perform app.refuse_member(422, 'invalid_value', '/reason', 'required', 'Say why.');
    end if;
    if num_nonnulls(body->>'phone', body->>'email') <> 1 then
        perform app.refuse_member(422, 'invalid_value', '/phone', 'form', 'Give either phone or email.');
    end if;
    found_ := app.break_glass_find(body->>'phone', body->>'email');
    if found_ is null then
        perform app.refuse_missing();
    end if;
    if not exists (select from app.customer c where c.org_id = app.org() and c.id = found_) then
        insert into app.break_glass (org_id, id, staff_id, customer_id, reason, at, expires_at)
        values (app.org(), app.uuid7(), app.me(), found_, body->>'reason', app.now(), app.now() + interval '30 minutes');
        perform app.tell(a, 'break_glass', found_, body->>'reason') from app.answerable(found_) a;
    end if;
    perform app.single();
    r := api.customer_shown(found_);
    perform app.disclose('break_glass', array[r.id], masked => r.masked && '{email,phone,phone_e164}', reason => body->>'reason', bytes => pg_column_size(r));
    return next r;
end
$$;
