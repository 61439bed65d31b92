-- handover.sql: all that whoever takes over a customer needs to know, as one document.
--
-- Each section is what its caller sees of it elsewhere. Of an archived customer it shows what was archived with it.

create function api.named(id uuid, name text) returns jsonb
language sql stable as $$ select case when id is not null then jsonb_build_object('id', id, 'name', name) end $$;

-- The primary one first. What proved a phone or an email is told only while that is shown.
create function api.handover_contacts(c api.customer) returns jsonb
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
    rows api.contact[] := array(select v from api.contact v
        where v._org = app.org() and v.customer_id = c.id and v.archived_at is not distinct from c.archived_at
        order by v.is_primary desc, v.name, v.id limit 100);
begin
    return (
        with proven as materialized (
            select p.contact_id, p.channel, jsonb_build_object('at', app.time_json(p.at), 'activity_id', p.activity_id) as doc
            from app.contacts_proven(array(select r.id from unnest(rows) r)) p)
        select coalesce(jsonb_agg(api.contact_json(r) || jsonb_build_object('proven', jsonb_build_object(
                'email', case when r.email is not null then (select p.doc from proven p where p.contact_id = r.id and p.channel = 'email') end,
                'phone', case when r.phone is not null then (select p.doc from proven p where p.contact_id = r.id and p.channel = 'phone') end))
            order by r.is_primary desc, r.name, r.id), '[]')
        from unnest(rows) r);
end
$$;

create function api.handover_deals(c api.customer) returns jsonb
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return (select coalesce(jsonb_agg(api.deal_json(p.v) order by (p.v).created_at desc, (p.v).id desc), '[]')
        from (select v from api.deal v where v._org = app.org() and v.customer_id = c.id and v.archived_at is not distinct from c.archived_at
            order by v.created_at desc, v.id desc limit 100) p);
end
$$;

-- All revisions, the newest first.
create function api.handover_offers(c api.customer) returns jsonb
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return (select coalesce(jsonb_agg(p.doc order by p.n), '[]')
        from (select api.offer_json(v) || jsonb_build_object('promised_by', api.named(s.id, s.name)) as doc,
                row_number() over (order by v.created_at desc, v.revision desc, v.id) as n
            from api.offer v
            left join app.staff s on s.org_id = v._org and s.id = v.promised_by
            where v._org = app.org() and v.customer_id = c.id and v.archived_at is not distinct from c.archived_at
            order by n limit 100) p);
end
$$;

-- The ids of those that the customer may still accept.
create function api.open_offers(offers jsonb) returns jsonb
language sql stable as $$
    select coalesce(jsonb_agg(o.v->'id' order by o.n), '[]') from jsonb_array_elements(offers) with ordinality o(v, n)
    where o.v->>'status' = 'sent' and ((o.v->>'valid_to')::timestamptz > app.now()) is not false
$$;

-- What is not done: first what should have been, then what is due next. The index of what is due has no archived ones.
create function api.handover_steps(c api.customer) returns jsonb
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
    now timestamptz := app.now();
begin
    return (select coalesce(jsonb_agg(jsonb_build_object('activity_id', p.id, 'what', coalesce(p.next_step, p.subject, p.kind), 'due_at', app.time_json(p.due_at),
            'overdue', coalesce(p.due_at < now, false), 'promised_by', api.named(s.id, s.name), 'contact', api.named(k.id, k.name),
            'since', app.time_json(p.at)) order by p.due_at, p.at, p.id), '[]')
        from (
            select a.* from app.activity a
            where a.org_id = app.org() and a.customer_id = c.id and (a.next_step is not null or a.kind = 'task') and a.done_at is null
              and a.archived_at is null and c.archived_at is null
            union all
            select a.* from app.activity a
            where a.org_id = app.org() and a.customer_id = c.id and (a.next_step is not null or a.kind = 'task') and a.done_at is null
              and a.archived_at = c.archived_at and c.archived_at is not null
            order by due_at, at, id limit 100) p
        left join app.staff s on s.org_id = p.org_id and s.id = p.author_id
        left join app.contact k on k.org_id = p.org_id and k.id = p.contact_id);
end
$$;

-- All that was said and done, tasks when they are done.
create function api.handover_conversations(c api.customer) returns jsonb
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return (select coalesce(jsonb_agg(api.activity_json(p.v) - 'customer_id' || jsonb_build_object(
            'author', api.named((p.v).author_id, (p.v).author_name), 'contact', api.named(k.id, k.name)) order by p.at desc, p.id desc), '[]')
        from (select v, v.at, v.id
            from api.activity v where v._org = app.org() and v.customer_id = c.id and v.archived_at is not distinct from c.archived_at
              and (v.kind <> 'task' or v.done_at is not null)
            order by v.at desc, v.id desc limit 200) p
        left join app.contact k on k.org_id = app.org() and k.id = (p.v).contact_id);
end
$$;

-- How much of that there is. Of a customer the policies show all activities or none.
create function api.handover_conversation_count(c api.customer) returns bigint
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return case when exists (select from app.activity a where a.org_id = app.org() and a.customer_id = c.id) then app.conversation_count(c.id, c.archived_at) else 0 end;
end
$$;

-- Whose it is and was, the latest first.
create function api.handover_owners(c api.customer) returns jsonb
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return (select coalesce(jsonb_agg(jsonb_build_object('owner', api.named(s.id, s.name), 'from', app.time_json(p.at), 'to', app.time_json(p.ended))
            order by p.id desc), '[]')
        from (
            select h.id, h.at, lead(h.at) over (order by h.id) as ended,
                (case when h.field is null then h.new->>'owner_id' else h.new #>> '{}' end)::uuid as owner_id
            from app.history h
            where h.org_id = app.org() and h.record_id = c.id and h.entity = 'customers' and (h.field is null or h.field = 'owner_id')
            order by h.id desc limit 50) p
        left join app.staff s on s.org_id = app.org() and s.id = p.owner_id);
end
$$;

-- Where it stands, and since when.
create function api.handover_standing(c api.customer) returns jsonb
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return (select jsonb_build_object('stage', c.stage, 'stage_name', t.name, 'segment', c.segment, 'segment_name', g.name,
            'since', app.time_json((select h.at from app.history h where h.org_id = app.org() and h.record_id = c.id and h.entity = 'customers'
                and (h.field is null or h.field = 'stage') order by h.id desc limit 1)),
            'owner', api.named(s.id, s.name))
        from app.stage t
        join app.segment g on g.org_id = t.org_id and g.id = c.segment
        left join app.staff s on s.org_id = t.org_id and s.id = c.owner_id
        where t.org_id = app.org() and t.id = c.stage);
end
$$;

-- The last changes of fields of the customer and its contacts, as the history has them. Among the contacts changed last are all
-- whose changes can be among the last ones.
create function api.handover_changes(c api.customer) returns jsonb
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return (select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'operation_id', p.operation_id, 'entity', p.entity, 'record_id', p.record_id,
            'field', p.field, 'old', p.old, 'new', p.new, 'actor_id', p.actor_id, 'actor_name', p.actor_name, 'at', app.time_json(p.at),
            'via', p.via) order by p.id desc), '[]')
        from (
            select h.* from (
                select 'customers' as entity, c.id
                union all
                (select 'contacts', k.id from app.contact k where k.org_id = app.org() and k.customer_id = c.id
                    order by k.updated_at desc, k.id desc limit 100)) r
            cross join lateral (select v.* from api.change v where v._org = app.org() and v.record_id = r.id and v.entity = r.entity
                and v.field is not null order by v.id desc limit 20) h
            order by h.id desc limit 20) p);
end
$$;

create function api.completeness_json(id uuid) returns jsonb
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return (select jsonb_build_object('score', s.score, 'missing', (
            select coalesce(jsonb_agg(jsonb_build_object('code', m.code, 'points', m.points, 'says', app.completeness_says(m.code)) order by m.n), '[]')
            from unnest(s.codes, s.points) with ordinality m(code, points, n)))
        from app.completeness(array[id]) s);
end
$$;

-- The document of one customer; 404 where hidden or missing.
create function api.customer_handover(session text, request uuid, id uuid) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    c      api.customer;
    past   jsonb;
    people jsonb;
    offers jsonb;
begin
    perform app.enter(session, request, 'customers.handover', reads => true);
    c := api.customer_shown(id);
    past := api.handover_changes(c);   -- masked as in lists; the rest is about one record
    perform app.single();
    c := api.customer_shown(id);
    people := api.handover_contacts(c);
    offers := api.handover_offers(c);
    perform app.disclose('handover', array[c.id], masked => c.masked && '{email,phone,phone_e164}' or people @? '$[*].masked[*]',
        bytes => pg_column_size(c) + pg_column_size(people) + pg_column_size(offers) + pg_column_size(past));
    return query select jsonb_build_object('generated_at', app.time_json(app.now()),
            'generated_for', (select api.named(s.id, s.name) from app.staff s where s.org_id = app.org() and s.id = app.me()),
            'classification', app.classification(), 'customer', api.customer_json(c), 'standing', api.handover_standing(c),
            'contacts', people, 'deals', api.handover_deals(c), 'offers', offers, 'open_offers', api.open_offers(offers),
            'next_steps', api.handover_steps(c), 'conversations', api.handover_conversations(c),
            'conversation_count', api.handover_conversation_count(c), 'owners', api.handover_owners(c), 'changes', past,
            'completeness', api.completeness_json(c.id)),
        200, null::text, app.classification();
end
$$;
