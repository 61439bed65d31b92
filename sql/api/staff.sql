-- staff.sql: the people. What must hold of them is in sql/app/staff.sql, who writes them in sql/policy/settings.sql.

-- A person as the caller may see him: the directory for everybody; whole for an admin and an auditor, for a manager himself and
-- those below him, for everybody himself. What is not shown is null here and absent from the answer (_only).
create view api.staff with (security_invoker = true) as
select s.id, s.name,
    case when w.whole then s.email end as email,
    case when w.whole then s.role end as role,
    case when w.whole then s.manager_id end as manager_id,
    case when w.whole then s.person_id end as person_id,
    s.segments, s.status,
    case when w.whole then s.version end as version,
    case when w.whole then s.created_at end as created_at,
    case when w.whole then s.updated_at end as updated_at,
    null::text as invite,
    s.org_id as _org,
    case when w.whole then ' id name email role manager_id person_id segments status version created_at updated_at '
        else ' id name segments status ' end as _only,
    case when w.whole then 'v' || s.version else 'd' || left(md5(row(s.name, s.segments, s.status)::text), 16) end as _etag,
    null::int as _status, null::text as _location, null::text as _code, null::text as _detail, null::jsonb as _problem,
    null::text as _next, null::bigint as _count, null::boolean as _tail
from app.staff s, lateral (select (select app.role()) in ('admin', 'auditor') or s.id = (select app.me())
    or ((select app.role()) = 'manager' and exists (select from app.staff_tree t
        where t.org_id = s.org_id and t.above_id = (select app.me()) and t.below_id = s.id)) as whole
    offset 0) w;   -- or the tree would be asked once for each column

-- What a list can be filtered by. Role and manager are null of whom the caller does not see whole, so neither finds him.
create function api.staff_filters() returns jsonb
language sql immutable as $$
    select jsonb_build_object(
        'status', 'v.status = any(app.texts($1->''status''))',
        'role', 'v.role = any(app.texts($1->''role''))',
        'segment', 'v.segments && app.texts($1->''segment'')',
        'manager', 'v.manager_id = any(app.uuids($1->''manager''))',
        'name', 'v.name = any(app.texts($1->''name''))')
$$;

-- A page of the org's people by name, those who left too. An org has so few that an estimate is the exact count.
create function api.staff_list(session text, request uuid, filter jsonb, fields text[], sort text, cursor jsonb, lim int, count text)
returns setof api.staff
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    sorts jsonb := '{"name": ["v.name", "text"]}';
    scope text;
    rows  api.staff[];
    tail  api.staff;
begin
    perform app.enter(session, request, 'staff.list', reads => true);
    lim := least(lim, 200);
    scope := 'v._org = $4' || app.filter_sql(filter, api.staff_filters());
    execute format('select array(select v from api.staff v where %s%s order by %s limit $3 + 1)', scope,
        case when cursor is null then '' else ' and ' || app.after_sql(sort, sorts) end, app.order_sql(sort, sorts))
    into rows using filter, cursor, lim, app.org();
    tail._tail := true;
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim].name, rows[lim].id);
    end if;
    if count is not null then
        execute 'select count(*) from api.staff v where ' || scope into tail._count using filter, cursor, lim, app.org();
    end if;
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- One person; 404 where missing.
create function api.staff_shown(id uuid) returns api.staff
language plpgsql stable as $$
declare
    r api.staff;
begin
    select * into r from api.staff v where v._org = app.org() and v.id = staff_shown.id;
    if not found then
        perform app.refuse_missing();
    end if;
    return r;
end
$$;

-- One person. 304 when if_none_match holds the entity-tag of what the caller sees of him.
create function api.staff_get(session text, request uuid, id uuid, if_none_match text[]) returns setof api.staff
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    r api.staff;
begin
    perform app.enter(session, request, 'staff.read', reads => true);
    r := api.staff_shown(id);
    if if_none_match is not null and app.tag_matches(if_none_match, r._etag) then
        r._status := 304;
    end if;
    return next r;
end
$$;

-- The person locked for a change: 404 where missing, 403 for everybody but an admin.
create function api.staff_locked(id uuid) returns app.staff
language plpgsql volatile as $$
declare
    s app.staff;
begin
    select * into s from app.staff t where t.org_id = app.org() and t.id = staff_locked.id for no key update;
    if not found then
        perform api.staff_shown(id);
        perform app.refuse(403, 'forbidden', 'Only an admin changes the people.');
    end if;
    return s;
end
$$;

-- What a body says, laid over a row: absent members stay, null clears (RFC 7396). 409 to activate who was invited and has not
-- come; who returns without ever having set a password is invited again.
create function api.staff_patched(s app.staff, body jsonb) returns app.staff
language plpgsql stable as $$
declare
    n app.staff := jsonb_populate_record(s, body);
begin
    n.email := lower(n.email);
    n.segments := coalesce(n.segments, '{}');
    n.person_id := coalesce(n.person_id, n.id);
    if s.status <> 'invited' and n.status = 'invited' then
        perform app.refuse_member(422, 'invalid_value', '/status', 'word', 'One of: active inactive.');
    end if;
    if s.status <> 'active' and n.status = 'active' and not app.has_password(s.id) then
        if s.status = 'invited' then
            perform app.refuse(409, 'not_accepted_yet', 'The person has not set a password yet. Send another invite.');
        end if;
        n.status := 'invited';
    end if;
    return n;
end
$$;

-- A new person, invited, and the one-time token with which he sets his password. The same retry makes another token for him,
-- since of the first one only the hash is kept. 409 already_exists when the id is taken.
create function api.staff_create(session text, request uuid, retry text, body jsonb) returns setof api.staff
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    n     app.staff;
    r     api.staff;
    again uuid;
begin
    perform app.enter(session, request, 'staff.create');
    if app.role() <> 'admin' then
        perform app.refuse(403, 'forbidden', 'Only an admin invites people.');
    end if;
    again := app.retry_result(retry);
    if again is null then
        perform app.staff_turn(app.org());
        perform app.enter(session, request, 'staff.create');
        n.id := coalesce((body->>'id')::uuid, app.uuid7());
        n := api.staff_patched(n, body - 'status');
        n.org_id := app.org();
        n.status := 'invited';
        n.version := 1;
        n.created_at := app.clock();
        n.updated_at := n.created_at;
        if exists (select from app.staff s where s.org_id = app.org() and s.id = n.id) then
            perform app.refuse(409, 'already_exists', 'Somebody has this id already.');
        end if;
        insert into app.staff select n.*;
        perform app.retry_keep(retry, n.id);
        again := n.id;
    end if;
    r := api.staff_shown(again);
    if r.status <> 'inactive' then
        r.invite := (app.invite_issue(again)).token;
    end if;
    r._only := r._only || 'invite ';
    r._status := 201;
    r._location := '/v1/staff/' || again;
    return next r;
end
$$;

-- Changes some fields of one person. 412 with the conflicting fields when if_match does not hold his entity-tag.
create function api.staff_change(session text, request uuid, id uuid, if_match text[], body jsonb) returns setof api.staff
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    s app.staff;
    n app.staff;
    r api.staff;
begin
    perform app.enter(session, request, 'staff.change');
    perform api.staff_locked(id);
    perform app.staff_turn(app.org());
    perform app.enter(session, request, 'staff.change');
    s := api.staff_locked(id);
    r := api.staff_shown(id);
    if not app.tag_matches(if_match, r._etag) then
        return next api.stale(r, to_jsonb(r), 'staff', if_match, body);
        return;
    end if;
    n := api.staff_patched(s, body);
    if n is distinct from s then
        update app.staff t set (name, email, role, manager_id, person_id, segments, status)
            = (n.name, n.email, n.role, n.manager_id, n.person_id, n.segments, n.status)
        where t.org_id = app.org() and t.id = s.id;
    end if;
    return next api.staff_shown(id);
end
$$;

-- A new one-time token to set a password, for the first time or again; earlier ones end. 409 for who has left.
create function api.staff_invite(session text, request uuid, id uuid) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    s app.staff;
begin
    perform app.enter(session, request, 'staff.invite');
    s := api.staff_locked(id);
    if s.status = 'inactive' then
        perform app.refuse(409, 'inactive', 'The person has left. Make him active first.');
    end if;
    return query select jsonb_build_object('invite', i.token, 'expires_at', app.time_json(i.expires_at)), 201, null::text, null::text
        from app.invite_issue(id) i;
end
$$;
