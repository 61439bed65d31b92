-- bulk_chunk.sql: a job that changes many records, a piece at a time, and what becomes of one that stops.

-- Locks customers in order as the policies let the caller, and tells which of them can go to their heirs now, to whom, and why each of the others
-- cannot. One that is not to be seen or not his to write by now is as one that is not there; one that has another owner than when it was planned stays
-- with him.
create or replace function app.bulk_moves(b app.bulk, records uuid[], owners uuid[], heirs uuid[], out fit uuid[], out gets uuid[], out whys text[])
language plpgsql volatile set plan_cache_mode = force_custom_plan as $$
declare
    stays  boolean := b.action = 'stage';
    target app.stage;
begin
    select * into target from app.stage s where s.org_id = b.org_id and s.id = b.wish->'changes'->>'stage' and stays;
    with locked as materialized (
        select c.id, c.owner_id, c.segment, c.stage, c.archived_at from app.customer c where c.org_id = b.org_id and c.id = any(records) order by c.id for no key update),
    judged as (
        select p.id, p.heir, case when l.id is null then 'not_found' when l.archived_at is not null then 'archived' when l.owner_id is distinct from p.owner then 'changed_since'
            when l.stage = target.id then 'unchanged' else app.heir_verdict(p.heir, l.owner_id, stays, k.unfit, coalesce(target.segment_id, l.segment), k.segments) end as why
        from unnest(records, owners, heirs) p(id, owner, heir)
        left join locked l on l.id = p.id left join app.heirs_known(heirs, stays) k on k.id = p.heir order by p.id)
    select coalesce(array_agg(j.id) filter (where j.why is null), '{}'), coalesce(array_agg(j.heir) filter (where j.why is null), '{}'), array_agg(j.why)
    into fit, gets, whys from judged j;
end
$$;

-- The same of records that are changed and given to nobody: one of another version than when it was planned stays. Those of customers are locked
-- behind them.
create or replace function app.bulk_changes(b app.bulk, records uuid[], versions int[], out fit uuid[], out whys text[])
language plpgsql volatile set plan_cache_mode = force_custom_plan as $$
begin
    perform app.restore_lock(b.entity, records);
    with reached as materialized (select r.* from unnest(app.bulk_rows(b.entity, b.action, coalesce(b.wish->'changes', '{}'), records)) r),
    judged as (
        select p.id, case when r.id is null or r.why = 'not_yours' then 'not_found' when r.why is null and r.version <> p.version then 'changed_since' else r.why end as why
        from unnest(records, versions) p(id, version) left join reached r on r.id = p.id)
    select coalesce(array_agg(j.id order by j.id) filter (where j.why is null), '{}'), array_agg(j.why order by j.id) into fit, whys from judged j;
end
$$;

-- Gives each of these customers a task for its new owner.
create or replace function app.introduce(customers uuid[], reason text) returns void
language plpgsql volatile as $$
declare
    now timestamptz := app.clock();
    due timestamptz := app.now() + make_interval(days => (select (app.bulk_settings(o.bulk)->>'introduction_days')::int from app.settings o where o.org_id = app.org()));
begin
    insert into app.activity (org_id, id, customer_id, kind, subject, body, at, due_at, author_id, introduction, created_at, updated_at)
    select app.org(), app.uuid7(now), c.id, 'task', 'Introduce yourself', reason, app.now(), due, app.me(), true, now, now from unnest(customers) c(id);
end
$$;

-- Writes what a wish makes of these records, in one statement.
create or replace function app.bulk_write(b app.bulk, records uuid[], heirs uuid[]) returns void
language plpgsql volatile as $$
declare
    relation regclass := (select e.relation from app.entity e where e.name = b.entity);
    n        bigint;
begin
    if records = '{}' then
        return;
    elsif heirs is not null then
        perform app.transfer(records, heirs, case when b.action = 'stage' then b.wish->'changes'->>'stage' end);
        if b.introduce then
            perform app.introduce(records, b.reason);
        end if;
        return;
    end if;
    execute format('update %1$s c set %2$s from jsonb_populate_record(null::%1$s, $2) n where c.org_id = $1 and c.id = any($3)', relation,
        (select string_agg(format('%I = %s', s.name, s.value), ', ') from app.bulk_sets(b.entity, b.action, b.wish->'changes') s))
    using b.org_id, coalesce(b.wish->'changes', '{}'), records;
    get diagnostics n = row_count;
    if n <> cardinality(records) then
        raise exception 'bulk: % of % records could be written', n, cardinality(records) using errcode = '42501';
    end if;
end
$$;

-- Does the next pieces of a job under its one operation, in the name of whoever asked and by what he may now. So many that the next
-- time takes a tenth of a second: nobody waits long for a record. What is not as it was when it was planned stays and is counted. Returns whether it is finished.
create or replace function app.bulk_chunk(bulk uuid) returns boolean
language plpgsql volatile as $$
declare
    began    timestamptz := clock_timestamp();
    b        app.bulk;
    moves    boolean;
    last     int;
    records  uuid[];
    versions int[];
    owners   uuid[];
    heirs    uuid[];
    fit      uuid[];
    gets     uuid[];
    whys     text[];
    ended    boolean;
begin
    select * into strict b from app.bulk t where t.org_id = app.org() and t.id = bulk;
    moves := b.entity = 'customers' and b.action in ('transfer', 'stage');
    perform app.operation_continue(b.operation_id), app.operation_because(b.reason, null, b.cause);
    last := b.next_n + b.pace - 1;
    select array_agg(p.id order by p.id), array_agg(p.version order by p.id), array_agg(p.owner order by p.id), array_agg(p.heir order by p.id) into records, versions, owners, heirs
    from app.bulk_item i, unnest(i.records, i.versions, i.owners, i.heirs) p(id, version, owner, heir) where i.org_id = b.org_id and i.bulk_id = b.id and i.n between b.next_n and last;
    if records is not null then
        if moves then
            select * into fit, gets, whys from app.bulk_moves(b, records, owners, heirs);
        else
            select * into fit, whys from app.bulk_changes(b, records, versions);
        end if;
        perform app.bulk_write(b, fit, case when moves then gets end);
    end if;
    ended := not exists (select from app.bulk_item i where i.org_id = b.org_id and i.bulk_id = b.id and i.n > last);
    update app.bulk t set next_n = last + 1, refused = app.bulk_left_joined(t.refused, app.bulk_left(records, whys)),
        pace = greatest(1, least(20, 2 * t.pace, floor(t.pace * 100 / greatest(1, 1000 * extract(epoch from clock_timestamp() - began)))))::int
    where t.org_id = b.org_id and t.id = b.id;
    update app.job j set done = j.done + coalesce(cardinality(records), 0), status = case when ended then 'done' else 'running' end,
        started_at = coalesce(j.started_at, app.clock()), finished_at = case when ended then app.clock() end
    where j.org_id = b.org_id and j.id = b.id;
    if ended then
        perform app.bulk_end(b);
    end if;
    return ended;
end
$$;

-- Tells whoever got customers, once each, and lets go of the set.
create or replace function app.bulk_end(b app.bulk) returns void
language plpgsql volatile as $$
begin
    perform app.tell(a.id, 'transfer', null, left(a.n || ' customers were transferred to you: ' || b.reason, 1000))
    from (select (w->>'staff_id')::uuid as id, (w->>'receives')::bigint as n from jsonb_array_elements(b.affected) w) a
    where a.n > 0 and a.id <> app.me() order by a.id;
    delete from app.bulk_item i where i.org_id = b.org_id and i.bulk_id = b.id;
    perform app.event('bulk.done', b.id, b.total, jsonb_build_object('action', b.action, 'cause', b.cause, 'entity', b.entity, 'moved', b.moved));
end
$$;

-- A job that ends before its end, whatever ended it, is taken back if it did anything; its set is held until then.
create or replace function app.tg_job_bulk() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    update app.bulk b set stopped = true where b.org_id = new.org_id and b.id = new.id and b.next_n > 1;
    if not found then
        delete from app.bulk_item i where i.org_id = new.org_id and i.bulk_id = new.id;
    end if;
    return null;
end
$$;
alter function app.tg_job_bulk owner to holdfast_owner;
create or replace trigger _100_bulk after update of status on app.job
    for each row when (new.program = 'bulk' and old.status in ('queued', 'running') and new.status in ('cancelled', 'failed'))
    execute function app.tg_job_bulk();

-- Ends a job, or takes a wish that waits back: by whoever asked for it, or has authority over him. Returns false where it had ended already.
create or replace function app.bulk_cancel(bulk uuid) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    b app.bulk;
begin
    select * into strict b from app.bulk t where t.org_id = app.org() and t.id = bulk for no key update;
    if not app.has_authority(b.staff_id) then
        perform app.refuse(403, 'forbidden', 'Whoever asked for this, or somebody above him, cancels it.');
    end if;
    if b.status = 'pending' then
        update app.bulk t set status = 'withdrawn', decided_at = app.now() where t.org_id = b.org_id and t.id = b.id;
        delete from app.bulk_item i where i.org_id = b.org_id and i.bulk_id = b.id;
        return true;
    end if;
    update app.job j set status = 'cancelled', why = 'asked', finished_at = app.clock()
    where j.org_id = b.org_id and j.id = b.id and j.status in ('queued', 'running');
    return found;
end
$$;
alter function app.bulk_cancel owner to holdfast_owner;

-- Enters as whoever asked for a wish that waits and the caller has just approved, with his present rights. Returns whether he may still act.
create or replace function app.bulk_enter(bulk uuid) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    b app.bulk;
begin
    select * into strict b from app.bulk t where t.org_id = app.org() and t.id = bulk and t.status = 'pending' and exists (select from app.bulk_decision d
        where d.org_id = t.org_id and d.bulk_id = t.id and d.staff_id = app.me() and d.decision = 'approve');
    return app.act_as(b.org_id, b.staff_id, 'bulk.create', b.cause, b.session_id, b.request_id);
end
$$;
alter function app.bulk_enter owner to holdfast_owner;

-- Takes a job that stopped, to take back what it did: in the name of whoever asked, who may have left, been frozen or lost the right meanwhile. So
-- it is done by the right of an admin, of nothing but what the job itself changed and is still as it left it. Its id, or null.
create or replace function app.bulk_stopped_enter() returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    b app.bulk;
    o app.settings;
begin
    select * into b from app.bulk t where t.stopped and coalesce(t.retry_at, '-infinity') <= app.clock() order by random() limit 1 for update skip locked;
    if not found then
        return null;
    end if;
    select * into strict o from app.settings t where t.org_id = b.org_id;
    perform app.context(b.org_id, b.staff_id, 'admin', b.session_id, b.request_id, 'bulk.cancel', 'restore', null, null, o.visibility, o.contact_masking, null, o.classification);
    return b.id;
end
$$;
alter function app.bulk_stopped_enter owner to holdfast_owner;

-- Forgets plans that nobody asked for, and ends what nobody decided about.
create or replace function app.bulk_expire() returns void
language sql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
    delete from app.bulk b where b.status = 'planned' and b.expires_at <= app.now();
    with over as (update app.bulk b set status = 'expired' where b.status = 'pending' and b.expires_at <= app.now() returning b.org_id, b.id)
    delete from app.bulk_item i using over o where i.org_id = o.org_id and i.bulk_id = o.id;
$$;
alter function app.bulk_expire owner to holdfast_owner;
