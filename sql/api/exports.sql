-- exports.sql: asking for an export, deciding about it, and the link to its file.

-- What an export is by now: nobody has to write down that its time is over.
create function api.export_status(e app.export) returns text
language sql stable as $$
    select case when e.status in ('pending', 'approved') and e.expires_at <= app.now() then 'expired' else e.status end
$$;

create view api.export with (security_invoker = true) as
select e.id, e.entity, e.format, api.export_status(e) as status, e.row_count, e.reason, e.staff_id, s.name as staff_name,
    e.approvals_needed, (select count(*)::int from app.export_decision d where d.org_id = e.org_id and d.export_id = e.id and d.decision = 'approve') as approvals,
    e.asked_at, e.expires_at, e.decided_at, e.downloaded_at, e.rows_sent, e.voided_why,
    e.org_id as _org, null::text as _next, null::boolean as _tail
from app.export e
left join app.staff s on s.org_id = e.org_id and s.id = e.staff_id;

create function api.export_filters() returns jsonb
language sql immutable as $$
    select jsonb_build_object('status', 'v.status = any(app.texts($1->''status''))', 'entity', 'v.entity = any(app.texts($1->''entity''))',
        'staff', 'v.staff_id = any(app.uuids($1->''staff''))')
$$;

-- The exports that the caller asked for or may look at, newest first.
create function api.export_list(session text, request uuid, filter jsonb, cursor jsonb, lim int) returns setof api.export
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    rows api.export[];
    tail api.export;
begin
    perform app.enter(session, request, 'exports.list', reads => true);
    lim := least(lim, 200);
    execute format('select array(select v from api.export v where v._org = $4%s%s order by v.id desc limit $3 + 1)',
        app.filter_sql(filter, api.export_filters()), case when cursor is null then '' else ' and v.id < ($2->>0)::uuid' end)
    into rows using filter, cursor, lim, app.org();
    tail._tail := true;
    if cardinality(rows) > lim then
        rows := trim_array(rows, 1);
        tail._next := jsonb_build_array(rows[lim].id);
    end if;
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;

-- Ten rows of what an export would hold, as the caller sees them, contact values masked. null where none is his to see any more.
create function api.export_sample(e app.export) returns jsonb
language plpgsql volatile as $$
declare
    s    record;
    rows jsonb;
    ids  uuid[];
begin
    select * into strict s from api.export_sources() t where t.entity = e.entity;
    if s.customer is null then
        return null;
    end if;
    perform app.mask_contacts();
    execute format('select jsonb_agg(jsonb_build_object(%s) order by v.id), array_agg(distinct %s) filter (where %2$s is not null) from %s v where v._org = $1 and v.id = any($2)',
        (select string_agg(format('%L, %s', a.attname, format(case format_type(a.atttypid, null) when 'timestamp with time zone' then 'app.time_json(v.%I)' else 'v.%I' end, a.attname)), ', ')
            from pg_attribute a where a.attrelid = s.relation::regclass and a.attname = any(e.columns)), s.customer, s.relation)
    into rows, ids using app.org(), e.sample;
    perform app.disclose('list', ids, api.export_classes(e.entity, e.columns), masked => true);
    return rows;
end
$$;

-- Of the one who asks, what somebody who decides ought to know: what he has seen of late, and what is open about him.
create function api.export_requester(who uuid) returns jsonb
language sql volatile as $$
    select jsonb_build_object('id', s.id, 'name', s.name, 'role', s.role, 'exposure', app.exposure_brief(s.org_id, s.id, s.role, app.now()),
        'exports_30d', x.n, 'rows_30d', x.rows,
        'alerts', (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'rule', a.rule, 'severity', a.severity, 'at', app.time_json(a.last_at)) order by a.id desc), '[]')
            from (select * from app.alert t where t.org_id = s.org_id and t.staff_id = s.id and t.status = 'open' order by t.id desc limit 20) a))
    from app.staff s, lateral (select count(*) as n, coalesce(sum(t.rows_sent), 0) as rows from app.export t
        where t.org_id = s.org_id and t.staff_id = s.id and t.asked_at > app.now() - interval '30 days') x
    where s.org_id = app.org() and s.id = who
$$;

-- An export as a document; for whoever decides with a sample and what speaks for and against.
create function api.export_doc(export uuid, status int, whole boolean default true) returns setof api.document
language plpgsql volatile as $$
declare
    e       app.export;
    d       api.document;
    decides boolean;
begin
    select * into e from app.export t where t.org_id = app.org() and t.id = export;
    if not found then
        perform app.refuse_missing();
    end if;
    decides := app.me() in (select app.export_deciders(e.staff_id));
    select jsonb_build_object('id', e.id, 'status', api.export_status(e), 'entity', e.entity, 'filter', e.filter, 'columns', e.columns, 'format', e.format, 'bom', e.bom,
        'reason', e.reason, 'row_count', e.row_count, 'digest', encode(e.digest, 'hex'), 'staff_id', e.staff_id,
        'staff_name', (select s.name from app.staff s where s.org_id = e.org_id and s.id = e.staff_id), 'asked_at', app.time_json(e.asked_at),
        'expires_at', app.time_json(e.expires_at), 'approvals_needed', e.approvals_needed,
        'approvers', (select coalesce(jsonb_agg(jsonb_build_object('id', s.id, 'name', s.name) order by s.id), '[]')
            from app.export_deciders(e.staff_id) a(id) join app.staff s on s.org_id = e.org_id and s.id = a.id),
        'decisions', (select coalesce(jsonb_agg(jsonb_build_object('staff_id', k.staff_id, 'staff_name', s.name, 'decision', k.decision, 'note', k.note,
            'at', app.time_json(k.at)) order by k.at, k.staff_id), '[]') from app.export_decision k left join app.staff s on s.org_id = k.org_id and s.id = k.staff_id
            where k.org_id = e.org_id and k.export_id = e.id),
        'decided_at', app.time_json(e.decided_at), 'downloaded_at', app.time_json(e.downloaded_at), 'rows_sent', e.rows_sent, 'voided_why', e.voided_why)
    into d._doc;
    if decides and whole then
        d._doc := d._doc || jsonb_build_object('requester', api.export_requester(e.staff_id), 'sample', api.export_sample(e));
        d._classification := app.classification();
    end if;
    d._status := status;
    return next d;
end
$$;

-- One export; 404 for whoever neither asked nor is above the one who did.
create function api.export_get(session text, request uuid, id uuid) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'exports.read', reads => true);
    return query select * from api.export_doc(id, null);
end
$$;

-- Refuses columns that there are not (422), that came twice, and that the caller may not have (403).
create function api.export_columns_good(entity text, columns text[]) returns void
language plpgsql stable as $$
declare
    c record;
begin
    for c in select b.name, b.n - 1 as i, b.why, count(*) over (partition by b.name) as times from api.export_barred(entity, columns) b order by b.n loop
        if c.why = 'unknown' then
            perform app.refuse_member(422, 'invalid_value', '/columns/' || c.i, 'unknown', 'There is no such column.');
        elsif c.times > 1 then
            perform app.refuse_member(422, 'invalid_value', '/columns/' || c.i, 'duplicate', 'This column came twice.');
        elsif c.why = 'hidden' then
            perform app.refuse_member(403, 'forbidden', '/columns/' || c.i, 'hidden', 'You see no values of this column.');
        end if;
    end loop;
end
$$;

-- Asks for an export of what the caller sees: what it is, is frozen now. 409 where nobody may decide about it, or the caller has twenty
-- open ones; 422 for more rows than the org lets out.
create function api.export_create(session text, request uuid, retry text, body jsonb) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    made    uuid;
    rules   jsonb;
    filter  jsonb;
    columns text[];
    m       record;
    need    int;
    people  uuid[];
begin
    perform app.enter(session, request, 'exports.create');
    made := app.retry_result(retry);
    if made is null then
        rules := app.export_settings((select o.exports from app.settings o where o.org_id = app.org()));
        filter := api.export_filter(body->>'entity', coalesce(body->'filter', '{}'));
        if body->>'entity' in ('history', 'events') and not filter ? 'to' then
            filter := filter || jsonb_build_object('to', app.now());     -- or what is asked and said about it would make it another one
        end if;
        columns := case when body ? 'columns' then app.texts(body->'columns') else api.export_allowed(body->>'entity') end;
        perform api.export_columns_good(body->>'entity', columns);
        perform pg_advisory_xact_lock(hashtextextended('exports ' || app.me(), 0));
        if (select count(*) from app.export e where e.org_id = app.org() and e.staff_id = app.me() and e.status in ('pending', 'approved') and e.expires_at > app.now()) >= 20 then
            perform app.refuse(409, 'too_many_open', 'Twenty of your exports are open. Fetch them, or wait for a decision.');
        end if;
        m := api.export_measured(body->>'entity', filter, (rules->>'rows_most')::int, true);
        if m.n > (rules->>'rows_most')::int then
            perform app.refuse_member(422, 'invalid_value', '/filter', 'rows', format('At most %s rows go out at once. Ask for fewer.', rules->>'rows_most'));
        end if;
        need := api.export_approvals(m.n);
        people := array(select app.export_deciders(app.me()));
        if (select count(distinct s.person_id) from app.staff s where s.org_id = app.org() and s.id = any(people)) < need then
            perform app.refuse(409, 'no_approvers', 'There are not enough people who may decide about it.', jsonb_build_object('approvals_needed', need, 'approvers', people));
        end if;
        made := app.uuid7();
        insert into app.export (org_id, id, staff_id, entity, filter, columns, format, bom, reason, row_count, digest, sample, approvals_needed, mark, asked_at, expires_at)
        values (app.org(), made, app.me(), body->>'entity', filter, columns, coalesce(body->>'format', 'csv'), coalesce((body->>'bom')::boolean, false), body->>'reason', m.n, m.digest,
            m.sample, need, ('x' || encode(substr(uuid_send(gen_random_uuid()), 1, 4) || substr(uuid_send(gen_random_uuid()), 1, 4), 'hex'))::bit(64)::bigint,
            app.now(), app.now() + app.export_patience());
        perform app.retry_keep(retry, made);
        perform app.event('exports.ask', made, m.n::int, jsonb_build_object('entity', body->'entity', 'format', coalesce(body->'format', '"csv"')));
        perform app.tell(p, 'export', null, 'An export waits for your decision: ' || m.n || ' ' || (body->>'entity')) from unnest(people) p;
        perform app.notify('export.asked', jsonb_build_object('export', made, 'staff', app.me(), 'entity', body->'entity', 'rows', m.n));
    end if;
    return query select d._doc, 202, '/v1/exports/' || made, d._classification from api.export_doc(made, 202) d;
end
$$;

-- How many people have to approve so many rows, as the settings are.
create function api.export_approvals(n bigint) returns int
language sql stable as $$
    select case when n > (app.export_settings(o.exports)->>'two_approvers_above')::int then 2 else 1 end from app.settings o where o.org_id = app.org()
$$;

-- All the columns that the caller may have.
create function api.export_allowed(entity text) returns text[]
language sql stable as $$
    select array(select b.name from api.export_barred(entity, api.export_columns(entity)) b where b.why is null order by b.n)
$$;

-- What somebody says of an export. The law of it is app.tg_export_decision.
create function api.export_decide(id uuid, decision text, retry text, body jsonb) returns void
language plpgsql volatile as $$
declare
    e app.export;
begin
    if app.retry_result(retry) is not null then
        return;
    end if;
    select * into e from app.export t where t.org_id = app.org() and t.id = export_decide.id for no key update;
    if not found then
        -- Who may read it and not decide about it is told so; everybody else sees nothing.
        perform api.export_doc(id, null);
        perform app.refuse(403, 'forbidden', 'An auditor decides about nothing.');
    end if;
    insert into app.export_decision (org_id, export_id, staff_id, decision, note, at)
    values (app.org(), e.id, app.me(), decision, body->>'note', app.now());
    if decision = 'reject' then
        update app.export t set status = 'rejected', decided_at = app.now() where t.org_id = e.org_id and t.id = e.id;
    elsif (select count(distinct s.person_id) from app.export_decision d join app.staff s on s.org_id = d.org_id and s.id = d.staff_id
            where d.org_id = e.org_id and d.export_id = e.id and d.staff_id in (select app.export_deciders(e.staff_id)))
        >= greatest(e.approvals_needed, api.export_approvals(e.row_count)) then
        update app.export t set status = 'approved', decided_at = app.now(), expires_at = app.now() + app.export_patience() where t.org_id = e.org_id and t.id = e.id;
    end if;
    if decision = 'approve' and app.export_maker(e.staff_id, app.me()) then
        perform app.alert('rights', 'critical', app.me(), 'none', jsonb_build_object('exports', jsonb_build_array(e.id), 'made', e.staff_id));
    end if;
    perform app.retry_keep(retry, e.id);
    perform app.event('exports.' || decision, e.id, e.row_count, jsonb_build_object('staff', e.staff_id, 'entity', e.entity));
    perform app.tell(e.staff_id, 'export', null, case decision when 'approve' then 'Your export was approved.' else left('Your export was rejected: ' || (body->>'note'), 1000) end);
    perform app.notify('export.' || case decision when 'approve' then 'approved' else 'rejected' end, jsonb_build_object('export', e.id, 'staff', e.staff_id, 'by', app.me(), 'rows', e.row_count));
end
$$;

create function api.export_approve(session text, request uuid, id uuid, retry text, body jsonb) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'exports.approve');
    perform api.export_decide(id, 'approve', retry, body);
    return query select * from api.export_doc(id, null, whole => false);
end
$$;

create function api.export_reject(session text, request uuid, id uuid, retry text, body jsonb) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'exports.reject');
    perform api.export_decide(id, 'reject', retry, body);
    return query select * from api.export_doc(id, null, whole => false);
end
$$;

-- The caller's own export; 403 for whoever sees it and did not ask for it, 404 for everybody else.
create function api.export_own(id uuid) returns app.export
language plpgsql stable as $$
declare
    e app.export;
begin
    select * into e from app.export t where t.org_id = app.org() and t.id = export_own.id;
    if not found then
        perform app.refuse_missing();
    elsif e.staff_id <> app.me() then
        perform app.refuse(403, 'forbidden', 'Only whoever asked for an export gets it.');
    end if;
    return e;
end
$$;

-- A link to the file, for a quarter of an hour, in this session, once. An unused one before it ends.
create function api.export_ticket(session text, request uuid, id uuid) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    e      app.export;
    secret text;
    until  timestamptz;
begin
    perform app.enter(session, request, 'exports.ticket');
    until := app.now() + interval '15 minutes';
    e := api.export_own(id);
    perform from app.export t where t.org_id = e.org_id and t.id = e.id for no key update;     -- one link at a time
    -- Before it is asked whether one was used: whoever takes one at this moment has its row, and this waits for him.
    update app.export_ticket t set expires_at = app.now() where t.org_id = e.org_id and t.export_id = e.id and t.expires_at > app.now();
    if api.export_status(e) <> 'approved' then
        perform app.refuse(409, 'not_approved', 'This export may not be downloaded.', jsonb_build_object('status', api.export_status(e)));
    elsif exists (select from app.export_ticket t where t.org_id = e.org_id and t.export_id = e.id and t.tries > 0) then
        perform app.refuse(409, 'ticket_used', 'A download has begun already, and there is one for each approval. Ask for a new export.');
    end if;
    secret := app.secret_new(e.org_id);
    insert into app.export_ticket (org_id, id, export_id, secret_hash, session_id, at, expires_at)
    values (e.org_id, app.uuid7(), e.id, app.secret_hash(secret), app.session_id(), app.now(), until);
    perform app.event('exports.ticket', e.id, e.row_count);
    return query select jsonb_build_object('url', format('/v1/exports/%s/file?ticket=%s', e.id, secret), 'expires_at', app.time_json(until)), 201, null::text, null::text;
end
$$;
