-- bulk.sql: many records changed by one wish, in pieces, by one operation, whole or not at all.
--
-- A wish is planned (app.bulk_plan), asked for in earnest (app.bulk_ask), where it gives away many customers approved by a second person,
-- and then a job of the program bulk. Whatever ends that before its end has it taken back. The law of it is in triggers.

-- What holds for an org: above how many customers given away a second person has to approve, and in how many days whoever gets one is to introduce
-- himself.
create or replace function app.bulk_settings(bulk jsonb) returns jsonb
language sql immutable parallel safe as $$ select '{"approval_above": 50, "introduction_days": 3}'::jsonb || jsonb_strip_nulls(coalesce(bulk, '{}')) $$;

-- Above how many customers given away an org wants a second person: the lowest number of the last 72 hours, lest somebody puts it up for a wish
-- of his own. What an operator sets by SQL holds at once.
create or replace function app.approval_above(org int) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return (select min((app.bulk_settings(w.bulk)->>'approval_above')::bigint)
        from app.settings o
        cross join lateral (select o.bulk union all select nullif(h.old, 'null') from app.history h
            where h.org_id = o.org_id and h.record_id = o.id and h.field = 'bulk' and h.actor_id is not null and h.id >= app.uuid7_floor(app.now() - app.export_seasoning())) w
        where o.org_id = org);
end
$$;
alter function app.approval_above owner to holdfast_owner;

-- Whether a wish needs a second person: it gives away more customers than one person may alone.
create or replace function app.bulk_needs_approval(b app.bulk) returns boolean
language sql stable as $$ select app.given_too_many(b.moved, b.org_id, b.staff_id, b.id) $$;

-- The ways that a wish goes: planned to pending or begun, pending to begun, rejected, expired or withdrawn; no other. What was planned stays as
-- it was planned. One that needs a second person does not begin without: somebody who may decide about it and said so, or who approved
-- what it comes from by another cause.
create or replace function app.tg_bulk() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    if (new.operation_id, new.staff_id, new.cause, new.action, new.entity, new.wish, new.introduce, new.total, new.moved, new.affected)
        is distinct from (old.operation_id, old.staff_id, old.cause, old.action, old.entity, old.wish, old.introduce, old.total, old.moved, old.affected)
        or old.status <> 'planned' and (new.reason, new.session_id, new.request_id) is distinct from (old.reason, old.session_id, old.request_id)
        or old.status = 'begun' and new.approved_by is distinct from old.approved_by then
        raise exception 'a wish is frozen when it is planned';
    end if;
    if new.stopped and not old.stopped and not exists (select from app.job j where j.org_id = new.org_id and j.id = new.id and j.status in ('cancelled', 'failed')) then
        raise exception 'a job stops before its wish does';
    end if;
    if new.status = old.status then
        return new;
    end if;
    if not (old.status = 'planned' and new.status in ('pending', 'begun')
        or old.status = 'pending' and new.status in ('begun', 'rejected', 'expired', 'withdrawn')) then
        raise exception 'a wish does not go from % to %', old.status, new.status;
    end if;
    if new.status = 'begun' and (old.status = 'pending' or new.approved_by is not null or app.bulk_needs_approval(new)) and not (
            new.approved_by in (select app.export_deciders(new.staff_id))
            and (new.cause <> 'bulk' or exists (select from app.bulk_decision d where d.org_id = new.org_id and d.bulk_id = new.id
                and d.staff_id = new.approved_by and d.decision = 'approve'))) is not false then
        raise exception 'a wish that gives away so many customers needs a second person who may decide about it';
    end if;
    return new;
end
$$;
alter function app.tg_bulk owner to holdfast_owner;
create or replace trigger _100_law before update on app.bulk for each row execute function app.tg_bulk();

-- Each decision: by whoever may decide, in his own name, on what waits for one.
create or replace function app.tg_bulk_decision() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    b app.bulk;
begin
    select * into strict b from app.bulk t where t.org_id = new.org_id and t.id = new.bulk_id for no key update;
    perform app.decides(new.staff_id, b.staff_id);
    if b.status <> 'pending' or b.expires_at <= app.now() then
        perform app.refuse(409, 'not_pending', 'This does not wait for a decision any more.');
    end if;
    return new;
end
$$;
alter function app.tg_bulk_decision owner to holdfast_owner;
create or replace trigger _100_law before insert on app.bulk_decision for each row execute function app.tg_bulk_decision();

-- The set of a wish.
create or replace function app.bulk_records(b app.bulk) returns uuid[]
language sql stable as $$ select array(select u.id from app.bulk_item i, unnest(i.records) u(id) where i.org_id = b.org_id and i.bulk_id = b.id) $$;

-- The customers whose records these are, whoever sees them.
create or replace function app.bulk_customers(entity text, records uuid[]) returns uuid[]
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp set enable_nestloop = off as $$
begin
    return case entity when 'deals' then array(select distinct d.customer_id from unnest(records) u(id) join app.deal d on d.org_id = app.org() and d.id = u.id)
        when 'activities' then array(select distinct a.customer_id from unnest(records) u(id) join app.activity a on a.org_id = app.org() and a.id = u.id)
        else records end;
end
$$;
alter function app.bulk_customers owner to holdfast_mover;

-- Another job that has records of this one in its set, or null; whoever sees it. What is done to a customer is done to what hangs from it.
create or replace function app.bulk_overlap(b app.bulk) returns uuid
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp set enable_nestloop = off as $$
declare
    mine uuid[] := app.bulk_records(b);
begin
    return (select o.id from app.bulk o cross join lateral (select app.bulk_records(o) as ids offset 0) r
        where o.org_id = b.org_id and o.id <> b.id and o.status = 'begun' and exists (select from app.bulk_item i where i.org_id = o.org_id and i.bulk_id = o.id)
          and case when o.entity = b.entity then exists (select from unnest(r.ids) t(id) join unnest(mine) m(id) on m.id = t.id)
            else 'customers' in (o.entity, b.entity) and exists (
                select from unnest(app.bulk_customers(o.entity, r.ids)) t(id) join unnest(app.bulk_customers(b.entity, mine)) m(id) on m.id = t.id) end
        limit 1);
end
$$;
alter function app.bulk_overlap owner to holdfast_owner;

-- Has the wishes of an org begin one after the other: none overlooks another's set.
create or replace function app.bulk_turn() returns void
language sql volatile as $$ select pg_advisory_xact_lock(hashtextextended('bulk ' || app.org(), 0)) $$;

-- Makes a planned or pending wish of the caller's a job: done here and now where it has up to 1,000 records, left to the job process otherwise.
-- 409 overlap while another job has some of them; its id is told to whoever sees it.
create or replace function app.bulk_start(bulk uuid, approved_by uuid default null) returns void
language plpgsql volatile as $$
declare
    b     app.bulk;
    other uuid;
begin
    perform app.bulk_turn();
    update app.bulk t set status = 'begun', decided_at = app.now(), approved_by = bulk_start.approved_by where t.org_id = app.org() and t.id = bulk returning * into strict b;
    other := app.bulk_overlap(b);
    if other is not null then
        perform app.refuse(409, 'overlap', 'Another job is changing some of these records. Wait until it has ended.',
            jsonb_strip_nulls(jsonb_build_object('job', (select t.id from app.bulk t where t.org_id = app.org() and t.id = other), 'retry_after', 5)));
    end if;
    insert into app.job (org_id, id, program, staff_id, session_id, request_id, status, total, created_at)
    values (b.org_id, b.id, 'bulk', b.staff_id, b.session_id, b.request_id, 'queued', b.total, app.now());
    if b.total <= 1000 then
        while not app.bulk_chunk(b.id) loop
        end loop;
    else
        -- The operation is this request's, though the job process makes the changes.
        perform app.operation_continue(b.operation_id), app.operation_because(b.reason, null, b.cause), app.operation_record(b.org_id, 0);
    end if;
end
$$;

-- Asks for a plan of the caller's in earnest: it begins, or waits for a second person where it needs one. approved_by is who approved it as part of what
-- it comes from by another cause. 409 where nobody may approve it.
create or replace function app.bulk_ask(bulk uuid, reason text, approved_by uuid default null) returns void
language plpgsql volatile as $$
declare
    b      app.bulk;
    people uuid[];
begin
    -- Judged when it is his turn: by then what he gave away before is counted.
    perform app.given_turn(app.org(), app.me()), app.bulk_turn();
    update app.bulk t set reason = bulk_ask.reason, session_id = app.session_id(), request_id = app.request_id()
    where t.org_id = app.org() and t.id = bulk returning * into strict b;
    if approved_by is not null or not app.bulk_needs_approval(b) then
        perform app.bulk_start(bulk, approved_by);
        return;
    end if;
    people := array(select app.export_deciders(app.me()));
    if people = '{}' then
        perform app.refuse(409, 'no_approvers', 'Nobody else may approve this.', '{"approvers": []}');
    end if;
    update app.bulk t set status = 'pending', expires_at = app.now() + app.export_patience() where t.org_id = b.org_id and t.id = b.id;
    perform app.event('bulk.ask', b.id, b.moved, jsonb_build_object('action', b.action, 'cause', b.cause));
    perform app.tell(p, 'bulk', null, 'A transfer waits for your decision: ' || b.moved || ' customers') from unnest(people) p;
    perform app.notify('bulk.asked', jsonb_build_object('bulk', b.id, 'staff', app.me(), 'action', b.action, 'moved', b.moved));
end
$$;

-- Begins a transfer of each of these customers to its heir, in the name of the caller, who has entered: what other parts give away, as a rotation
-- or a departure does. cause is what history calls it, approved_by the second person where one has approved what it comes from: he must be one who
-- may decide about the caller's (app.export_deciders). Whoever cannot be given stays and is counted in app.bulk.refused. 422 where nobody can. Over the
-- setting's number without approved_by it waits for approval; up to 1,000 are done when this returns, more by the job process.
-- Returns the id, under which /v1/bulk shows it.
create or replace function app.bulk_begin(customers uuid[], heirs uuid[], cause text, reason text, approved_by uuid default null) returns uuid
language plpgsql volatile as $$
declare
    made uuid := app.bulk_plan('customers', 'transfer', jsonb_build_object('customers', cardinality(customers)), customers, heirs, cause);
begin
    if (select b.total from app.bulk b where b.org_id = app.org() and b.id = made) = 0 then
        perform app.refuse(422, 'nothing_to_do', 'None of these customers can be given to whom they are meant for.');
    end if;
    perform app.bulk_ask(made, reason, approved_by);
    return made;
end
$$;
