-- exposure.sql: who has seen a customer, and how much of the base a person has seen.

create type api.seen as (staff_id uuid, staff_name text, first_at timestamptz, last_at timestamptz, opened_at timestamptz, contact_at timestamptz,
    _next text, _tail boolean);

-- Who has seen one customer, of those whom the caller may look at: first, last, last as a record of its own and last with contact values
-- that were not masked, each to the hour. 404 where hidden or missing, 403 for a rep.
create function api.customer_seen_by(session text, request uuid, id uuid, cursor jsonb, lim int) returns setof api.seen
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows api.seen[];
    tail api.seen;
begin
    perform app.enter(session, request, 'customers.seen_by', reads => true);
    perform api.customer_shown(id);
    if app.role() = 'rep' then
        perform app.refuse(403, 'forbidden', 'Who has seen a customer is for managers, auditors and admins.');
    end if;
    lim := least(lim, 200);
    rows := array(
        select row(s.staff_id, p.name, s.first_at, s.at, s.opened_at, s.contact_at, null, null)::api.seen
        from app.seen s left join app.staff p on p.org_id = s.org_id and p.id = s.staff_id
        where s.org_id = app.org() and s.customer_id = customer_seen_by.id
          and (cursor is null or (s.at, s.staff_id) < ((cursor->>0)::timestamptz, (cursor->>1)::uuid))
        order by s.at desc, s.staff_id desc limit lim + 1);
    tail._tail := true;
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim].last_at, rows[lim].staff_id);
    end if;
    perform app.event('customers.seen_by', id, cardinality(rows));
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- How much of the base a person has seen: what the ledger says of a time of up to 366 days, the last 30 if left out, and his limits
-- as they stand. 404 where missing, 403 for whoever is neither he nor above him.
create function api.staff_exposure(session text, request uuid, id uuid, since timestamptz, until timestamptz) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    s   api.staff;
    now timestamptz;
    doc jsonb;
begin
    perform app.enter(session, request, 'staff.exposure', reads => true);
    s := api.staff_overseen(id);
    now := app.now();
    until := coalesce(until, greatest(now, since + interval '1 microsecond'));
    since := coalesce(since, until - interval '30 days');
    if since >= until or since < until - interval '366 days' then
        perform app.refuse_member(400, 'invalid_parameter', case when since >= until then '?to' else '?from' end, 'range', 'A time of up to 366 days, from before to.');
    end if;
    with shown as materialized (
        select d.id, d.at, d.channel, d.customer_ids, d.classes like '%contact%' and not d.masked as contact from app.disclosure d
        where d.org_id = app.org() and d.staff_id = staff_exposure.id and d.at >= since - interval '1 hour' and d.at < until
          and d.id >= app.uuid7_floor(since) and d.id < app.uuid7_floor(until)),
    seen as materialized (
        select c.id, (d.at at time zone 'UTC')::date as day, bool_or(d.contact) as contact from shown d, unnest(d.customer_ids) c(id) group by 1, 2)
    select jsonb_build_object('staff_id', s.id, 'from', app.time_json(since), 'to', app.time_json(until),
        'disclosures', (select count(*) from shown),
        'customers', (select count(distinct v.id) from seen v), 'contacts', (select count(distinct v.id) from seen v where v.contact),
        'by_channel', (select coalesce(jsonb_object_agg(c.channel, c.n), '{}') from (select d.channel, count(*) as n from shown d group by 1) c),
        'by_day', (select coalesce(jsonb_agg(jsonb_build_object('day', y.day, 'customers', y.n) order by y.day), '[]')
            from (select v.day, count(*) as n from seen v group by 1) y))
    into doc;
    doc := doc || jsonb_build_object(
        'limits', (select jsonb_agg(jsonb_build_object('measure', (app.measures())[e.m], 'window', (app.windows())[e.n], 'used', e.used,
            'soft', e.soft, 'hard', e.hard, 'reset', app.time_json(e.reset)) order by e.m, e.n) from app.exposure_now(app.org(), s.id, s.role, now) e),
        'grants', (select coalesce(jsonb_agg(jsonb_build_object('id', g.id, 'measure', g.measure, 'amount', g.amount, 'until', app.time_json(g.until))
            order by g.id), '[]') from app.exposure_grant g where g.org_id = app.org() and g.staff_id = s.id and g.until > now),
        'masked_until', null, 'blocked_until', null, 'blocked_why', null, 'frozen', false)
        || coalesce((select jsonb_build_object('masked_until', case when x.masked_until > now then app.time_json(x.masked_until) end,
            'blocked_until', case when x.blocked_until > now then app.time_json(x.blocked_until) end,
            -- That there are decoys is for those who know them.
            'blocked_why', case when x.blocked_until > now then case when x.blocked_why = 'decoy' and app.role() not in ('admin', 'auditor') then 'alert' else x.blocked_why end end, 'frozen', coalesce(x.blocked_until = 'infinity', false))
        from app.exposure x where x.org_id = app.org() and x.staff_id = s.id), '{}');
    if s.id <> app.me() then
        perform app.event('exposure.read', s.id);
    end if;
    return query select doc, 200, null::text, null::text;
end
$$;
