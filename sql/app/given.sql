-- given.sql: how many customers a person gives away alone: by whatever call, and by whatever account of his.

-- Has whoever gives away customers by wishes and batches do so one after the other, whatever account he does it by: what each gave
-- away is counted before the next is judged.
create or replace function app.given_turn(org int, who uuid) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('given ' || s.person_id, 0)) from app.staff s where s.org_id = org and s.id = who;
end
$$;
alter function app.given_turn owner to holdfast_owner;

-- How many the person of this account gave away within a day without a second one: by wishes that began, this one aside, done or still to be, and as history has it by
-- every other call. What was taken back is not given away.
create or replace function app.given_alone(org int, who uuid, bulk uuid default null) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    since timestamptz := app.now() - interval '24 hours';
begin
    return (select coalesce(sum(b.n + h.n), 0) from app.staff w
        join app.staff s on s.org_id = w.org_id and s.person_id = w.person_id
        cross join lateral (select coalesce(sum(t.moved), 0) as n from app.bulk t
            where t.org_id = s.org_id and t.staff_id = s.id and t.id is distinct from bulk and t.status = 'begun' and t.approved_by is null and t.decided_at > since) b
        cross join lateral (select count(*) as n from app.history h
            where h.org_id = s.org_id and h.actor_id = s.id and h.field = 'owner_id' and h.id >= app.uuid7_floor(since) and h.entity = 'customers' and h.via <> 'restore'
              and not exists (select from app.bulk t where t.org_id = h.org_id and t.operation_id = h.operation_id)) h
        where w.org_id = org and w.id = who);
end
$$;
alter function app.given_alone owner to holdfast_owner;

-- Whether so many customers are too many to give away alone: more than one person may at once, or four times as many with what he gave away within a day.
create or replace function app.given_too_many(n bigint, org int, who uuid, bulk uuid default null) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    most bigint := app.approval_above(org);
begin
    return n > most or n > 0 and 4 * most < n + app.given_alone(org, who, bulk);
end
$$;
alter function app.given_too_many owner to holdfast_owner;

-- Refuses to take back an operation that gave away more customers than one person may alone: to give them back is to give away as many. It is free for
-- whoever may decide about it, and for a week for the one who did it. What an operator did by SQL is taken back by anybody who may.
create or replace function app.given_back(scope jsonb) returns void
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    alone boolean;
begin
    if not scope ?| '{operation,actor}' then
        return;
    end if;
    execute format($q$
        select exists (select from (select distinct h.operation_id from app.history h where h.org_id = $2 and h.entity = 'customers' and h.field = 'owner_id' and %s) t
            join app.operation o on o.org_id = $2 and o.id = t.operation_id and o.actor_id is not null
            where not (app.same_person(o.actor_id) and o.at > app.now() - interval '7 days') and app.me() not in (select app.export_deciders(o.actor_id))
              and app.approval_above($2) < (select count(*) from app.history h
                where h.org_id = $2 and h.operation_id = o.id and h.entity = 'customers' and h.field = 'owner_id'))
        $q$, app.scope_sql(scope)) into alone using scope, app.org();
    if alone then
        perform app.refuse(409, 'needs_approval', 'This gave away so many customers that somebody who may decide about it takes it back, or within a week whoever did it.');
    end if;
end
$$;
alter function app.given_back owner to holdfast_owner;
