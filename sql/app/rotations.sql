-- rotations.sql: customers that ought to go to somebody else in time, proposed each night by the policy of their segment.
--
-- Nothing moves by itself: whoever is above the person applies a proposal, as a transfer (app.bulk_begin), or dismisses it.

-- How many customers one proposal has: as many as somebody can look through. The rest comes when these are decided about.
create or replace function app.rotation_most() returns int language sql immutable as $$ select 500 $$;

-- For how many days what was dismissed is not proposed again.
create or replace function app.rotation_rest() returns int language sql immutable as $$ select 30 $$;

-- A segment's policy, whole. A customer is due when its owner has had it for longest_days, or when of at least touches_least calls, e-mails,
-- meetings, messages and visits within touches_days share_of_touches per cent were his. Never one of a value above
-- exempt_key_accounts_above, in minor units of whatever currency it has, nor one with the tag exempt_tag; but for those that the owner made so himself.
create or replace function app.rotation_policy(policy jsonb) returns jsonb
language sql immutable as $$ select '{"touches_days": 90, "touches_least": 5}'::jsonb || policy $$;

create or replace function app.rotation_settings(rotation jsonb) returns jsonb
language sql immutable as $$
    select coalesce(jsonb_object_agg(r.key, app.rotation_policy(r.value)), '{}') from jsonb_each(rotation) r
$$;

-- What is wrong with the policies of an org, and where; nulls where nothing is. asked are those that somebody writes: one that was there may
-- have outlived its segment.
create or replace function app.rotation_wrong(rotation jsonb, asked jsonb, out pointer text, out said text)
language plpgsql stable as $$
declare
    s  record;
    m  record;
    at text;
begin
    for s in select * from jsonb_each(rotation) order by 1 loop
        at := '/rotation/' || replace(replace(left(s.key, 80), '~', '~0'), '/', '~1');
        pointer := at;
        if asked ? s.key and not exists (select from app.segment g where g.org_id = app.org() and g.id = s.key) then
            said := 'There is no such segment.';
        elsif jsonb_typeof(s.value) <> 'object' then
            said := 'A policy is an object.';
        elsif not s.value ?| '{longest_days,share_of_touches}' then
            said := 'Give longest_days, share_of_touches or both.';
        end if;
        exit when said is not null;
        for m in select k.key, k.value, w.low, w.high from jsonb_each(s.value) k
            left join (values ('longest_days', 7, 3650::bigint), ('share_of_touches', 1, 100), ('touches_days', 7, 365), ('touches_least', 1, 1000),
                ('exempt_key_accounts_above', 0, 1000000000000000)) w(name, low, high) on w.name = k.key order by 1
        loop
            pointer := at || '/' || replace(replace(left(m.key, 80), '~', '~0'), '/', '~1');
            if m.key = 'exempt_tag' then
                said := case when jsonb_typeof(m.value) <> 'string' or char_length(m.value #>> '{}') not between 1 and 64 then 'A tag of 1 to 64 characters.' end;
            elsif m.low is null then
                said := 'There is no such rule.';
            elsif jsonb_typeof(m.value) <> 'number' or m.value::text !~ '^[0-9]{1,16}$' or m.value::bigint not between m.low and m.high then
                said := format('A whole number from %s to %s.', m.low, m.high);
            end if;
            exit when said is not null;
        end loop;
        exit when said is not null;
    end loop;
    pointer := case when said is not null then pointer end;
end
$$;

-- Whether it was the owner himself, by whatever account, who made a customer one that its policy exempts: who gave it the tag, or put its value above that. Asked of
-- those that are exempt alone.
create or replace function app.exempt_by_himself(customer uuid, owner_id uuid, tag text, above bigint) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    name text := case when tag is null then 'value' else 'tags' end;
begin
    return coalesce((select w.person_id = o.person_id
        from (select h.actor_id from app.history h
                cross join lateral (select case when h.field is null then h.old->name else h.old end as old, case when h.field is null then h.new->name else h.new end as new) v
            where h.org_id = app.org() and h.record_id = customer and h.entity = 'customers' and coalesce(h.field, name) = name
              and case when tag is null then coalesce((v.new #>> '{}')::bigint, 0) > above and coalesce((v.old #>> '{}')::bigint, 0) <= above
                else v.new ? tag and not coalesce(v.old ? tag, false) end
            order by h.id desc limit 1) l
        join app.staff w on w.org_id = app.org() and w.id = l.actor_id
        join app.staff o on o.org_id = app.org() and o.id = exempt_by_himself.owner_id), false);
end
$$;
alter function app.exempt_by_himself owner to holdfast_owner;

-- The customers of a segment that are due by its policy, and why.
create or replace function app.rotation_due(segment text, policy jsonb)
returns table (customer_id uuid, staff_id uuid, why text[], since timestamptz, touches int, share int)
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
    p      jsonb := app.rotation_policy(policy);
    before timestamptz := app.now() - make_interval(days => (p->>'longest_days')::int);
    from_  timestamptz := case when p ? 'share_of_touches' then app.now() - make_interval(days => (p->>'touches_days')::int) end;
    above  bigint := (p->>'exempt_key_accounts_above')::bigint;
    tag    text := p->>'exempt_tag';
begin
    return query
        with mine as materialized (
            select c.id, c.owner_id, coalesce(c.owner_since, c.created_at) as since from app.customer c
            where c.org_id = app.org() and c.segment = rotation_due.segment and c.owner_id is not null and c.archived_at is null
              and (above is null or coalesce(c.value, 0) <= above or app.exempt_by_himself(c.id, c.owner_id, null, above))
              and (tag is null or tag <> all(c.tags) or app.exempt_by_himself(c.id, c.owner_id, tag, null))),
        touched as (
            select m.id, count(*) as n, 100 * count(*) filter (where a.author_id = m.owner_id) / count(*) as share
            from mine m join app.activity a on a.org_id = app.org() and a.customer_id = m.id
            where a.at >= from_ and a.at <= app.now() and a.kind <> all('{note,task}') and a.archived_at is null
            group by 1)
        select d.id, d.owner_id, d.why, d.since, d.n::int, d.share::int
        from (select m.id, m.owner_id, m.since, coalesce(t.n, 0) as n, coalesce(t.share, 0) as share, array_remove(array[
                case when m.since <= before then 'longest_days' end,
                case when t.n >= (p->>'touches_least')::int and t.share >= (p->>'share_of_touches')::int then 'share_of_touches' end], null) as why
            from mine m left join touched t on t.id = m.id) d
        where d.why <> '{}';
end
$$;
alter function app.rotation_due owner to holdfast_mover;

-- Makes the proposals of a segment, or those that are open anew; those whose customers are due no more are over. What waits for an approval, by
-- these transfers, and what was dismissed of late is not proposed. Whoever is above is told of a new one.
create or replace function app.rotation_propose(segment text, policy jsonb, waiting uuid[]) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    now    timestamptz := app.now();
    person record;
    r      app.rotation;
    heirs  uuid[];
    found_ uuid[] := '{}';
begin
    for person in
        select d.staff_id, array_agg(d.customer_id order by d.n) as ids, jsonb_agg(jsonb_build_object('why', d.why, 'since', d.since, 'touches', d.touches, 'share', d.share) order by d.n) as facts
        from (select t.*, row_number() over (partition by t.staff_id order by t.since, t.customer_id) as n from app.rotation_due(segment, policy) t
            where not exists (select from app.rotation_item i join app.rotation o on o.org_id = i.org_id and o.id = i.rotation_id
                where i.org_id = app.org() and i.customer_id = t.customer_id and o.staff_id = t.staff_id
                  and (o.bulk_id = any(waiting) or o.status = 'dismissed' and o.decided_at > now - make_interval(days => app.rotation_rest())))) d
        where d.n <= app.rotation_most() group by 1 order by 1
    loop
        heirs := app.heirs('{"by": "segment", "anywhere": true}', person.ids, array_fill(segment, array[cardinality(person.ids)]),
            array_fill(person.staff_id, array[cardinality(person.ids)]), null);
        insert into app.rotation as o (org_id, id, segment_id, staff_id, customers, why, receivers, made_at, checked_at)
        values (app.org(), app.uuid7(), segment, person.staff_id, cardinality(person.ids),
            (select jsonb_object_agg(w.word, w.n) from (select k.word, count(*) as n from jsonb_array_elements(person.facts) f, jsonb_array_elements_text(f->'why') k(word) group by 1) w),
            (select jsonb_agg(jsonb_build_object('staff_id', h.id, 'customers', h.n) order by h.n desc, h.id) from (select u.id, count(*) as n from unnest(heirs) u(id) group by 1) h),
            now, now)
        on conflict (org_id, segment_id, staff_id) where status = 'open'
            do update set (customers, why, receivers, checked_at) = (excluded.customers, excluded.why, excluded.receivers, excluded.checked_at)
        returning * into r;
        delete from app.rotation_item i where i.org_id = r.org_id and i.rotation_id = r.id;
        insert into app.rotation_item (org_id, rotation_id, n, customer_id, why, since, touches, share, to_id)
        select r.org_id, r.id, u.n, u.id, app.texts(f.v->'why'), (f.v->>'since')::timestamptz, (f.v->>'touches')::int, (f.v->>'share')::int, u.heir
        from unnest(person.ids, heirs) with ordinality u(id, heir, n) join jsonb_array_elements(person.facts) with ordinality f(v, n) on f.n = u.n;
        found_ := found_ || person.staff_id;
        if r.made_at = now then
            perform app.tell(d, 'rotation', null, format('%s customers ought to go to somebody else.', r.customers)) from app.deciders(person.staff_id) d;
        end if;
    end loop;
    update app.rotation o set status = 'lapsed', decided_at = now
    where o.org_id = app.org() and o.segment_id = segment and o.status = 'open' and o.staff_id <> all(found_);
end
$$;
alter function app.rotation_propose owner to holdfast_mover;

-- Does the next step of the night of an org whose turn it is, one with policies that is not through with today, however many machines ask: makes the proposals
-- of one segment, or in the end lets go of what is over. It reads, and locks nothing that anybody works with. A segment that takes too long or
-- fails is left until tomorrow, and keeps no other waiting. Returns whether there was a step.
create or replace function app.rotate() returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    today    date := (app.now() at time zone 'UTC')::date;
    org      int;
    place    text;
    policies jsonb;
    waiting  uuid[];
begin
    select t.org_id, s.rotation into org, policies from app.org t join app.settings s on s.org_id = t.org_id
    where s.rotation is not null and t.rotated_on <> today
    order by random() limit 1 for no key update of t skip locked;
    if org is null then
        return false;
    end if;
    perform app.named(org, null, null, null, 'rotations.propose');
    update app.segment g set rotated_on = today
    where g.org_id = org and g.id = (select n.id from app.segment n where n.org_id = org and policies ? n.id and n.rotated_on <> today order by n.position limit 1)
    returning g.id into place;
    if place is not null then
        begin
            waiting := array(select b.id from app.bulk b left join app.job j on j.org_id = b.org_id and j.id = b.id
                where b.org_id = org and b.cause = 'rotation' and (b.status = 'pending' or j.status in ('queued', 'running')));
            perform app.rotation_propose(place, policies->place, waiting);
        exception when query_canceled or others then
            raise log 'the rotation of % in % failed: % %', place, org, sqlstate, sqlerrm;
        end;
        return true;
    end if;
    update app.org o set rotated_on = today where o.org_id = org;
    -- What has no policy any more is over, and what was decided long ago needs its customers no more.
    update app.rotation r set status = 'lapsed', decided_at = app.now() where r.org_id = org and r.status = 'open'
        and not (policies ? r.segment_id and exists (select from app.segment g where g.org_id = org and g.id = r.segment_id));
    delete from app.rotation_item i using app.rotation r
    where r.org_id = org and r.status <> 'open' and r.decided_at < app.now() - interval '90 days' and i.org_id = r.org_id and i.rotation_id = r.id;
    return true;
end
$$;
alter function app.rotate owner to holdfast_owner;

-- A proposal is decided about once, by whoever does it in his own name; nobody keeps his own customers by dismissing it.
create or replace function app.tg_rotation() returns trigger
language plpgsql as $$
begin
    if old.status <> 'open' then
        raise exception 'a proposal is decided about once';
    elsif new.status in ('applied', 'dismissed') and new.decided_by is distinct from app.me() then
        raise exception 'a proposal is decided about by the one who does it';
    elsif new.status = 'dismissed' and app.same_person(new.staff_id) then
        perform app.refuse(403, 'forbidden', 'Somebody above the person decides to leave everything as it is.');
    end if;
    return new;
end
$$;
create or replace trigger _100_law before update of status on app.rotation
    for each row when (old.status is distinct from new.status) execute function app.tg_rotation();
