-- outbox.sql: what was sent to whom, for admins; and the two calls of the process that sends.

create view api.delivery with (security_invoker = true) as
select d.id, d.outbox_id, o.kind, o.subject, d.channel, d.target, d.status, d.attempts, d.next_at, d.last_status, d.last_error, d.at, d.sent_at,
    (select coalesce(jsonb_agg(jsonb_build_object('at', app.time_json(a.at), 'status', a.status, 'error', a.error) order by a.id), '[]')
        from app.delivery_attempt a where a.org_id = d.org_id and a.delivery_id = d.id) as log,
    d.org_id as _org, null::text as _next, null::boolean as _tail
from app.delivery d
join app.outbox o on o.org_id = d.org_id and o.id = d.outbox_id;

create function api.delivery_admin() returns void
language plpgsql stable as $$
begin
    if app.role() <> 'admin' then
        perform app.refuse(403, 'forbidden', 'Only an admin sees what was sent to whom.');
    end if;
end
$$;

-- What was sent or is to be, newest first.
create function api.delivery_list(session text, request uuid, filter jsonb, cursor jsonb, lim int) returns setof api.delivery
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows api.delivery[];
    tail api.delivery;
begin
    perform app.enter(session, request, 'deliveries.list', reads => true);
    perform api.delivery_admin();
    lim := least(lim, 200);
    rows := array(
        select v from api.delivery v
        where v._org = app.org() and (cursor is null or v.id < (cursor->>0)::uuid)
          and (not filter ? 'status' or v.status = any(app.texts(filter->'status')))
          and (not filter ? 'from' or v.at >= (filter->>'from')::timestamptz)
          and (not filter ? 'to' or v.at < (filter->>'to')::timestamptz)
        order by v.id desc limit lim + 1);
    tail._tail := true;
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim].id);
    end if;
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- Puts a failed delivery back into the queue, with all its tries before it.
create function api.delivery_retry(session text, request uuid, retry text, id uuid) returns setof api.delivery
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    d app.delivery;
begin
    perform app.enter(session, request, 'deliveries.retry');
    perform api.delivery_admin();
    select * into d from app.delivery t where t.org_id = app.org() and t.id = delivery_retry.id for no key update;
    if not found then
        perform app.refuse_missing();
    end if;
    retry := retry || id;   -- the key is good for this one alone
    if app.retry_result(retry) is null then
        if d.status <> 'failed' then
            perform app.refuse(409, 'not_failed', 'It is in the queue, or was sent.');
        end if;
        update app.delivery t set status = 'queued', attempts = 0, next_at = app.now() where t.org_id = d.org_id and t.id = d.id;
        perform app.retry_keep(retry, d.id);
    end if;
    return query select * from api.delivery v where v._org = app.org() and v.id = d.id;
end
$$;

-- Takes what is due, up to lim. Open, as whoever sends is nobody who logs in: it tells what receivers are about to get.
create function api.outbox_take(lim int) returns table (org int, delivery uuid, lease uuid, id uuid, kind text, severity text, says text,
    channel text, target text, allow_private boolean, body text, stamp text, signature text)
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return query select t.org, t.delivery, t.lease, t.id, t.kind, t.subject->>'severity',
        (select string_agg(format('%s: %s', e.key, e.value #>> '{}'), e'\n' order by e.key) from jsonb_each(t.subject) e
            where jsonb_typeof(e.value) not in ('object', 'array')),
        t.channel, t.target, t.allow_private, t.body, t.stamp, t.signature
    from app.outbox_take(least(lim, 100)) t;
end
$$;

-- Says what became of them: [{org, delivery, status, error}]. Open: it believes only whoever took them. Returns of how many.
create function api.outbox_done(lease uuid, results jsonb) returns int
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return app.outbox_done(lease, results);
end
$$;
