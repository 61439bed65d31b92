-- identity.sql: who asks, proved by the session's secret.

-- The org that a session's, refresh or invite secret begins with, or null: "<org>.<43 characters>".
create or replace function app.secret_org(secret text) returns int
language sql immutable as $$
    select case when secret ~ '^[0-9]{1,9}\.[A-Za-z0-9_-]{43}$' then split_part(secret, '.', 1)::int end
$$;

-- A new secret of an org: "<org>.<43 characters>", of 256 bits of chance.
create or replace function app.secret_new(org int) returns text
language sql volatile as $$
    select org || '.' || translate(trim(trailing '=' from encode(
        sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64')), '+/', '-_')
$$;

-- Stable, as convert_to is: called immutable it would not be inlined.
create or replace function app.secret_hash(secret text) returns bytea
language sql stable as $$ select sha256(convert_to(secret, 'UTF8')) $$;

-- A hash that tells nothing about a text to somebody who guesses at it: keyed with the org's secret, which no role but the owner
-- reads.
create or replace function app.keyed_hash(message text) returns text
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return (select encode(sha256(o.secret || sha256(o.secret || convert_to(message, 'UTF8'))), 'hex') from app.org o where o.org_id = app.org());
end
$$;
alter function app.keyed_hash owner to holdfast_owner;

-- The first statement of every api function but the open ones: finds the live session of an active person and
-- writes the transaction's context. 401 session_ended for anything else, so a dismissal holds from the next
-- request on. action names what is being done (customers.change). With reads the commit does not
-- wait for the disk, unless something is changed after all (app.operation_record). Whoever has seen more than his soft limits gets
-- masked contact values everywhere; 403 frozen and 429 for whoever is blocked, who can still see himself and log out.
create or replace function app.enter(session text, request uuid, action text, reads boolean default false)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    caller record;
    org    int := app.secret_org(session);      -- out here, or the query would compute them again and again: 10 us against 50
    secret bytea := app.secret_hash(session);
begin
    select s.org_id, s.id, s.staff_id, p.role, p.segments, p.manager_id, o.visibility,
        case when e.masked_until > app.now() then 'always' else o.contact_masking end as contact_masking, o.hides, o.classification, o.version as settings,
        e.remaining, case when e.blocked_until > app.now() then e.blocked_until end as blocked_until
    into caller
    from app.session s
    join app.staff p on p.org_id = s.org_id and p.id = s.staff_id
    join app.settings o on o.org_id = s.org_id
    left join app.exposure e on e.org_id = s.org_id and e.staff_id = s.staff_id
    where s.org_id = org and s.secret_hash = secret
      and s.revoked_at is null and s.expires_at > app.now() and p.status = 'active';
    if not found then
        raise exception 'session_ended' using errcode = 'PT401', hint = 'The session has ended. Log in again.';
    end if;
    perform app.context(caller.org_id, caller.staff_id, caller.role, caller.id, request, action, 'api', caller.segments,
        caller.manager_id, caller.visibility, caller.contact_masking, caller.hides, caller.classification, caller.settings);
    if caller.remaining is not null then
        perform set_config('app.remaining', caller.remaining::text, true);
    end if;
    if caller.blocked_until is not null and action not like 'sessions.%' then
        perform app.refuse_blocked(caller.blocked_until);
    end if;
    if reads then
        perform app.wait_for_disk(false);
    end if;
end
$$;
alter function app.enter owner to holdfast_owner;

-- 403 where somebody froze the caller, 429 where he asked too often for what he does not see.
create or replace function app.refuse_blocked(until timestamptz) returns void
language plpgsql volatile as $$
begin
    if until = 'infinity' then
        perform app.refuse(403, 'frozen', 'Your access is frozen. Talk to your manager.');
    end if;
    perform app.refuse(429, 'exposure_budget_exceeded', 'You asked too often for what is not yours to see. Wait, or talk to your manager.',
        jsonb_build_object('measure', 'denied', 'reset', app.time_json(until), 'retry_after', ceil(extract(epoch from until - app.now()))::int));
end
$$;

-- Enters in the name of a person without a session, as jobs, seeds and operators do. Returns whether he is active; if not,
-- nothing is entered.
create or replace function app.act_as(org int, staff_id uuid, action text, via text default 'api', session uuid default null,
    request uuid default null) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    p record;
begin
    select s.role, s.segments, s.manager_id, o.visibility, o.contact_masking, o.hides, o.classification, o.version as settings into p
    from app.staff s join app.settings o on o.org_id = s.org_id
    where s.org_id = org and s.id = act_as.staff_id and s.status = 'active'
      and not exists (select from app.exposure e where e.org_id = org and e.staff_id = act_as.staff_id and e.blocked_until = 'infinity');
    if not found then
        return false;
    end if;
    perform app.context(org, staff_id, p.role, session, request, action, via, p.segments, p.manager_id, p.visibility,
        p.contact_masking, p.hides, p.classification, p.settings);
    return true;
end
$$;
alter function app.act_as owner to holdfast_owner;

-- Whether this transaction's commit waits for the disk. The setting it began with is kept aside and comes back
-- with true, since an operator may have chosen more than "on"; from then on it stays, whatever is read later.
create or replace function app.wait_for_disk(wait boolean) returns void
language plpgsql volatile as $$
declare
    kept text := nullif(current_setting('app.durability', true), '');
begin
    if wait then
        if kept <> 'raised' then
            perform set_config('synchronous_commit', kept, true);
        end if;
        perform set_config('app.durability', 'raised', true);
    elsif not wait and kept is null and current_setting('synchronous_commit') <> 'off' then
        perform set_config('app.durability', current_setting('synchronous_commit'), true),
            set_config('synchronous_commit', 'off', true);
    end if;
end
$$;

-- Whether the caller has authority over a person: admins over all, managers over themselves and those below, everybody
-- over himself; the auditor over nobody.
create or replace function app.has_authority(staff_id uuid) returns boolean
language plpgsql stable as $$
begin
    return case app.role()
        when 'admin' then true
        when 'auditor' then false
        when 'manager' then staff_id = app.me() or exists (select from app.staff_tree t
            where t.org_id = app.org() and t.above_id = app.me() and t.below_id = has_authority.staff_id)
        else staff_id = app.me() end;
end
$$;

-- Whether somebody is the caller, by this account or another.
create or replace function app.same_person(staff_id uuid) returns boolean
language plpgsql stable as $$
begin
    return exists (select from app.staff s join app.staff m on m.org_id = s.org_id and m.person_id = s.person_id
        where s.org_id = app.org() and s.id = same_person.staff_id and m.id = app.me());
end
$$;

-- The segments that the people at and below the caller work in. Found once in a request: policies ask in each statement, as several roles, and to
-- plan that anew took half a millisecond.
create or replace function app.team_segments() returns text[]
language plpgsql stable as $$
declare
    found_ text := nullif(current_setting('app.team', true), '');
begin
    if found_ is null then
        found_ := array(select g.id from app.segment g where g.org_id = app.org() and exists (
            select from app.staff_segment s join app.staff_tree t on t.org_id = s.org_id and t.below_id = s.staff_id
            where s.org_id = app.org() and s.segment_id = g.id and t.above_id = app.me()))::text;
        perform set_config('app.team', found_, true);
    end if;
    return found_::text[];
end
$$;

-- Refusals. code is a stable word, hint a sentence, detail further members of the problem.
create or replace function app.refuse(status int, code text, hint text, detail jsonb default null) returns void
language plpgsql volatile as $$
begin
    raise exception '%', code using errcode = 'PT' || status, hint = coalesce(hint, ''), detail = coalesce(detail::text, '');
end
$$;

create or replace function app.refuse_missing() returns void
language sql volatile as $$ select app.refuse(404, 'not_found', null) $$;

-- 422 (or another status) that names one member.
create or replace function app.refuse_member(status int, code text, pointer text, why text, hint text) returns void
language sql volatile as $$
    select app.refuse(status, code, hint,
        jsonb_build_object('errors', jsonb_build_array(jsonb_build_object('pointer', pointer, 'code', why, 'detail', hint))))
$$;

-- Raises when a form that C found wrong got as far as its values, so that 404, 403, 412 and 409 come first and nothing of
-- the call stays: C calls "select * from api.fn(…) f where api.refuse_form(to_jsonb(f))". A row that refuses by its
-- _status, as 412 does, passes with what was recorded of it.
create or replace function api.refuse_form(answer jsonb) returns boolean
language plpgsql volatile as $$
begin
    if coalesce((answer->>'_status')::int, 0) < 400 then
        raise exception 'invalid_value' using errcode = 'PT422', hint = 'The form is wrong.';
    end if;
    return true;
end
$$;

-- The opaque tags of an If-Match that stands in a body, whose form was checked: a weak one is left out, and so is a quoted "*".
create or replace function app.tags(text) returns text[]
language sql immutable as $$
    select case when btrim($1) = '*' then '{*}' else array(select m[1] from regexp_matches($1, '(?<!W/)"([^"]*)"', 'g') m where m[1] <> '*') end
$$;

-- Whether an If-Match or If-None-Match list (its opaque tags, or *) holds a tag.
create or replace function app.tag_matches(tags text[], tag text) returns boolean
language sql immutable as $$ select tag = any(tags) or '*' = any(tags) $$;
