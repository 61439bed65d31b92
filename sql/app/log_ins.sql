-- log_ins.sql: what is remembered of logging in. Only of people whom the directory of log-ins knows: nobody else has an org.

-- An event in the name of a person who is not logged in yet, or any more.
create or replace function app.log_in_event(org int, staff_id uuid, session uuid, request uuid, kind text, code text default null, detail jsonb default null)
returns uuid
language plpgsql volatile as $$
begin
    perform app.named(org, staff_id, session, request, kind);
    return app.event(kind, null, null, detail, case when code is not null then 401 end, code);
end
$$;

-- A wrong password; five of a person within a quarter of an hour are worth a look. Nothing here waits for the disk, not even the alert:
-- by that an unknown e-mail would be told from a known one.
create or replace function app.log_in_refused(org int, staff_id uuid, session uuid, request uuid, kind text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    events uuid[];
begin
    perform app.wait_for_disk(false), pg_advisory_xact_lock(hashtextextended('log-in ' || staff_id, 0));   -- each sees those before him
    perform app.log_in_event(org, staff_id, session, request, kind, 'wrong_credentials');
    events := array(select e.id from app.event e where e.org_id = org and e.staff_id = log_in_refused.staff_id
        and e.kind in ('sessions.refused', 'sessions.password_refused') and e.id >= app.uuid7_floor(app.now() - interval '15 minutes') order by e.id);
    if cardinality(events) >= 5 then
        perform app.alert('log_ins', 'medium', staff_id, 'freeze', jsonb_build_object('failures', cardinality(events), 'events', events));
    end if;
end
$$;
alter function app.log_in_refused owner to holdfast_owner;

-- Attempts that had to wait, once a minute: whoever goes on trying must not fill the log of another, nor find out by the time that
-- there is such a person.
create or replace function app.log_in_throttled(email text, request uuid) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    l app.login;
begin
    select * into l from app.login t where t.email = lower(log_in_throttled.email);
    if not exists (select from app.event e where e.org_id = l.org_id and e.staff_id = l.staff_id and e.kind = 'sessions.throttled'
            and e.id >= app.uuid7_floor(app.now() - interval '1 minute')) and l.org_id is not null then
        perform app.wait_for_disk(false), app.log_in_event(l.org_id, l.staff_id, null, request, 'sessions.throttled');
    end if;
end
$$;
alter function app.log_in_throttled owner to holdfast_owner;

-- A refresh token of a session that is over, or was used before: a copy of it may be in other hands.
create or replace function app.log_in_reused(org int, staff_id uuid, session uuid, request uuid, kind text, code text, why text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    event uuid := app.log_in_event(org, staff_id, session, request, kind, code, jsonb_build_object('ended', why));
begin
    if kind = 'sessions.refresh_reused' then
        perform app.alert('log_ins', 'high', staff_id, 'freeze', jsonb_build_object('why', 'refresh_reused', 'events', jsonb_build_array(event)));
    elsif exists (select from app.staff s where s.org_id = org and s.id = log_in_reused.staff_id and s.status = 'inactive') then
        perform app.alert('log_ins', 'high', staff_id, 'none', jsonb_build_object('why', 'after_dismissal', 'events', jsonb_build_array(event)));
    end if;
end
$$;
alter function app.log_in_reused owner to holdfast_owner;
