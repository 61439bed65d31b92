-- refusals.sql: who was refused what, though the request itself left nothing behind; who asks too often for what he does not see.

-- Enters the name of a person for an event, whether or not he may still act. It is his name only: no policy gives it a row.
create or replace function app.named(org int, me uuid, session uuid, request uuid, action text) returns void
language sql volatile as $$
    select app.context(org, me, null, session, request, action, 'api', null, null, null, null, null, null)
$$;

-- Counts a request for what the person does not see, or may not do, in the windows in hand. The one that goes beyond a soft limit
-- raises an alert; beyond a hard one he is refused everything (app.enter) until the window is over.
create or replace function app.denied(org int, me uuid, role text, now timestamptz) returns void
language plpgsql volatile as $$
declare
    e      app.exposure := app.exposure_locked(org, me, role, now);
    was    int;
    n      int;
    soft   int;
    hard   int;
    beyond jsonb;
begin
    for w in 1..3 loop
        soft := e.limits[w][4][1];
        hard := e.limits[w][4][2];
        was := app.window_used(w, e.began[w], e.used[w][4], e.before[w][4], now);
        e.used[w][4] := e.used[w][4] + 1;
        n := was + 1;
        if n > hard and e.blocked_until is distinct from 'infinity' then
            e.blocked_until := greatest(e.blocked_until, e.began[w] + app.window_length(w),
                app.window_reset(w, e.began[w], e.used[w][4], e.before[w][4], hard));
            e.blocked_why := 'denied';
        end if;
        if n > hard and was <= hard or n > soft and was <= soft and beyond is null then
            beyond := jsonb_build_object('measure', 'denied', 'window', (app.windows())[w], 'used', n, 'limit', case when n > hard then hard else soft end,
                'severity', case when n > hard then 'high' else 'medium' end);
        end if;
    end loop;
    perform app.exposure_kept(e);
    if beyond is not null then
        perform app.wait_for_disk(true), app.alert('denied', beyond->>'severity', me, 'freeze', beyond - 'severity' || jsonb_build_object('events', array(
            select v.id from app.event v where v.org_id = org and v.staff_id = me and v.kind in ('refused.not_found', 'refused.forbidden')
            order by v.id desc limit 50)));
    end if;
end
$$;

-- Records a refusal of the person who is entered, or named, and counts it. The record waits for the disk as little as a read's does,
-- unless it comes to an alert. Returns the event's id.
create or replace function app.refused(role text, call text, status int, code text, record uuid, more jsonb) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    event uuid := app.event(case status when 401 then 'sessions.after_end' when 403 then 'refused.forbidden' when 404 then 'refused.not_found'
            when 429 then 'refused.too_much' else 'refused.other' end,
        record, null, jsonb_build_object('call', call) || coalesce(more, '{}'), status, code);
begin
    if status in (403, 404) and code <> 'frozen' then
        perform app.denied(app.org(), app.me(), role, app.now());
        if status = 404 and exists (select from app.export_decoy d where d.org_id = app.org() and d.id = refused.record) then
            -- Who has its id has it from an export, and looks whether it is real.
            perform app.wait_for_disk(true), app.alert('decoy', 'high', app.me(), 'freeze', jsonb_build_object('decoys', jsonb_build_array(record), 'events', jsonb_build_array(event)));
        end if;
    elsif status = 429 and code = 'exposure_budget_exceeded' and more ? 'limit' then
        perform app.wait_for_disk(true), app.alert('exposure_hard', 'high', app.me(), 'freeze', more || jsonb_build_object('events', jsonb_build_array(event)));
    end if;
    return event;
end
$$;
alter function app.refused owner to holdfast_owner;

-- The same in the name of the person whose session this is or was: nothing for a secret that never was one. problem has the further
-- members of a 429.
create or replace function app.refusal(session text, request uuid, method text, path text, status int, code text, record uuid, problem jsonb)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    s      record;
    org    int := app.secret_org(session);
    secret bytea := app.secret_hash(session);
    event  uuid;
begin
    select e.id, e.staff_id, p.role, p.status, coalesce(e.revoked_why, case when e.expires_at <= app.now() then 'expired' end) as ended into s
    from app.session e join app.staff p on p.org_id = e.org_id and p.id = e.staff_id
    where e.org_id = org and e.secret_hash = secret;
    if not found then
        return;
    end if;
    perform app.named(org, s.staff_id, s.id, request, 'sessions.refused'), app.wait_for_disk(false);
    event := app.refused(s.role, method || ' ' || path, status, code, record, case status when 401 then jsonb_build_object('ended', s.ended)
        when 429 then (select jsonb_object_agg(p.key, p.value) from jsonb_each(problem) p where p.key in ('measure', 'window', 'segment', 'limit', 'used')) end);
    if status = 401 and s.status = 'inactive' then
        -- Somebody who left still has a token, and tries it.
        perform app.wait_for_disk(true), app.alert('log_ins', 'high', s.staff_id, 'none', jsonb_build_object('why', 'after_dismissal', 'events', jsonb_build_array(event)));
    end if;
end
$$;
alter function app.refusal owner to holdfast_owner;
