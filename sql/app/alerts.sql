-- alerts.sql: what somebody ought to look at, and the events behind it.

-- Records what is neither an answer with customer data nor a change; see app.event. Everything about the caller is taken from the
-- context. Returns its id.
create or replace function app.event(kind text, subject uuid default null, rows int default null, detail jsonb default null,
    status int default null, code text default null) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    id uuid := app.uuid7();
begin
    insert into app.event (org_id, id, at, kind, staff_id, session_id, request_id, subject_id, status, code, rows, detail)
    values (app.org(), id, app.now(), kind, app.me(), app.session_id(), app.request_id(), subject, status, code, rows, detail);
    return id;
end
$$;
alter function app.event owner to holdfast_owner;

-- Evidence laid over evidence: lists are joined, each id once and 100 at most, everything else is the later one's.
create or replace function app.evidence_joined(was jsonb, now_ jsonb) returns jsonb
language sql immutable as $$
    select was || coalesce(jsonb_object_agg(n.key, case when jsonb_typeof(n.value) = 'array' and jsonb_typeof(was->n.key) = 'array'
        then (select coalesce(jsonb_agg(v.value order by v.n), '[]') from (select e.value, min(e.n) as n
            from jsonb_array_elements((was->n.key) || n.value) with ordinality e(value, n) group by 1 order by 2 limit 100) v)
        else n.value end), '{}')
    from jsonb_each(now_) n
$$;

-- How grave a severity is.
create or replace function app.gravity(severity text) returns int
language sql immutable as $$ select array_position('{info,low,medium,high,critical}'::text[], severity) $$;

-- Raises an alert about a person, or counts it in that of the same rule and day; then the graver severity stays, and a closed one is
-- opened again only by a graver one. Whoever the settings name is told when it is new or graver. Returns its id.
create or replace function app.alert(rule text, severity text, staff_id uuid, answer text, evidence jsonb) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    a app.alert;
begin
    insert into app.alert as t (org_id, id, at, rule, severity, staff_id, day, last_at, evidence, answer)
    values (app.org(), app.uuid7(), app.now(), alert.rule, alert.severity, alert.staff_id, (app.now() at time zone 'UTC')::date, app.now(), alert.evidence, alert.answer)
    on conflict on constraint alert_day do update set times = t.times + 1, last_at = excluded.last_at,
        evidence = app.evidence_joined(t.evidence, excluded.evidence),
        severity = case when app.gravity(excluded.severity) > app.gravity(t.severity) then excluded.severity else t.severity end,
        answer = case when app.gravity(excluded.severity) > app.gravity(t.severity) then excluded.answer else t.answer end,
        status = case when app.gravity(excluded.severity) > app.gravity(t.severity) then 'open' else t.status end
    returning * into a;
    if a.told is distinct from a.severity then
        update app.alert t set told = a.severity where t.org_id = a.org_id and t.id = a.id;
        perform app.notify('alert.raised', jsonb_build_object('alert', a.id, 'rule', a.rule, 'severity', a.severity, 'staff', a.staff_id));
    end if;
    return a.id;
end
$$;
alter function app.alert owner to holdfast_owner;
