-- decoys.sql: customers that nobody has any reason to look at: making them, and who met them. For whoever may know which they are.

create view api.decoy with (security_invoker = true) as
select d.id, d.customer_id, c.name, c.owner_id, d.made_by, d.at,
    -- Who has it in any answer, without those who know.
    coalesce((select jsonb_agg(jsonb_build_object('staff_id', s.staff_id, 'staff_name', p.name, 'first_at', app.time_json(s.first_at), 'at', app.time_json(s.at),
            'opened_at', app.time_json(s.opened_at), 'contact_at', app.time_json(s.contact_at)) order by s.at desc, s.staff_id)
        from app.seen s join app.staff p on p.org_id = s.org_id and p.id = s.staff_id
        where s.org_id = d.org_id and s.customer_id = d.customer_id and p.role not in ('admin', 'auditor')), '[]') as touches,
    d.org_id as _org, (select app.classification()) as _classification, null::text as _next, null::boolean as _tail
from app.decoy d
join app.customer c on c.org_id = d.org_id and c.id = d.customer_id;

-- All decoys, the latest made first.
create function api.decoy_list(session text, request uuid, cursor jsonb, lim int) returns setof api.decoy
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows api.decoy[];
    tail api.decoy;
begin
    perform app.enter(session, request, 'decoys.list', reads => true);
    if app.role() not in ('admin', 'auditor') then
        perform app.refuse(403, 'forbidden', 'Only an admin or an auditor asks this.');
    end if;
    lim := least(lim, 200);
    rows := array(select v from api.decoy v where v._org = app.org() and (cursor is null or v.id < (cursor->>0)::uuid) order by v.id desc limit lim + 1);
    tail._tail := true;
    tail._classification := app.classification();
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim].id);
    end if;
    perform app.disclose('list', array(select r.customer_id from unnest(rows) r), 'base', masked => true);
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- Whose decoys can be: people who work in the segments of the funnel. 422 names what leaves nobody.
create function api.decoy_places(segment text, owner uuid) returns jsonb
language plpgsql stable as $$
declare
    places jsonb;
begin
    if segment is not null and not exists (select from app.segment g where g.org_id = app.org() and g.id = segment) then
        perform app.refuse_member(422, 'invalid_value', '/segment', 'unknown', 'There is no such segment.');
    end if;
    select jsonb_agg(jsonb_build_array(s.id, g.segment_id) order by random()) into places
    from app.staff s join app.staff_segment g on g.org_id = s.org_id and g.staff_id = s.id
    where s.org_id = app.org() and s.status = 'active' and s.role = 'rep' and (segment is null or g.segment_id = segment) and (owner is null or s.id = owner);
    if places is null then
        perform app.refuse_member(422, 'invalid_value', case when owner is null then '/segment' else '/owner_id' end, 'nobody',
            case when owner is null then 'No rep works there.' else 'The owner must be an active rep who works there.' end);
    end if;
    return places;
end
$$;

-- Two customers of a segment, if need be of anybody's or anywhere in the funnel, that a decoy of somebody's shall be like.
create function api.decoy_models(segment text, owner uuid) returns setof app.customer
language sql volatile as $$
    select (t.c).* from (select c, c.owner_id is distinct from owner as far, c.segment <> decoy_models.segment as farther
        from (select * from app.customer k where k.org_id = app.org() and k.archived_at is null and k.owner_id = owner order by k.updated_at desc limit 200) c
        union all
        select c, true, c.segment <> decoy_models.segment
        from (select * from app.customer k where k.org_id = app.org() and k.archived_at is null order by k.updated_at desc limit 200) c) t
    where not exists (select from app.decoy d where d.org_id = app.org() and d.customer_id = (t.c).id)
    order by t.farther, t.far, random() limit 2
$$;

-- Makes decoys, spread over the people who work in a segment or in all.
create function api.decoy_create(session text, request uuid, retry text, body jsonb) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    d      api.document;
    first  uuid;
    places jsonb;
    place  jsonb;
    models app.customer[];
    c      app.customer;
begin
    perform app.enter(session, request, 'decoys.create');
    if app.role() <> 'admin' then
        perform app.refuse(403, 'forbidden', 'Only an admin makes decoys.');
    end if;
    first := app.retry_result(retry);
    if first is null then
        places := api.decoy_places(body->>'segment', (body->>'owner_id')::uuid);
        for i in 1..(body->>'count')::int loop
            place := places->((i - 1) % jsonb_array_length(places));
            models := array(select m from api.decoy_models(place->>1, (place->>0)::uuid) m);
            c := app.decoy_like(models[1], models[2]);
            c.owner_id := (place->>0)::uuid;
            c.segment := place->>1;
            c.stage := (select s.id from app.stage s where s.org_id = app.org() and s.segment_id = c.segment order by s.id <> coalesce(models[1].stage, ''), random() limit 1);
            perform app.decoy_keep(c, models[1].id);
        end loop;
        first := (select k.id from app.decoy k where k.org_id = app.org() and k.made_by = app.me() and k.at = app.now() order by k.id limit 1);
        perform app.retry_keep(retry, first);
    end if;
    -- What one request makes has one moment.
    select jsonb_build_object('decoys', jsonb_agg(jsonb_build_object('id', v.id, 'customer_id', v.customer_id, 'name', v.name, 'owner_id', v.owner_id) order by v.id)),
        app.classification() into d._doc, d._classification
    from api.decoy v join app.decoy k on k.org_id = v._org and k.id = first
    where v._org = app.org() and v.made_by = k.made_by and v.at = k.at;
    perform app.disclose('list', array(select (v->>'customer_id')::uuid from jsonb_array_elements(d._doc->'decoys') v), 'base', masked => true);
    d._status := 201;
    return next d;
end
$$;
