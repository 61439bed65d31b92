-- completeness.sql: how much of what whoever takes over a customer needs is there.
--
-- Everything is asked under the policies of the caller: what he does not see is missing, so that a score tells nothing of it.

-- What a documented conversation is: something was said. A note or a task is none.
create or replace function app.conversations() returns text[]
language sql immutable parallel safe as $$ select '{call,email,meeting,message,visit}'::text[] $$;

-- The last activity since a moment that shows that each of these contacts was reached by email or phone as it is now: an e-mail, a
-- call or a message that came in or had an outcome. What happened while the number was another one proves nothing. Of many at once,
-- for the policies cost 0.4 ms with each statement.
create or replace function app.contacts_proven(ids uuid[], since timestamptz default '-infinity')
returns table (contact_id uuid, customer_id uuid, channel text, at timestamptz, activity_id uuid)
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
    now timestamptz := app.now();
begin
    return query
    select w.id, w.customer_id, w.channel, a.at, a.id
    from (select k.*, w.* from app.contact k
        cross join lateral (values ('email', k.email, '{email}'::text[]), ('phone', k.phone, '{call,message}')) w(channel, held, kinds)
        where k.org_id = app.org() and k.id = any(ids) and w.held is not null offset 0) w
    cross join lateral (select coalesce(array_agg(h.at order by h.id), '{}') as ended, array_agg(h.old #>> '{}' order by h.id) as value
        from app.history h where h.org_id = w.org_id and h.record_id = w.id and h.entity = 'contacts' and h.field = w.channel) h
    cross join lateral (
        select t.at, t.id
        from (
            -- The stretches of time between two changes in which it was what it is now; plain columns, or they would be compared
            -- behind the policies instead of by the index.
            select greatest(h.ended[n - 1], since) as begun, coalesce(h.ended[n], 'infinity') as ended
            from generate_series(1, cardinality(h.ended) + 1) n
            where n > cardinality(h.ended) or h.value[n] = w.held
            offset 0) s
        -- Of each kind for itself: its index leads to the last one.
        cross join unnest(w.kinds) q(kind)
        cross join lateral (
            select t.at, t.id from app.activity t
            where t.org_id = w.org_id and t.contact_id = w.id and t.kind = q.kind and t.at >= s.begun and t.at < s.ended and t.at <= now
              and (t.direction = 'in' or t.outcome is not null)
              and t.archived_at is not distinct from w.archived_at
            order by t.at desc limit 1) t
        order by t.at desc limit 1) a;
end
$$;

-- How much was said and done with a customer of the caller's org, archived when it was or not at all. It is counted beyond the policies,
-- which cost 2 us for each: who calls it sees the customer's activities.
create or replace function app.conversation_count(customer uuid, archived timestamptz) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return (select count(*) from app.activity a where a.org_id = app.org() and a.customer_id = customer
        and a.archived_at is not distinct from archived and (a.kind <> 'task' or a.done_at is not null));
end
$$;
alter function app.conversation_count owner to holdfast_mover;

-- How complete each of these customers is, from 0 to 100: what is missing, and the points that it costs. README has the table.
create or replace function app.completeness(ids uuid[]) returns table (customer_id uuid, score int, codes text[], points int[])
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
    now   timestamptz := app.now();
    today date := now at time zone 'UTC';
    first text := (select g.id from app.segment g where g.org_id = app.org() order by g.position limit 1);
begin
    return query
    with proven as materialized (
        select p.* from app.contacts_proven(array(select k.id from app.contact k
            where k.org_id = app.org() and k.customer_id = any(ids) and k.archived_at is null), now - interval '180 days') p)
    select c.id, 100 - coalesce((select sum(p)::int from unnest(m.points) p), 0), m.codes, m.points
    from (
        select c.*, coalesce(case when c.worked_in && (select app.hiding())::text[] then app.kept_back(c.worked_in) end, '{}') as kept
        from app.customer c where c.org_id = app.org() and c.id = any(ids) offset 0) c
    cross join lateral (
        select (select coalesce(a.due_at, 'infinity') from app.activity a
                where a.org_id = c.org_id and a.customer_id = c.id and (a.next_step is not null or a.kind = 'task') and a.done_at is null
                  and a.archived_at is null
                order by a.due_at desc limit 1) as due,
            (select a.at from app.activity a
                where a.org_id = c.org_id and a.customer_id = c.id and a.kind = any(app.conversations()) and a.archived_at is null and a.at <= now
                order by a.at desc limit 1) as spoken,
            (select count(*) from (select from app.activity a
                where a.org_id = c.org_id and a.customer_id = c.id and a.kind = any(app.conversations()) and a.archived_at is null and a.at <= now
                limit 3) a) as conversations,
            exists (select from app.deal d where d.org_id = c.org_id and d.customer_id = c.id and d.archived_at is null) as deal,
            (select max(case when o.status = 'sent' and o.valid_until < today then 5 else 10 end) from app.offer o
                where o.org_id = c.org_id and o.customer_id = c.id and o.archived_at is null) as offer
        offset 0) f
    cross join lateral (
        select count(*) as n, bool_or(k.email is not null) and 'email' <> all(c.kept) or bool_or(k.phone is not null) and 'phone' <> all(c.kept) as reachable,
            c.id in (select p.customer_id from proven p where p.channel = 'email') and 'email' <> all(c.kept)
                or c.id in (select p.customer_id from proven p where p.channel = 'phone') and 'phone' <> all(c.kept) as proven
        from app.contact k
        where k.org_id = c.org_id and k.customer_id = c.id and k.archived_at is null) k
    cross join lateral (
        select array_agg(w.code order by w.n) as codes, array_agg(w.points order by w.n) as points
        from (values
            (1, 'next_step', case when f.due is null then 20 end),
            (2, 'next_step_overdue', case when f.due < now then 10 end),
            (3, 'conversation', case when f.spoken is null or f.spoken < now - interval '90 days' then 15 end),
            (4, 'conversation_old', case when f.spoken < now - interval '30 days' and f.spoken >= now - interval '90 days' then 7 end),
            (5, 'reachable_contact', case when k.reachable is not true then 15 end),
            (6, 'second_contact', case when k.n < 2 then 5 end),
            (7, 'proven_channel', case when k.proven is not true then 10 end),
            (8, 'value', case when c.value is null or c.currency is null or c.kept && '{value,currency}' then 10 end),
            (9, 'place', case when c.country is null or c.city is null or c.kept && '{country,city}' then 5 end),
            (10, 'offer', case when c.segment <> first and not f.deal and f.offer is null then 10 end),
            (11, 'offer_expired', case when c.segment <> first and not f.deal and f.offer = 5 then 5 end),
            (12, 'channel', case when (c.email is null or 'email' = any(c.kept)) and (c.phone is null or 'phone' = any(c.kept)) then 5 end),
            (13, 'notes', case when (c.notes is null or 'notes' = any(c.kept)) and f.conversations < 3 then 5 end)
            ) w(n, code, points)
        where w.points > 0) m;
end
$$;

-- What is missing, in words.
create or replace function app.completeness_says(code text) returns text
language sql immutable as $$
    select case code
        when 'next_step' then 'No next step and no task is set.'
        when 'next_step_overdue' then 'The next step is overdue.'
        when 'conversation' then 'No conversation of the last 90 days is documented.'
        when 'conversation_old' then 'The last documented conversation is more than 30 days ago.'
        when 'reachable_contact' then 'No contact has a phone number or an e-mail address.'
        when 'second_contact' then 'There is no second contact.'
        when 'proven_channel' then 'No phone or e-mail of a contact was proven in the last 180 days.'
        when 'value' then 'Value and currency are not set.'
        when 'place' then 'Country and city are not set.'
        when 'offer' then 'There is neither a deal nor an offer.'
        when 'offer_expired' then 'Every offer has expired.'
        when 'channel' then 'The customer itself has neither a phone number nor an e-mail address.'
        when 'notes' then 'There are no notes, and fewer than three documented conversations.' end
$$;
