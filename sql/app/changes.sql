-- changes.sql: what happened, in the order in which it became visible: what api/changes.sql is made of.
--
-- Operations are told up to the oldest transaction that has not ended: nobody can add to what is before it any more.

-- The next records that operations of the caller's org, seen by him or not, touched: up to most changes, but at least one operation,
-- of which most records. Since says the transaction to begin with; within it behind an operation, or with one of its records. A
-- row without a record for an operation without any. Of a customer that was moved, owner_id and stage are what they were before;
-- spread says that what belongs to it is to be told too, parted that it left its segment; was_customer is whose a record was;
-- onto, the customer that a record came to, said by the first of them, or that another one was merged into.
create or replace function app.changed(since xid8, upto xid8, operation uuid, record uuid, kind text, most int)
returns table (tx xid8, operation_id uuid, at timestamptz, entity text, record_id uuid, customer_id uuid, moved boolean, owner_id uuid,
    stage text, spread boolean, parted boolean, was_customer uuid, onto uuid)
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    -- Most often an app asks when nothing happened, and the query below costs more than this look.
    if not exists (select from app.operation p where p.org_id = app.org() and p.tx >= since and p.tx < upto) then
        return;
    end if;
    return query
    with op as (
        select o.*
        from (select q.*, sum(q.changes) over w as total, row_number() over w as n
            from (select p.tx, p.id, p.at, p.changes from app.operation p
                where p.org_id = app.org() and p.tx >= since and p.tx < upto
                    and (operation is null or (p.tx, p.id) > (since, operation) or record is not null and (p.tx, p.id) = (since, operation))
                order by p.tx, p.id limit 1000) q
            window w as (order by q.tx, q.id)) o
        where o.n = 1 or o.total <= most)
    select o.tx, o.id, o.at, r.entity, r.record_id, r.customer_id, m.moved,
        case when m.moved then (case when 'owner_id' = any(r.fields) then r.owner_id else app.changed_before(r.record_id, 'owner_id', r.first) end)::uuid end,
        case when m.moved then case when 'stage' = any(r.fields) then r.stage else app.changed_before(r.record_id, 'stage', r.first) end end,
        m.moved and ('owner_id' = any(r.fields) or m.parted) or r.entity = 'customers' and 'country' = any(r.fields), m.parted,
        r.was_customer, case when r.was_customer is null then r.merged_into when not exists (select from app.history h
            where h.org_id = app.org() and h.operation_id = o.id and h.record_id < r.record_id and h.field = 'customer_id' and h.customer_id = r.customer_id)
            then r.customer_id end
    from op o
    -- In the operation that it goes on with, from the record on; as a bound that the index has, for there may be 100,000.
    cross join lateral (select coalesce(case when (o.tx, o.id) = (since, operation) then changed.record end, '00000000-0000-0000-0000-000000000000') as record,
        case when (o.tx, o.id) = (since, operation) and changed.record is not null then changed.kind else '' end as kind) b
    left join lateral (
        select h.record_id, h.entity, (array_agg(h.customer_id order by h.id desc))[1] as customer_id, (array_agg(h.id order by h.id))[1] as first,
            array_agg(h.field) as fields, bool_or(h.field is null) as born,
            (array_agg(h.old #>> '{}' order by h.id) filter (where h.field = 'owner_id'))[1] as owner_id,
            (array_agg(h.old #>> '{}' order by h.id) filter (where h.field = 'stage'))[1] as stage,
            (array_agg(h.new #>> '{}' order by h.id desc) filter (where h.field = 'stage'))[1] as to_stage,
            (array_agg(h.old #>> '{}' order by h.id) filter (where h.field = 'customer_id'))[1]::uuid as was_customer,
            (array_agg(h.new #>> '{}' order by h.id desc) filter (where h.field = 'merged_into'))[1]::uuid as merged_into
        from app.history h
        where h.org_id = app.org() and h.operation_id = o.id and h.entity = any('{customers}' || app.child_kinds())
            and h.record_id >= b.record and (h.record_id > b.record or h.entity >= b.kind)
        group by h.record_id, h.entity order by h.record_id, h.entity limit most) r on true
    -- Whoever saw a customer in the operation that made it saw it nowhere before.
    cross join lateral (select r.entity = 'customers' and not r.born and r.fields && '{owner_id,stage}' as moved,
        exists (select from app.stage f join app.stage t on t.org_id = f.org_id and t.segment_id <> f.segment_id
            where f.org_id = app.org() and f.id = r.stage and t.id = r.to_stage) as parted) m
    order by o.n, r.record_id, r.entity;
end
$$;
alter function app.changed owner to holdfast_owner;

-- What a field of a customer was before one of its changes.
create or replace function app.changed_before(record uuid, name text, first uuid) returns text
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return (select case when h.field is null then h.new->>name else h.new #>> '{}' end
        from app.history h
        where h.org_id = app.org() and h.record_id = record and h.entity = 'customers' and h.id < first and (h.field is null or h.field = name)
        order by h.id desc limit 1);
end
$$;
alter function app.changed_before owner to holdfast_owner;

-- Some customers of the caller's org and those whose records came to them: all that the history of what belongs to them now is filed
-- under.
create or replace function app.customers_behind(customers uuid[]) returns uuid[]
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return array(
        with recursive k(id) as (
            select unnest(customers)
            union
            select (h.old #>> '{}')::uuid from k join app.history h on h.org_id = app.org() and h.customer_id = k.id and h.field = 'customer_id')
        select k.id from k);
end
$$;
alter function app.customers_behind owner to holdfast_owner;

-- A customer of the caller's org and those that were merged into it, seen by him or not.
create or replace function app.customer_whole(customer uuid) returns uuid[]
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return array(
        with recursive k(id) as (
            select customer
            union
            select c.id from k join app.customer c on c.org_id = app.org() and c.merged_into = k.id)
        select k.id from k);
end
$$;
alter function app.customer_whole owner to holdfast_mover;

-- Tells whether a position of this database, and what the caller may see in it, still mean what they meant: who he is and whose
-- customers he sees, what is kept back from him and masked, and that the transactions are counted on, in no copy and from no earlier
-- moment.
create or replace function app.sight() returns text
language plpgsql stable as $$
begin
    return left(app.keyed_hash(concat_ws(' ', 'changes', app.role(), app.segments(), app.above(), app.visibility(), app.contact_masking(),
        nullif(current_setting('app.hides', true), ''),
        case when app.role() = 'manager' then app.team_segments() end,
        (select concat_ws(' ', count(*), sum(uuid_hash_extended(t.below_id, 0))) from app.staff_tree t where t.org_id = app.org() and t.above_id = app.above()),
        (select k.system_identifier from pg_control_system() k), (select d.oid from pg_database d where d.datname = current_database()), left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))), 32);
end
$$;

-- An id made unreadable, and readable again by the same: a place in what happened may be at a record that its reader does not see. No
-- two may have the same nonce.
create or replace function app.veiled(id uuid, nonce text) returns uuid
language plpgsql stable as $$
declare
    bytes bytea := uuid_send(id);
    pad   bytea := decode(app.keyed_hash('veil ' || nonce), 'hex');
begin
    for i in 0..15 loop
        bytes := set_byte(bytes, i, get_byte(bytes, i) # get_byte(pad, i));
    end loop;
    return encode(bytes, 'hex')::uuid;
end
$$;
