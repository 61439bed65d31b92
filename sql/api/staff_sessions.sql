-- staff_sessions.sql: where the people are logged in. Nothing here shows a secret; whose sessions one sees and ends is in
-- sql/policy/settings.sql.

create view api.staff_session with (security_invoker = true) as
select s.id, s.created_at, s.expires_at, host(s.address) as address, s.agent, s.id = (select app.session_id()) as current,
    s.org_id as _org, s.staff_id as _staff, null::text as _next, null::boolean as _tail
from app.session s
where s.revoked_at is null and s.expires_at > (select app.now());

-- Refuses a person that is missing (404) and one whose sessions are not the caller's to see, or to end (403).
create function api.staff_sessions_authorize(id uuid, ends boolean) returns void
language plpgsql stable as $$
begin
    perform api.staff_shown(id);
    if id <> app.me() and not (app.has_authority(id) and (app.role() = 'admin' or not ends)) then
        perform app.refuse(403, 'forbidden', case when ends then 'Only the person and an admin end sessions.'
            else 'Only the person, a manager above and an admin see sessions.' end);
    end if;
end
$$;

-- The live sessions of one person, the latest first.
create function api.staff_session_list(session text, request uuid, id uuid, cursor jsonb, lim int) returns setof api.staff_session
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows api.staff_session[];
    tail api.staff_session;
begin
    perform app.enter(session, request, 'staff.sessions', reads => true);
    perform api.staff_sessions_authorize(id, ends => false);
    lim := least(lim, 200);
    rows := array(
        select v from api.staff_session v
        where v._org = app.org() and v._staff = staff_session_list.id
          and (cursor is null or (v.created_at, v.id) < ((cursor->>0)::timestamptz, (cursor->>1)::uuid))
        order by v.created_at desc, v.id desc limit lim + 1);
    tail._tail := true;
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim].created_at, rows[lim].id);
    end if;
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- Ends the live sessions of one person, only the one where sid is given, under an operation. Returns how many.
create function api.staff_sessions_revoke(id uuid, sid uuid default null) returns bigint
language plpgsql volatile as $$
declare
    n bigint;
begin
    update app.session s set revoked_at = app.now(), revoked_why = 'ended'
    where s.org_id = app.org() and s.staff_id = staff_sessions_revoke.id and s.revoked_at is null and s.expires_at > app.now()
      and (sid is null or s.id = sid);
    get diagnostics n = row_count;
    if n > 0 then
        perform app.operation_record(app.org(), 0);   -- which waits for the disk
    end if;
    return n;
end
$$;

-- Ends all sessions of one person, the caller's own with them where it is he.
create function api.staff_sessions_end(session text, request uuid, id uuid) returns setof api.nothing
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'staff.end_sessions');
    perform api.staff_sessions_authorize(id, ends => true);
    perform api.staff_sessions_revoke(id);
    return query select 204, null::text, null::text, null::jsonb;
end
$$;

-- Ends one session of one person; 404 where he has no such live one.
create function api.staff_session_end(session text, request uuid, id uuid, sid uuid) returns setof api.nothing
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'staff.end_sessions');
    perform api.staff_sessions_authorize(id, ends => true);
    if api.staff_sessions_revoke(id, sid) = 0 then
        perform app.refuse_missing();
    end if;
    return query select 204, null::text, null::text, null::jsonb;
end
$$;
