-- funnel.sql: the funnel is one record that its admin writes whole; the tables that everything else refers to follow from it.

-- What a segment may keep back from the people of other segments: fields of a customer, and kinds of children.
create or replace function app.hideable() returns text[]
language sql immutable as $$
    select '{email,phone,website,address,city,region,postal_code,country,source,value,currency,notes,tags,custom,
        contacts,activities,deals,offers}'::text[]
$$;

-- A funnel with all its members: what a client leaves out is the rule "manual", and nothing hidden.
create or replace function app.funnel_whole(segments jsonb) returns jsonb
language sql immutable as $$
    select jsonb_agg('{"rule": "manual", "hides": []}' || s.v order by s.n) from jsonb_array_elements(segments) with ordinality s(v, n)
$$;

-- What is wrong with a funnel: a row for each member at fault. place orders them as they stand in the document.
create or replace function app.funnel_faults(segments jsonb)
returns table (place bigint[], pointer text, why text, says text)
language sql immutable as $$
    with segment as (
        select array[s.n] as place, '/segments/' || s.n - 1 as pointer, s.v, s.n from jsonb_array_elements(segments) with ordinality s(v, n)),
    stage as (
        select array[s.n, 1, e.n] as place, s.pointer || '/stages/' || e.n - 1 as pointer, e.v
        from segment s, jsonb_array_elements(s.v->'stages') with ordinality e(v, n)),
    hidden as (
        select array[s.n, 2, e.n] as place, s.pointer || '/hides/' || e.n - 1 as pointer, e.word,
            row_number() over (partition by s.n, e.word order by e.n) as nth
        from segment s, jsonb_array_elements_text(s.v->'hides') with ordinality e(word, n)),
    named as (
        select t.*, row_number() over (partition by t.kind, t.v->>'id' order by t.place) as nth
        from (select 'segment' as kind, place, pointer, v from segment union all select 'stage', place, pointer, v from stage) t)
    select '{}'::bigint[], '/segments', 'required', 'A funnel has at least one segment.' where coalesce(jsonb_array_length(segments), 0) = 0
    union all select '{}', '/segments', 'count', 'At most 20 segments.' where jsonb_array_length(segments) > 20
    union all select n.place, n.pointer || '/id', 'format', 'A small letter, then up to 39 small letters, digits and _.'
        from named n where coalesce(n.v->>'id', '') !~ '^[a-z][a-z0-9_]{0,39}$'
    union all select n.place, n.pointer || '/id', 'duplicate', format('There is another %s with this id.', n.kind) from named n where n.nth > 1
    union all select n.place, n.pointer || '/name', 'length', 'From 1 to 100 characters.'
        from named n where coalesce(char_length(n.v->>'name'), 0) not between 1 and 100
    union all select s.place, s.pointer || '/stages', 'required', 'A segment has at least one stage.'
        from segment s where coalesce(jsonb_array_length(s.v->'stages'), 0) = 0
    union all select s.place, s.pointer || '/stages', 'count', 'At most 50 stages.' from segment s where jsonb_array_length(s.v->'stages') > 50
    union all select s.place, s.pointer || '/rule', 'word', 'One of: manual round_robin least_loaded.'
        from segment s where coalesce(s.v->>'rule', '') <> all('{manual,round_robin,least_loaded}')
    union all select h.place, h.pointer, 'word', 'One of: ' || array_to_string(app.hideable(), ' ') || '.' from hidden h where h.word <> all(app.hideable())
    union all select h.place, h.pointer, 'duplicate', 'This stands there twice.' from hidden h where h.nth > 1
$$;

-- Refuses a funnel that is malformed: 422 names every member at fault.
create or replace function app.funnel_check(segments jsonb) returns void
language plpgsql volatile as $$
declare
    faults jsonb := (select jsonb_agg(jsonb_build_object('pointer', f.pointer, 'code', f.why, 'detail', f.says) order by f.place, f.pointer)
        from app.funnel_faults(segments) f);
begin
    if faults is not null then
        perform app.refuse(422, 'invalid_value', null, jsonb_build_object('errors', faults));
    end if;
end
$$;

-- What people work in and a new funnel would take away, or a stage of theirs that it would put into another segment:
-- [{stage or segment, customers, deals, staff, pointer}], null for nothing. Archived ones count; deals only in a stage that goes. As the mover, since the owner of
-- the tables sees no customer.
create or replace function app.funnel_in_use(org int, segments jsonb) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    leaving text[] := app.funnel_leaving(org, segments);
    gone    text[] := app.funnel_gone(org, segments);
begin
    if leaving = '{}' and gone = '{}' then
        return null;
    end if;
    return (
        with place as (
            select s.v->>'id' as segment, e.v->>'id' as stage, '/segments/' || s.n - 1 || '/stages' as stages, '/' || e.n - 1 as at
            from jsonb_array_elements(segments) with ordinality s(v, n), jsonb_array_elements(s.v->'stages') with ordinality e(v, n)),
        used as (
            select t.id, t.segment_id, t.position, (select count(*) from app.customer c where c.org_id = org and c.stage = t.id) as customers,
                (select count(*) from app.deal d where d.org_id = org and d.stage = t.id and not exists (select from place p where p.stage = t.id)) as deals
            from app.stage t where t.org_id = org and t.id = any(leaving)),
        entry as (
            select u.position as n, 1 as kind, jsonb_build_object('stage', u.id, 'customers', u.customers, 'deals', u.deals, 'staff', 0, 'pointer', coalesce(
                (select p.stages || p.at from place p where p.stage = u.id limit 1),
                (select p.stages from place p where p.segment = u.segment_id limit 1), '/segments')) as doc
            from used u where u.customers + u.deals > 0
            union all
            select g.position, 2, jsonb_build_object('segment', g.id, 'customers', k.customers, 'deals', k.deals, 'staff', p.n, 'pointer', '/segments')
            from app.segment g, lateral (select coalesce(sum(u.customers), 0) as customers, coalesce(sum(u.deals), 0) as deals
                    from used u where u.segment_id = g.id) k,
                lateral (select count(*) as n from app.staff_segment s where s.org_id = org and s.segment_id = g.id) p
            where g.org_id = org and g.id = any(gone) and k.customers + k.deals + p.n > 0)
        select jsonb_agg(e.doc order by e.kind, e.n) from entry e);
end
$$;
alter function app.funnel_in_use owner to holdfast_mover;

-- The stages that a new funnel has not, or has in another segment; the segments that it has not.
create or replace function app.funnel_leaving(org int, segments jsonb) returns text[]
language sql stable as $$
    select array(select t.id from app.stage t where t.org_id = org and not segments @> jsonb_build_array(
        jsonb_build_object('id', t.segment_id, 'stages', jsonb_build_array(jsonb_build_object('id', t.id)))) order by t.id)
$$;

create or replace function app.funnel_gone(org int, segments jsonb) returns text[]
language sql stable as $$
    select array(select g.id from app.segment g
        where g.org_id = org and not segments @> jsonb_build_array(jsonb_build_object('id', g.id)) order by g.id)
$$;

-- Refuses a funnel that leaves out what is in use: 409 says by how many. Locked before they are counted, so that nobody puts a
-- customer or a person there meanwhile: a reference to a row waits for this lock, and this one for it.
create or replace function app.funnel_spare(org int, segments jsonb) returns void
language plpgsql volatile as $$
declare
    leaving text[] := app.funnel_leaving(org, segments);
    gone    text[] := app.funnel_gone(org, segments);
    used    jsonb;
begin
    if app.org() is distinct from org and leaving || gone <> '{}' then
        raise exception 'whoever takes away a stage or a segment enters first: app.act_as';   -- an operator; without, the mover sees nothing
    end if;
    perform from app.stage t where t.org_id = org and t.id = any(leaving) order by t.id for update;
    perform from app.segment g where g.org_id = org and g.id = any(gone) order by g.id for update;
    used := app.funnel_in_use(org, segments);
    if used is not null then
        perform app.refuse(409, 'in_use', 'Still in use: ' || string_agg(w.says, '; ' order by w.n) || '. Give them another place first.',
            jsonb_build_object('in_use', jsonb_agg(w.v - 'pointer' order by w.n), 'errors', jsonb_agg(jsonb_build_object(
                'pointer', w.v->>'pointer', 'code', 'in_use', 'detail', 'Still in use: ' || w.says || '.') order by w.n)))
        from (select u.n, u.v, coalesce('stage ' || (u.v->>'stage'), 'segment ' || (u.v->>'segment')) || ' by ' || concat_ws(' and ',
                nullif(u.v->>'customers', '0') || case u.v->>'customers' when '1' then ' customer' else ' customers' end,
                nullif(u.v->>'deals', '0') || case u.v->>'deals' when '1' then ' deal' else ' deals' end,
                nullif(u.v->>'staff', '0') || case u.v->>'staff' when '1' then ' person' else ' people' end) as says
            from jsonb_array_elements(used) with ordinality u(v, n)) w;
    end if;
end
$$;

-- Makes segments, stages and what they hide from the funnel's document. Refuses one that is malformed (422), and to take away
-- what is in use (409).
create or replace function app.tg_funnel_derive() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.funnel_check(new.segments);
    perform app.funnel_spare(new.org_id, new.segments);
    insert into app.segment as g (org_id, id, name, position, rule, hides)
    select new.org_id, s.v->>'id', s.v->>'name', s.n, s.v->>'rule', app.texts(s.v->'hides')
    from jsonb_array_elements(new.segments) with ordinality s(v, n)
    on conflict (org_id, id) do update set (name, position, rule, hides)
        = (excluded.name, excluded.position, excluded.rule, excluded.hides);
    insert into app.stage as t (org_id, id, name, segment_id, position)
    select new.org_id, e.v->>'id', e.v->>'name', s.v->>'id', row_number() over (order by s.n, e.n)
    from jsonb_array_elements(new.segments) with ordinality s(v, n), jsonb_array_elements(s.v->'stages') with ordinality e(v, n)
    on conflict (org_id, id) do update set (name, segment_id, position) = (excluded.name, excluded.segment_id, excluded.position);
    delete from app.stage t where t.org_id = new.org_id and t.id = any(app.funnel_leaving(new.org_id, new.segments));
    delete from app.segment g where g.org_id = new.org_id and g.id = any(app.funnel_gone(new.org_id, new.segments));
    update app.settings o set hides = h.hides
    from (select jsonb_object_agg(s.v->>'id', s.v->'hides') as hides from jsonb_array_elements(new.segments) s(v) where s.v->'hides' <> '[]') h
    where o.org_id = new.org_id and o.hides is distinct from h.hides;
    return null;
end
$$;
alter function app.tg_funnel_derive owner to holdfast_owner;

create or replace trigger _200_touch before update on app.funnel
    for each row when (old.* is distinct from new.*) execute function app.tg_touch();
create or replace trigger _300_derive after insert or update of segments on app.funnel
    for each row execute function app.tg_funnel_derive();

do $$ begin perform app.track('app.funnel', 'funnel'); end $$;
