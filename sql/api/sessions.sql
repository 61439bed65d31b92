-- sessions.sql: logging in and out. Owned by holdfast_owner, executed by holdfast_sessions alone (grants.sql), since they
-- find people before there is a session.
--
-- Log-in takes two calls with the argon2id check between them: session_challenge counts the attempt and gives the hash,
-- session_open opens the session or answers 401. Secrets come as SHA-256; the texts stay in the sessions program.

create type api.challenge as (org_id int, staff_id uuid, password_hash text, _status int, _code text, _detail text, _problem jsonb);
create type api.session as (session_id uuid, org_id int, staff_id uuid, expires_in int, staff jsonb, sealed bytea,
    _status int, _code text, _detail text);

-- Counts an attempt to prove a password, or says how many seconds it must wait when there were too many: after five failures within a
-- quarter of an hour from one network each next attempt waits twice as long, up to a quarter of an hour, for a
-- day; after a hundred from anywhere, networks from which the person has not logged in lately wait too. Where the person has
-- logged in lately nobody waits longer than half a minute: a colleague behind the same address could keep him out.
create or replace function app.throttle_wait(email text, address text) returns int
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    hash  bytea := sha256(convert_to(lower(email), 'UTF8'));
    here  text := coalesce(network(set_masklen(address::inet, case family(address::inet) when 4 then 24 else 64 end))::text, 'local');
    known boolean;
    wait  interval;
    t     record;
begin
    known := exists (select from app.login l join app.session s on s.org_id = l.org_id and s.staff_id = l.staff_id
        where l.email = lower(throttle_wait.email) and s.created_at > app.now() - interval '30 days' and s.address <<= nullif(here, 'local')::inet);
    perform pg_advisory_xact_lock(hashtextextended('throttle ' || lower(email), 0));
    for t in select * from app.login_throttle r where r.email_hash = hash and r.net in (here, '') loop
        continue when t.net = '' and (known or t.failures < 100);
        continue when t.net <> '' and t.failures < 5;
        wait := t.last_at + make_interval(secs => least(case when known then 30 else 900 end, case when t.net = '' then 60
            else power(2, least(t.failures - 4, 20)) end)) - app.clock();
        if wait > interval '0' then
            return ceil(extract(epoch from wait));
        end if;
    end loop;
    insert into app.login_throttle as r (email_hash, net, failures, last_at)
    values (hash, here, 1, app.clock()), (hash, '', 1, app.clock())
    on conflict (email_hash, net) do update set last_at = app.clock(),
        failures = case when r.net <> '' and r.last_at < app.clock()
            - case when r.failures < 5 then interval '15 minutes' else interval '1 day' end then 1 else r.failures + 1 end;
    return null;
end
$$;
alter function app.throttle_wait owner to holdfast_owner;

-- The same as a refusal that leaves nothing behind.
create or replace function app.throttle(email text, address text) returns void
language plpgsql volatile as $$
declare
    wait int := app.throttle_wait(email, address);
begin
    if wait is not null then
        perform app.refuse(429, 'too_many_attempts', 'Too many failed attempts. Wait and try again.', jsonb_build_object('retry_after', wait));
    end if;
end
$$;

-- The password was right: what was counted before is forgotten.
create or replace function app.throttle_forget(email text) returns void
language sql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
    delete from app.login_throttle r where r.email_hash = sha256(convert_to(lower(throttle_forget.email), 'UTF8'))
$$;
alter function app.throttle_forget owner to holdfast_owner;

-- A member of staff as log-in answers show him.
create or replace function app.staff_doc(org int, staff_id uuid) returns jsonb
language sql stable security definer set search_path = pg_catalog, app, pg_temp as $$
    select jsonb_build_object('id', s.id, 'name', s.name, 'email', s.email, 'role', s.role, 'status', s.status,
        'manager_id', s.manager_id, 'segments', s.segments)
    from app.staff s where s.org_id = org and s.id = staff_doc.staff_id
$$;
alter function app.staff_doc owner to holdfast_owner;

-- Counts the attempt; the hash is null where nobody can log in with this e-mail. 429 as a row, since it is remembered.
create function api.session_challenge(request uuid, email text, address text) returns setof api.challenge
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    wait int := app.throttle_wait(email, address);
begin
    if wait is not null then
        perform app.log_in_throttled(email, request);
        return query select null::int, null::uuid, null::text, 429, 'too_many_attempts', 'Too many failed attempts. Wait and try again.',
            jsonb_build_object('retry_after', wait);
        return;
    end if;
    return query
        select s.org_id, s.id, c.password_hash, 200, null::text, null::text, null::jsonb
        from (select 1) one
        left join app.login l on l.email = lower(session_challenge.email)
        left join app.staff s on s.org_id = l.org_id and s.id = l.staff_id and s.status = 'active'
        left join app.credential c on c.org_id = s.org_id and c.staff_id = s.id;
end
$$;

-- Opens a session for twelve hours with a first refresh token for two, when the password was verified against password_hash
-- and that is still the hash; else 401.
create function api.session_open(request uuid, email text, address text, agent text, verified boolean, password_hash text,
    session_id uuid, secret_hash bytea, refresh_hash bytea) returns setof api.session
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    s record;
    r api.session;
begin
    select l.org_id, l.staff_id as id, verified and p.status = 'active' and c.password_hash is not null as good into s
    from app.login l
    join app.staff p on p.org_id = l.org_id and p.id = l.staff_id
    left join app.credential c on c.org_id = p.org_id and c.staff_id = p.id and c.password_hash = session_open.password_hash
    where l.email = lower(session_open.email);
    if s.good is distinct from true then
        if s.id is not null then
            perform app.log_in_refused(s.org_id, s.id, null, request, 'sessions.refused');
        end if;
        r._status := 401;
        r._code := 'wrong_credentials';
        r._detail := 'The e-mail or the password is wrong.';
        return next r;
        return;
    end if;
    perform app.throttle_forget(email);
    insert into app.session (org_id, id, staff_id, secret_hash, address, agent, created_at, expires_at)
    values (s.org_id, session_id, s.id, secret_hash, address::inet, left(agent, 200), app.now(), app.now() + interval '12 hours');
    insert into app.refresh (org_id, token_hash, session_id, issued_at, expires_at)
    values (s.org_id, refresh_hash, session_id, app.now(), app.now() + interval '2 hours');
    perform app.log_in_event(s.org_id, s.id, session_id, request, 'sessions.opened');
    r.session_id := session_id;
    r.org_id := s.org_id;
    r.staff_id := s.id;
    r.staff := app.staff_doc(s.org_id, s.id);
    r._status := 201;
    return next r;
end
$$;

-- Exchanges a refresh token for the next one (RFC 9700, 4.14.2). Within ten seconds, and while the successor is unused, the
-- same token gets the same successor again: the client lost the answer. Later it is a theft: the session
-- ends, for the thief and the robbed alike.
create function api.session_refresh(request uuid, org int, token_hash bytea, next_hash bytea, sealed bytea)
returns setof api.session
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    t app.refresh;
    s app.session;
    r api.session;
    live boolean;
begin
    select * into t from app.refresh f where f.org_id = org and f.token_hash = session_refresh.token_hash for update;
    select * into s from app.session e where e.org_id = org and e.id = t.session_id;
    live := s.revoked_at is null and s.expires_at > app.now() and exists (select from app.staff p
        where p.org_id = org and p.id = s.staff_id and p.status = 'active');
    r._status := 401;
    if live is not true or t.expires_at <= app.now() then
        if s.id is not null then
            perform app.log_in_reused(org, s.staff_id, s.id, request, 'sessions.after_end', 'refresh_invalid', coalesce(s.revoked_why, 'expired'));
        end if;
        r._code := 'refresh_invalid';
        r._detail := 'The refresh token is not valid. Log in again.';
    elsif t.used_at is null then
        update app.refresh f set used_at = app.now(), successor = next_hash, sealed = session_refresh.sealed
        where f.org_id = org and f.token_hash = t.token_hash;
        insert into app.refresh (org_id, token_hash, session_id, issued_at, expires_at)
        values (org, next_hash, s.id, app.now(), least(app.now() + interval '2 hours', s.expires_at));
        perform app.log_in_event(org, s.staff_id, s.id, request, 'sessions.refreshed');
        r._status := 200;
    elsif t.used_at > app.now() - interval '10 seconds'
        and exists (select from app.refresh f where f.org_id = org and f.token_hash = t.successor and f.used_at is null) then
        r.sealed := t.sealed;
        r._status := 200;
    else
        update app.session e set revoked_at = app.now(), revoked_why = 'refresh_reused' where e.org_id = org and e.id = s.id;
        perform app.log_in_reused(org, s.staff_id, s.id, request, 'sessions.refresh_reused', 'refresh_reused', 'refresh_reused');
        r._code := 'refresh_reused';
        r._detail := 'This refresh token was used before. The session has ended. Log in again.';
    end if;
    if r._status = 200 then
        r.session_id := s.id;
        r.org_id := org;
        r.staff_id := s.staff_id;
        r.staff := app.staff_doc(org, s.staff_id);
    end if;
    return next r;
end
$$;

-- Ends the caller's session.
create function api.session_end(session text, request uuid) returns setof api.nothing
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'sessions.end');
    update app.session s set revoked_at = app.now(), revoked_why = 'logout'
    where s.org_id = app.org() and s.id = app.session_id();
    perform app.event('sessions.ended');
    return query select 204, null::text, null::text, null::jsonb;
end
$$;

-- Who am I? How much more the caller may see is said from his counters, not the ledger.
create function api.session_current(session text, request uuid) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    staff jsonb;
begin
    perform app.enter(session, request, 'sessions.read', reads => true);
    staff := app.staff_doc(app.org(), app.me());
    return query select jsonb_build_object('staff', staff, 'role', app.role(), 'segments', staff->'segments',
        'acknowledgements', '[]'::jsonb, 'exposure', app.exposure_brief(app.org(), app.me(), app.role(), app.now())),
        200, null::text, null::text;
end
$$;

-- Sets a password with a one-time token; every session of the person ends.
create function api.password_set(request uuid, org int, token_hash bytea, password_hash text) returns setof api.nothing
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    i app.invite;
begin
    update app.invite t set used_at = app.now()
    where t.org_id = org and t.token_hash = password_set.token_hash and t.used_at is null and t.expires_at > app.now()
      and exists (select from app.staff s where s.org_id = t.org_id and s.id = t.staff_id and s.status <> 'inactive')
    returning * into i;
    if not found then
        perform app.refuse_member(422, 'invalid_value', '/token', 'unknown', 'The token is wrong, used or too old. Ask for a new one.');
    end if;
    insert into app.credential (org_id, staff_id, password_hash, changed_at)
    values (org, i.staff_id, password_hash, app.now())
    on conflict (org_id, staff_id) do update set (password_hash, changed_at) = (excluded.password_hash, excluded.changed_at);
    update app.staff s set status = 'active'
    where s.org_id = org and s.id = i.staff_id and s.status = 'invited';
    update app.session s set revoked_at = app.now(), revoked_why = 'password'
    where s.org_id = org and s.staff_id = i.staff_id and s.revoked_at is null;
    perform app.throttle_forget(s.email) from app.staff s where s.org_id = org and s.id = i.staff_id;
    perform app.log_in_event(org, i.staff_id, null, request, 'sessions.password_set');   -- last: what he did not do himself stays nobody's
    return query select 204, null::text, null::text, null::jsonb;
end
$$;

-- Counts an attempt to prove the present password and gives its hash.
create function api.password_challenge(session text, request uuid, address text) returns setof api.challenge
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'sessions.password');
    perform app.throttle(s.email, address) from app.staff s where s.org_id = app.org() and s.id = app.me();
    return query select c.org_id, c.staff_id, c.password_hash, 200, null::text, null::text, null::jsonb from app.credential c
        where c.org_id = app.org() and c.staff_id = app.me();
end
$$;

-- Changes the password when the present one was verified; the person's other sessions end.
create function api.password_change(session text, request uuid, verified boolean, old_hash text, new_hash text)
returns setof api.nothing
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'sessions.password');
    update app.credential c set password_hash = new_hash, changed_at = app.now()
    where c.org_id = app.org() and c.staff_id = app.me() and c.password_hash = old_hash and verified;
    if not found then
        perform app.log_in_refused(app.org(), app.me(), app.session_id(), request, 'sessions.password_refused');
        return query select 422, 'invalid_value', 'The present password is wrong.', jsonb_build_object('errors', jsonb_build_array(jsonb_build_object('pointer', '/old', 'code', 'wrong', 'detail', 'The present password is wrong.')));
        return;
    end if;
    update app.session s set revoked_at = app.now(), revoked_why = 'password'
    where s.org_id = app.org() and s.staff_id = app.me() and s.revoked_at is null and s.id <> app.session_id();
    perform app.throttle_forget(s.email) from app.staff s where s.org_id = app.org() and s.id = app.me();
    perform app.event('sessions.password_changed');
    return query select 204, null::text, null::text, null::jsonb;
end
$$;
