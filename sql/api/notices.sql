-- notices.sql: what the caller was told.

create view api.notice with (security_invoker = true) as
select n.id, n.at, n.kind, n.customer_id,
    -- Only while its reader sees that one.
    (select c.id from app.customer c where c.org_id = n.org_id and c.id = n.other_id) as other_id,
    n.actor_id, s.name as actor_name, n.reason,
    n.org_id as _org, null::text as _next, null::boolean as _tail
from app.notice n
left join app.staff s on s.org_id = n.org_id and s.id = n.actor_id;

-- The caller's own notices, newest first.
create function api.notice_list(session text, request uuid, filter jsonb, cursor jsonb, lim int) returns setof api.notice
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows api.notice[];
    tail api.notice;
begin
    perform app.enter(session, request, 'notices.list', reads => true);
    lim := least(lim, 200);
    rows := array(
        select v from api.notice v
        where v._org = app.org() and (cursor is null or v.id < (cursor->>0)::uuid)
          and (not filter ? 'kind' or v.kind = any(app.texts(filter->'kind')))
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
