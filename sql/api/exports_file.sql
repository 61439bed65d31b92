-- exports_file.sql: an export's rows on their way out.
--
-- A file goes out in parts, each in a transaction of its own, with the rights that its requester has then. What a part holds stands in the
-- ledger, committed, before the program writes the first byte of it; and no part is so large that keeping it whole would cost memory.

-- What the program needs to write a file: statement brings a part, with the types of its columns, which only PostgreSQL knows.
create type api.export_file as (format text, bom boolean, stamp text, title text, statement text, _classification text);

-- How many rows a part holds, so many that what comes before its first row does not count, and how many bytes of long texts: the program
-- keeps it whole.
create function api.export_part_rows() returns int
language sql immutable as $$ select 8000 $$;
create function api.export_part_bytes() returns int
language sql immutable as $$ select 4000000 $$;

-- The caller's own export, whose rows go out in the answer in hand: contact values of customers and contacts as they are, unless the org always masks, for somebody
-- else has said that he may have them. What history shows is as its list has it: no mark is in it that a leak of it were known by.
create function api.export_shown(id uuid) returns app.export
language plpgsql volatile as $$
declare
    e app.export := api.export_own(id);
begin
    perform app.single(e.entity in ('customers', 'contacts'));
    return e;
end
$$;

-- Records that rows of an export go out now, the last with this id: counts them, meets decoys, writes the ledger, and lets the ticket go on
-- behind. customers are whose each row is, null where it is nobody's.
create function api.export_sends(e app.export, ticket uuid, last uuid, customers uuid[]) returns void
language plpgsql volatile as $$
declare
    classes text := api.export_classes(e.entity, e.columns);
    clear   boolean := app.shows_contacts();
    n       int := cardinality(customers);
begin
    if e.entity <> 'customers' then
        customers := array(select distinct c from unnest(customers) c where c is not null);
    elsif array_position(customers, null) is not null then
        customers := array_remove(customers, null);     -- its own, which are no rows of the base
        n := cardinality(customers);
    end if;
    if cardinality(customers) > 0 then
        perform app.export_counts(customers, clear and classes like '%contact%', e.row_count <= 20000);
        perform app.decoys_touched('export', customers);
        insert into app.disclosure (org_id, at, id, request_id, staff_id, session_id, channel, customer_ids, classes, masked, reason)
        values (app.org(), app.now(), app.uuid7(), app.request_id(), app.me(), app.session_id(), 'export', customers, classes, not clear, e.reason);
    end if;
    update app.export_ticket k set after_id = last, rows = k.rows + n where k.org_id = e.org_id and k.id = ticket;
end
$$;

-- Makes the customers that only this export has: one for each fifty rows, three at most, each between two others of it, so that it fits
-- whatever the filter asks of them; none where that says what they are called.
create function api.export_decoys(e app.export, n bigint) returns void
language plpgsql volatile as $$
declare
    models app.customer[];
    c      app.customer;
    share  float8;
begin
    if e.entity <> 'customers' or e.filter ?| '{name,email,phone}' or exists (select from app.export_decoy d where d.org_id = e.org_id and d.export_id = e.id) then
        return;
    end if;
    for i in 1..least(3, n / 50) loop
        models := array(select k from app.customer k where k.org_id = e.org_id and k.id = any(e.sample) order by random() limit 2);
        exit when cardinality(models) < 2;
        share := random();
        c := app.decoy_like(models[1], models[2]);
        c.created_at := models[1].created_at + (models[2].created_at - models[1].created_at) * share;
        c.updated_at := greatest(c.created_at, models[1].updated_at + (models[2].updated_at - models[1].updated_at) * share);
        c.id := app.uuid7(c.created_at);
        c.value := round(models[1].value + (models[2].value - models[1].value) * share::numeric);
        c.version := models[2].version;
        c.owner_id := models[1].owner_id;
        c.stage := models[1].stage;
        c.segment := models[1].segment;
        c.archived_at := models[1].archived_at;
        c.updated_at := case when c.archived_at is null then c.updated_at else c.archived_at end;
        c.phone_e164 := app.phone_e164(c.phone, c.country);
        insert into app.export_decoy (org_id, export_id, id, record) values (e.org_id, e.id, c.id, to_jsonb(c));
    end loop;
end
$$;

-- An export's own customers behind a row of it, as its requester sees any.
create function api.export_decoy_rows(export uuid, after uuid) returns setof api.customer
language sql stable as $$
    select r.* from app.export_decoy d, jsonb_populate_record(null::api.customer, d.record || case when app.shows_contacts() and (not app.masks_others() or (d.record->>'owner_id')::uuid = app.me() or app.role() = 'manager') then '{}'::jsonb
        else jsonb_build_object('email', app.mask_email(d.record->>'email'), 'phone', app.mask_phone(d.record->>'phone'), 'phone_e164', app.mask_phone(d.record->>'phone_e164')) end) r
    where d.org_id = app.org() and d.export_id = export and (after is null or d.id > after)
$$;

-- Events by their ids, as the log shows them.
create function api.export_events(ids uuid[]) returns setof api.event
language plpgsql stable as $$
begin
    return query execute (select string_agg(format('select e.id, e.at, e.kind, e.actor, p.name, e.request_id, e.session_id, e.subject, e.status, e.code, e.rows, e.customers, '
            'e.masked, e.classes, e.detail, null::text, null::boolean from (select s.id, s.at, %s, s.%s, s.request_id, s.session_id, %s from %s s where s.org_id = $1 and s.id = any($2)) '
            'as e(id, at, kind, actor, request_id, session_id, subject, status, code, rows, customers, masked, classes, detail) left join app.staff p on p.org_id = $1 and p.id = e.actor',
            f.kind, f.who, f.columns, f.source), ' union all ') from api.event_sources() f)
    using app.org(), ids;
end
$$;

-- How many rows may go out of what was approved: 2 % more than there were.
create function api.export_most(e app.export) returns int
language sql immutable as $$ select floor(e.row_count * 1.02)::int $$;

-- Begins the download that a ticket is good for, once; looks only, where peek. 403 for a ticket of another export, person or session, 409
-- for one that is used or over, and where what was approved is not what would go out now.
create function api.export_take(session text, request uuid, id uuid, ticket text, peek boolean default false) returns setof api.export_file
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    e     app.export;
    t     app.export_ticket;
    f     api.export_file;
    now_  record;
begin
    perform app.enter(session, request, 'exports.file');
    e := api.export_shown(id);
    select * into t from app.export_ticket k where k.org_id = e.org_id and k.export_id = e.id and k.secret_hash = app.secret_hash(ticket) and k.session_id = app.session_id() for no key update;
    if not found then
        perform app.refuse(403, 'ticket_invalid', 'This ticket is not of this export and session.');
    elsif t.tries >= 2 or t.status not in ('open', 'failed') then
        perform app.refuse(409, 'ticket_used', 'This ticket was used. Ask for a new export.');
    elsif t.expires_at <= app.now() then
        perform app.refuse(409, 'ticket_expired', 'This ticket is over. Ask for another one.');
    elsif api.export_status(e) <> 'approved' then
        perform app.refuse(409, 'not_approved', 'This export may not be downloaded.', jsonb_build_object('status', api.export_status(e)));
    end if;
    now_ := api.export_measured(e.entity, e.filter, api.export_most(e), false);
    if now_.n > api.export_most(e) or not api.export_may(e.entity, e.columns) then
        perform app.refuse(409, 'approval_stale', 'This is not any more what was approved. Ask for a new export.', jsonb_build_object('row_count', e.row_count));
    end if;
    f.format := e.format;
    f.bom := e.bom;
    f.title := e.entity;
    f.statement := api.export_statement(e);
    f._classification := app.classification();
    if (app.export_settings((select o.exports from app.settings o where o.org_id = e.org_id))->>'preamble')::boolean or e.format <> 'csv' then
        f.stamp := concat_ws('; ', app.classification(), 'export=' || e.id, 'for=' || (select s.email from app.staff s where s.org_id = e.org_id and s.id = e.staff_id),
            'at=' || (app.time_json(app.now()) #>> '{}'));
    end if;
    if not peek then
        perform api.export_decoys(e, now_.n);
        update app.export_ticket k set status = 'taken', tries = k.tries + 1, request_id = app.request_id(), requests = array_remove(k.requests || k.request_id, null),
            taken_at = coalesce(k.taken_at, app.now()), after_id = null, rows = 0, clear = app.shows_contacts(), counted = e.row_count <= 20000
        where k.org_id = t.org_id and k.id = t.id;
        -- same: whether these are the very rows that were approved.
        perform app.event('exports.file', e.id, now_.n::int, jsonb_build_object('entity', e.entity, 'format', e.format, 'same', now_.digest = e.digest));
    end if;
    return next f;
end
$$;

-- The query of a part of an export: its next rows, among them those of its own customers ($9). $1 to $7 are as in api.export_from, $8 as in
-- api.export_rows_sql. What begins with an underscore does not go out: the bits of the mark, how many bytes its long texts have, whose it
-- is (null: one of its own), and its id where that is another. In plpgsql, which keeps its plan.
create function api.export_part_sql(e app.export, decoys boolean) returns text
language plpgsql stable as $$
declare
    s    record;
    list text;
    size text;
    rows text;
begin
    select * into strict s from api.export_sources() t where t.entity = e.entity;
    -- Of the columns that can be long; a custom of 16 KiB is not, against what looking at a million of them costs.
    select string_agg(format('v.%I', c.name), ', ' order by c.n) || format(', app.marks(v.id, %L) as "_mark"', e.mark),
        coalesce(string_agg(format('coalesce(octet_length(v.%I::text), 0)', c.name), ' + ') filter (where c.name = any('{notes,body,lines,detail,old,new}')), '0')
    into list, size from unnest(e.columns) with ordinality c(name, n);
    rows := case when e.entity = 'events' then format('api.export_events(array(select r.id from (%s) r(id) where $2 is null or r.id > $2 order by r.id limit $3)) v',
        api.export_rows_sql(e.entity, e.filter)) else api.export_from(e.entity, e.filter, shown => true) || ' and ($2 is null or v.id > $2)' end;
    if decoys then
        return format('select * from ((select %1$s, %2$s as "_bytes", v.id as "_of", v.id as "_id" from %3$s order by v.id limit $3) '
            'union all select %1$s, 0, null, v.id from unnest($9) v) v order by "_id" limit $3', list, size, rows);
    end if;
    return format('select %s, %s as "_bytes", %s as "_of", %s as "_id" from %s order by v.id limit $3',
        list, size, coalesce(s.customer, 'null::uuid'), case when s.customer = 'v.id' then 'null::uuid' else 'v.id' end, rows);
end
$$;

-- The statement that brings a part.
create function api.export_statement(e app.export) returns text
language sql stable as $$
    select format('select %s, "_mark" from api.export_part(session => $1, request => $2, id => $3) as v(%s, "_mark" int, "_bytes" int, "_of" uuid, "_id" uuid)',
        string_agg(quote_ident(c.name), ', ' order by c.n), string_agg(format('%I %s', c.name, format_type(a.atttypid, a.atttypmod)), ', ' order by c.n))
    from unnest(e.columns) with ordinality c(name, n)
    join api.export_sources() s on s.entity = e.entity
    join pg_attribute a on a.attrelid = s.relation::regclass and a.attname = c.name
$$;

-- The next rows of a download; none when all are out. Only for the request that took the ticket.
create function api.export_part(session text, request uuid, id uuid) returns setof record
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    e      app.export;
    t      app.export_ticket;
    decoys api.customer[];
    r      record;
    bytes  bigint := 0;
    customers uuid[];
begin
    perform app.enter(session, request, 'exports.file');
    e := api.export_shown(id);
    select * into t from app.export_ticket k where k.org_id = e.org_id and k.export_id = e.id and k.status = 'taken' and k.request_id = app.request_id() for no key update;
    if not found or api.export_status(e) <> 'approved' then
        perform app.refuse(409, 'not_approved', 'This export may not be downloaded.');
    elsif t.rows > api.export_most(e) or t.clear <> app.shows_contacts() or not api.export_may(e.entity, e.columns) then
        perform app.refuse(409, 'approval_stale', 'This is not any more what was approved.');
    end if;
    if e.entity = 'customers' then
        decoys := array(select d from api.export_decoy_rows(e.id, t.after_id) d);
    end if;
    perform app.export_room();
    -- What goes out and what is recorded are the same rows; two queries could see different ones.
    for r in execute api.export_part_sql(e, decoys <> '{}') using e.filter, t.after_id, api.export_part_rows(), app.me(), app.org(), api.export_segments(), app.above(),
        api.export_actors(e.entity, e.filter), decoys
    loop
        return next r;
        customers := customers || r."_of";
        bytes := bytes + r."_bytes";
        exit when bytes >= api.export_part_bytes();
    end loop;
    if customers is not null then
        perform api.export_sends(e, t.id, coalesce(r."_id", r."_of"), customers);
    end if;
end
$$;

-- Ends a download: whole, or one that may be repeated once while the ticket lasts.
create function api.export_done(session text, request uuid, id uuid, whole boolean) returns setof api.nothing
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    e app.export;
    t app.export_ticket;
begin
    perform app.enter(session, request, 'exports.file');
    e := api.export_own(id);
    update app.export_ticket k set status = case when whole then 'done' else 'failed' end
    where k.org_id = e.org_id and k.export_id = e.id and k.status = 'taken' and k.request_id = app.request_id() returning * into t;
    if t.id is not null and whole and e.status = 'approved' then
        update app.export x set status = 'downloaded', downloaded_at = app.now(), rows_sent = t.rows where x.org_id = e.org_id and x.id = e.id;
        perform app.notify('export.downloaded', jsonb_build_object('export', e.id, 'staff', e.staff_id, 'rows', t.rows));
    end if;
    perform app.event(case when whole then 'exports.downloaded' else 'exports.broken' end, e.id, t.rows);
    return query select 204, null::text, null::text, null::jsonb;
end
$$;

-- The process beside the workers: lets app.seen follow large downloads. Returns the milliseconds until it wants to be called again.
create function api.exports_step() returns int
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return case when app.export_counted() then 0 else 2000 end;
end
$$;
