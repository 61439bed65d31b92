-- scene.sql: makes the people and customers of the matrix, in their own names. Only the test of the rules gets this.
set client_min_messages = warning;
create schema if not exists rules;

-- People, in order: {org, id, name, email, role, above, segments}; active and logged in with this session.
create or replace function rules.people(list jsonb) returns void
language plpgsql as $$
begin
    insert into app.staff (org_id, id, person_id, name, email, role, manager_id, segments, status, created_at, updated_at)
    select p.org, p.id, p.id, p.name, p.email, p.role, p.above, app.texts(p.segments), 'active', app.now(), app.now()
    from jsonb_to_recordset(list) p(org int, id uuid, name text, email text, role text, above uuid, segments jsonb);
    insert into app.session (org_id, id, staff_id, secret_hash, created_at, expires_at)
    select p.org, app.uuid7(), p.id, app.secret_hash(p.session), app.now(), app.now() + interval '12 hours'
    from jsonb_to_recordset(list) p(org int, id uuid, session text);
end
$$;

-- Who leaves; his sessions come back to life, as if one had been forgotten.
create or replace function rules.leave(who uuid[]) returns void
language plpgsql as $$
begin
    update app.staff s set status = 'inactive' where s.id = any(who);
    update app.session s set revoked_at = null, revoked_why = null where s.staff_id = any(who);
end
$$;

-- What belongs to a customer: two contacts, deals and activities and six offers by the worker, of whom the first contact has the
-- contact values of his customer; the boss changed its phone, the worker its notes. What happens to the customer itself comes later.
create or replace function rules.children(org int, customer uuid, ids jsonb, worker uuid, boss uuid, mail text, phones jsonb) returns void
language plpgsql as $$
begin
    perform app.act_as(org, worker, 'contacts.create');
    insert into app.contact (org_id, id, customer_id, name, email, phone, created_at, updated_at)
    select org, (ids->>k.key)::uuid, customer, 'A contact', mail, phones->>0, app.clock(), app.clock() from unnest('{contact,contact2}'::text[]) k(key);
    insert into app.deal (org_id, id, customer_id, title, stage, created_at, updated_at)
    select org, (ids->>k.key)::uuid, customer, 'A deal', c.stage, app.clock(), app.clock()
    from unnest('{deal,deal2}'::text[]) k(key), app.customer c where c.org_id = org and c.id = customer;
    insert into app.activity (org_id, id, customer_id, author_id, kind, at, created_at, updated_at)
    select org, (ids->>k.key)::uuid, customer, worker, 'note', app.clock(), app.clock(), app.clock() from unnest('{activity,activity2}'::text[]) k(key);
    insert into app.offer (org_id, id, customer_id, number, revision, currency, lines, created_at, updated_at)
    select org, (ids->>k.key)::uuid, customer, app.offer_number(), 1, 'EUR', '[{"description": "It", "quantity": 1, "unit_price": 100}]', app.clock(), app.clock()
    from jsonb_object_keys(ids) k(key) where k.key like 'offer%';
    update app.offer o set status = 'sent', promised_by = worker where o.org_id = org and o.customer_id = customer and o.id <> all(array(
        select (ids->>k)::uuid from unnest('{offer,offer2,offer3}'::text[]) k));
    perform app.act_as(org, boss, 'contacts.change');
    update app.contact k set phone = phones->>2 where k.org_id = org and k.id = (ids->>'contact')::uuid;
    perform app.act_as(org, worker, 'contacts.change');
    update app.contact k set notes = 'Noted.' where k.org_id = org and k.id = (ids->>'contact')::uuid;
end
$$;

-- Customers. The worker creates one and changes its phone, the boss (an admin) changes phone and city, the worker the website,
-- each in an operation of its own; then whatever happened to it last.
create or replace function rules.customers(list jsonb) returns void
language plpgsql as $$
declare
    c        record;
    auditors uuid[];
begin
    -- Nobody gives an auditor anything; who has something and became one keeps it.
    perform set_config('app.operation', '', true);
    with was as (update app.staff s set role = 'rep' where s.role = 'auditor'
            and s.id in (select (l->>o)::uuid from jsonb_array_elements(list) l, unnest('{owner,heir}'::text[]) o) returning s.id)
    select array_agg(id) into auditors from was;
    for c in select * from jsonb_to_recordset(list) c(org int, id uuid, name text, email text, phones jsonb, stage text,
        owner uuid, worker uuid, boss uuid, mover uuid, heir uuid, moved text, archived boolean, children jsonb)
    loop
        perform app.act_as(c.org, c.worker, 'customers.create');
        insert into app.customer (org_id, id, name, email, phone, stage, owner_id, created_at, updated_at)
        values (c.org, c.id, c.name, c.email, c.phones->>0, c.stage, c.owner, app.clock(), app.clock());
        perform rules.children(c.org, c.id, c.children, c.worker, c.boss, c.email, c.phones) where c.children is not null;
        perform app.act_as(c.org, c.worker, 'customers.change');
        update app.customer k set phone = c.phones->>1 where k.org_id = c.org and k.id = c.id;
        perform app.act_as(c.org, c.boss, 'customers.change');
        update app.customer k set phone = c.phones->>2 where k.org_id = c.org and k.id = c.id;
        perform app.act_as(c.org, c.boss, 'customers.change');
        update app.customer k set city = 'Ulm' where k.org_id = c.org and k.id = c.id;
        perform app.act_as(c.org, c.worker, 'customers.change');
        update app.customer k set website = 'rules.test' where k.org_id = c.org and k.id = c.id;
        if c.mover is not null then
            perform app.act_as(c.org, c.mover, 'customers.stage');
            update app.customer k set owner_id = c.heir, stage = c.moved where k.org_id = c.org and k.id = c.id;
        end if;
        if c.archived then
            perform app.act_as(c.org, c.boss, 'customers.archive');
            update app.customer k set archived_at = app.clock() where k.org_id = c.org and k.id = c.id;
        end if;
    end loop;
    perform set_config('app.operation', '', true);
    update app.staff s set role = 'auditor' where s.id = any(auditors);
end
$$;

-- Broken glass: {org, staff, customer, over}.
create or replace function rules.glass(list jsonb) returns void
language sql as $$
    insert into app.break_glass (org_id, id, staff_id, customer_id, reason, at, expires_at)
    select g.org, app.uuid7(), g.staff, g.customer, 'Somebody called.', t.at, t.at + interval '30 minutes'
    from jsonb_to_recordset(list) g(org int, staff uuid, customer uuid, over boolean),
        lateral (select app.now() - case when g.over then interval '31 minutes' else interval '10 minutes' end as at) t
$$;

-- A restore of the worker's that left the phone alone: {org, id, worker, customer, phones}.
create or replace function rules.restores(list jsonb) returns void
language plpgsql as $$
declare
    r record;
begin
    for r in select * from jsonb_to_recordset(list) r(org int, id uuid, worker uuid, customer uuid, phones jsonb) loop
        insert into app.job (org_id, id, program, staff_id, session_id, request_id, status, total, created_at, finished_at)
        values (r.org, r.id, 'restores', r.worker, r.worker, r.id, 'done', 1, app.now(), app.now());
        insert into app.restore (org_id, id, operation_id, staff_id, scope, reason, conflict_count, outside)
        values (r.org, r.id, r.id, r.worker, '{}', 'A test.', 1, 0);
        insert into app.restore_conflict (org_id, restore_id, entity, record_id, customer_id, field, undone, current, target, why)
        values (r.org, r.id, 'customers', r.customer, r.customer, 'phone', r.phones->1, r.phones->2, r.phones->0, 'changed_since');
    end loop;
end
$$;

-- The history of these customers, from which cells take operations, changes and moments.
create or replace function rules.history(ids uuid[]) returns table (record_id uuid, doc jsonb)
language sql as $$
    select h.record_id, jsonb_agg(jsonb_build_object('id', h.id, 'operation', h.operation_id, 'field', h.field,
        'actor', h.actor_id, 'at', app.time_json(h.at), 'after', app.time_json(h.at + interval '1 microsecond')) order by h.id)
    from app.history h where h.record_id = any(ids) group by h.record_id
$$;
