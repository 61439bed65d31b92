-- changes.sql: what happened since an app looked last, in the order in which it became visible: what it drops and what it puts in.
--
-- What a record is now decides what is said of it, whatever an operation did; the operation only says which to look at. So it does no
-- harm to tell one twice, and none is told of that its reader may not see or did not see before.

create type api.happening as (op text, entity text, id uuid, customer_id uuid, at timestamptz, record jsonb,
    _classification text, _next text, _tail boolean);

-- A record that an operation touched, as app.changed has it.
create type api.touched as (tx xid8, operation_id uuid, at timestamptz, entity text, record_id uuid, customer_id uuid, moved boolean,
    owner_id uuid, stage text, spread boolean, parted boolean, was_customer uuid, onto uuid);

-- One thing to tell; its place within all that happened is its position in the cursor.
create type api.telling as (place jsonb, op text, entity text, id uuid, customer_id uuid, at timestamptz);

-- Which of some records the caller's lists have, archived or not. Whose glass he broke is not among them: nobody would tell him to
-- drop it again.
create function api.change_listed(way text, entity text, ids uuid[]) returns uuid[]
language plpgsql stable as $$
declare
    listed uuid[];
begin
    execute format(case entity when 'customers' then 'select array_agg(v.id) from app.customer v where v.org_id = $5 and v.id = any($1) and (%2$s)'
        else 'select array_agg(r.id) from %1$s r join app.customer v on v.org_id = $5 and v.id = r.customer_id where r.org_id = $5 and r.id = any($1) and (%2$s)' end,
        (select e.relation from app.entity e where e.name = change_listed.entity), api.customer_ways()->>way)
    into listed using ids, null::jsonb, null::int, app.me(), app.org(),
        case when app.role() = 'manager' then app.team_segments() else app.segments() end, app.above();
    return coalesce(listed, '{}');
end
$$;

-- Which of some customers his lists had by what they were before.
create function api.change_had(way text, touched api.touched[]) returns uuid[]
language plpgsql stable as $$
declare
    had uuid[];
begin
    if way = 'all' or touched is null then
        return '{}';   -- who sees all loses nothing
    end if;
    execute format('select array_agg(v.id) from (select t.record_id as id, t.owner_id, s.segment_id as segment from unnest($1) t '
        'join app.stage s on s.org_id = $5 and s.id = t.stage) v where (%s)', api.customer_ways()->>way)
    into had using touched, null::jsonb, null::int, app.me(), app.org(),
        case when app.role() = 'manager' then app.team_segments() else app.segments() end, app.above();
    return coalesce(had, '{}');
end
$$;

-- What belongs to a customer, of one kind, behind an id.
create function api.change_children(entity text, customer uuid, behind uuid, most int) returns uuid[]
language plpgsql stable as $$
begin
    behind := coalesce(behind, '00000000-0000-0000-0000-000000000000');
    case entity
    when 'contacts' then return array(select v.id from app.contact v where v.org_id = app.org() and v.customer_id = customer
        and v.archived_at is null and v.id > behind order by v.id limit most);
    when 'deals' then return array(select v.id from app.deal v where v.org_id = app.org() and v.customer_id = customer
        and v.archived_at is null and v.id > behind order by v.id limit most);
    when 'activities' then return array(select v.id from app.activity v where v.org_id = app.org() and v.customer_id = customer
        and v.archived_at is null and v.id > behind order by v.id limit most);
    else return array(select v.id from app.offer v where v.org_id = app.org() and v.customer_id = customer
        and v.archived_at is null and v.id > behind order by v.id limit most);
    end case;
end
$$;

-- What there is to tell of a customer and all that belongs to it, in steps: 0 drop both, 1 the customer itself, 2 to 5 what belongs
-- to it. From_ and behind say where to go on; of each step at most most.
create function api.change_whole(place jsonb, base int, customer uuid, at timestamptz, anew boolean, spread boolean, from_ int, behind uuid, most int)
returns setof api.telling
language plpgsql stable as $$
declare
    kinds text[] := app.child_kinds();
begin
    if anew and from_ <= base then
        return next row(place || jsonb_build_array(base, null), 'purge', 'customers', customer, customer, at)::api.telling;
    end if;
    if from_ <= base + 1 then
        return next row(place || jsonb_build_array(base + 1, null), 'upsert', 'customers', customer, customer, at)::api.telling;
    end if;
    for n in 2..5 loop
        continue when not spread or from_ > base + n;
        return query select place || jsonb_build_array(base + n, c.id), 'upsert', kinds[n - 1], c.id, customer, at
        from unnest(api.change_children(kinds[n - 1], customer, case when base + n = from_ then behind end, most)) with ordinality c(id, nth) order by c.nth;
    end loop;
end
$$;

-- What there is to tell of one record: of a customer the steps of above; 1 the record itself; from 10 on the
-- steps of the customer that it came to. Seen: the caller's lists have it; lost: whose it was, where they had it
-- before. Where something of a customer may be kept back from him from now on it is told anew: which, nobody tells.
create function api.change_steps(t api.touched, seen boolean, lost uuid, onto boolean, from_ int, behind uuid, most int) returns setof api.telling
language plpgsql stable as $$
declare
    place jsonb := jsonb_build_array(t.tx, t.operation_id, t.record_id, t.entity);
    keeps boolean := app.hiding() is not null;
begin
    if not seen then
        if lost is not null and from_ <= 1 then
            return next row(place || '[1, null]', 'purge', t.entity, t.record_id, lost, t.at)::api.telling;
        end if;
    elsif t.entity = 'customers' then
        return query select * from api.change_whole(place, 0, t.record_id, t.at, t.parted and keeps, t.spread, from_, behind, most);
    elsif from_ <= 1 then
        return next row(place || '[1, null]', 'upsert', t.entity, t.record_id, t.customer_id, t.at)::api.telling;
    end if;
    if onto then
        return query select * from api.change_whole(place, 10, t.onto, t.at, keeps, keeps, from_, behind, most);
    end if;
end
$$;

-- Whose a record was that is his no longer, where the caller's lists have that customer and show him its records of this kind.
create function api.change_left(way text, t api.touched) returns uuid
language sql stable as $$
    select c.id from app.customer c
    where c.org_id = app.org() and c.id = any(api.change_listed(way, 'customers', array[t.was_customer]))
        and not coalesce(c.worked_in && app.hiding_kind(t.entity), false)
$$;

-- What is to be told from a place on, up to a transaction: most at most, nothing twice. Next is where to go on: behind the last that
-- was told, else at upto. What the caller does not see costs him time though: after two seconds it ends with the transaction in hand.
create function api.change_tell(place jsonb, upto xid8, most int, out told api.telling[], out next jsonb)
language plpgsql volatile as $$
declare
    way    text := api.customer_way('none', '{}');
    since  xid8 := (place->>0)::xid8;
    op     uuid := (place->>1)::uuid;
    record uuid := (place->>2)::uuid;
    kind   text := place->>3;
    step   int := (place->>4)::int + case when place->>5 is null then 1 else 0 end;
    behind uuid := (place->>5)::uuid;
    piece  constant int := 2000;
    batch  api.touched[];
    seen   jsonb;      -- of the records in the batch those that the caller's lists have
    had    uuid[];
    known  jsonb := '{}';
    key    text;
    t      api.touched;
    one    api.telling;
    goes_on boolean;
begin
    told := '{}';
    loop
        batch := array(select row(c.*)::api.touched from app.changed(since, upto, op, record, kind, piece) c);
        if batch = '{}' then
            next := jsonb_build_array(upto);
            return;
        elsif clock_timestamp() > statement_timestamp() + interval '2 seconds' and batch[1].tx > since then
            next := jsonb_build_array(batch[1].tx);
            return;
        elsif clock_timestamp() > statement_timestamp() + interval '4 seconds' then
            perform app.refuse(409, 'resync_required', 'More happened at once than can be told. Drop what you have and begin without a cursor.');
        end if;
        select coalesce(jsonb_object_agg(e.entity || l.id, true), '{}') into seen
        from (select b.entity, array_agg(distinct b.record_id) as ids from unnest(batch) b where b.record_id is not null group by 1) e,
            unnest(api.change_listed(way, e.entity, e.ids)) l(id);
        had := api.change_had(way, (select array_agg(b) from unnest(batch) b where b.moved and not seen ? ('customers' || b.record_id)));
        foreach t in array batch loop
            continue when t.record_id is null or not (seen ? (t.entity || t.record_id) or t.record_id = any(had) or t.was_customer is not null or t.onto is not null);
            goes_on := (t.tx, t.operation_id, t.record_id, t.entity) = (since, op, record, kind);
            for one in select * from api.change_steps(t, seen ? (t.entity || t.record_id),
                case when t.entity <> 'customers' then api.change_left(way, t) when t.record_id = any(had) then t.record_id end,
                t.onto is not null and api.change_listed(way, 'customers', array[t.onto]) <> '{}',
                case when goes_on then step else 0 end, case when goes_on then behind end, most)
            loop
                key := one.op || one.entity || one.id;
                continue when known ? key;
                -- What is told anew is all told again.
                known := case when one.op = 'purge' and one.place->>4 in ('0', '10') then '{}' else known end || jsonb_build_object(key, true);
                told := told || one;
                if cardinality(told) = most then
                    next := one.place;
                    return;
                end if;
            end loop;
        end loop;
        t := batch[cardinality(batch)];
        since := t.tx;
        op := t.operation_id;
        -- A full piece may have more of its last operation: from the record behind its last.
        record := case when cardinality(batch) >= piece then t.record_id end;
        kind := t.entity;
        step := 99;
    end loop;
end
$$;

-- The rows of what is told: what each record is now, as a list shows it. What nobody may see any more, or not yet, is left out: its
-- operation comes later.
create function api.change_rows(told api.telling[]) returns api.happening[]
language plpgsql volatile as $$
declare
    way  text := api.customer_way('none', '{}');
    docs jsonb := '{}';
    part jsonb;
    e    record;
begin
    for e in select k.name, k.singular, array_agg(t.id) as ids from unnest(told) t join app.entity k on k.name = t.entity where t.op = 'upsert' group by 1, 2 loop
        execute format('select jsonb_object_agg(%1$L || r.id, jsonb_build_array(%4$s, case when r.archived_at is null then api.%2$s_json(r) end)) '
            'from api.%2$s r join app.customer v on v.org_id = $5 and v.id = %4$s where r._org = $5 and r.id = any($1) and (%3$s)',
            e.name, e.singular, api.customer_ways()->>way, case e.name when 'customers' then 'r.id' else 'r.customer_id' end)
        into part using e.ids, null::jsonb, null::int, app.me(), app.org(),
            case when app.role() = 'manager' then app.team_segments() else app.segments() end, app.above();
        docs := docs || coalesce(part, '{}');
    end loop;
    return array(
        select row(case when t.op = 'purge' then t.op when d.doc->1 = 'null' then 'delete' else 'upsert' end, t.entity, t.id,
            case when t.op = 'purge' then t.customer_id else (d.doc->>0)::uuid end, t.at, nullif(d.doc->1, 'null'),
            app.classification(), null, null)::api.happening
        from unnest(told) with ordinality t(place, op, entity, id, customer_id, at, n)
        cross join lateral (select case when t.op = 'upsert' then docs->(t.entity || t.id) end as doc) d
        where t.op = 'purge' or d.doc is not null
        order by t.n);
end
$$;

-- A place as a cursor carries it, and back: anybody can read a cursor.
create function api.change_veiled(place jsonb, nonce text) returns jsonb
language sql stable as $$
    select case when place->>2 is null then place else jsonb_set(place, '{2}', to_jsonb(app.veiled((place->>2)::uuid, nonce))) end
$$;

-- What happened with customers and all that belongs to them since a cursor; without one, only the cursor of now. 409 resync_required
-- where what the caller may see, or how, is not what it was, or the database is not the one that it was.
create function api.changes_list(session text, request uuid, cursor jsonb, lim int) returns setof api.happening
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    upto  xid8;
    sight text;
    next_ jsonb;
    told  api.telling[];
    rows  api.happening[];
    tail  api.happening;
begin
    perform app.enter(session, request, 'changes.list', reads => true);
    upto := pg_snapshot_xmin(pg_current_snapshot());
    sight := app.sight();
    if cursor is null then
        next_ := jsonb_build_array(upto);
    elsif cursor->>0 is distinct from sight or (cursor->1->>0)::xid8 > upto then
        perform app.refuse(409, 'resync_required', 'What you may see, or how, is not what it was. Drop what you have and begin without a cursor.');
    else
        select t.told, t.next into told, next_ from api.change_tell(api.change_veiled(cursor->1, cursor->>2), upto, least(lim, 200)) t;
        rows := api.change_rows(told);
        perform app.disclose('changes', array(select distinct r.customer_id from unnest(rows) r where r.op = 'upsert'),
            masked => not app.shows_contacts() or exists (select from unnest(rows) r where r.record->'masked' ?| '{email,phone,phone_e164}'), bytes => pg_column_size(rows));
    end if;
    tail._tail := true;
    tail._classification := app.classification();
    tail._next := jsonb_build_array(sight, api.change_veiled(next_, request::text), request);
    return query select r.* from unnest(rows) r;
    return next tail;
end
$$;
