-- restore_write.sql: carries out what app.restore_plan says, a piece at a time.

-- Writes what a plan brings back. Returns the number of records changed.
create or replace function app.restore_write(entity text, plan app.restore_field[]) returns bigint
language plpgsql volatile as $$
declare
    relation regclass := (select e.relation from app.entity e where e.name = restore_write.entity);
    fields   text[];
    expected bigint;
    n        bigint;
begin
    select array_agg(distinct p.field), count(distinct p.record_id) into fields, expected from unnest(plan) p where p.why is null;
    if expected = 0 then
        return 0;
    end if;
    execute format($q$
        update %s c set %s
        from (select p.record_id, jsonb_object_agg(p.field, p.target) patch from unnest($1) p where p.why is null
            group by p.record_id order by p.record_id) p
        where c.org_id = $2 and c.id = p.record_id
        $q$, relation,
        (select string_agg(format('%1$I = case when p.patch ? %1$L then %2$s else c.%1$I end', t.name, format(t.from_json, 'p.patch')), ', ')
            from app.tracked(relation) t where t.name = any(fields)))
    using plan, app.org();
    get diagnostics n = row_count;
    if n <> expected then
        raise exception 'restore: % of % records could be written', n, expected using errcode = '42501';
    end if;
    return n;
end
$$;

-- The same; where a rule refuses something, and of people, settings and funnel, which have rules of their own, record by record: what is
-- refused is a conflict and holds nothing else up. Returns the plan as it was carried out.
create or replace function app.restore_write_fit(entity text, plan app.restore_field[]) returns app.restore_field[]
language plpgsql volatile as $$
declare
    one     uuid;
    carried app.restore_field[] := '{}';
    part    app.restore_field[];
begin
    if (select e.customer_column is not null from app.entity e where e.name = restore_write_fit.entity) then
        begin
            perform app.restore_write(entity, plan);
            return plan;
        exception when sqlstate 'PT409' or sqlstate 'PT422' then
            null;
        end;
    end if;
    for one in select distinct p.record_id from unnest(plan) p order by 1 loop
        part := array(select p from unnest(plan) p where p.record_id = one);
        begin
            perform app.restore_write(entity, part);
        exception when sqlstate 'PT409' or sqlstate 'PT422' then
            part := array(select row(p.entity, p.record_id, p.field, p.undone, p.target, p.current, coalesce(p.why, 'unfit'), p.customer_id)::app.restore_field
                from unnest(part) p);
        end;
        carried := carried || part;
    end loop;
    return carried;
end
$$;

-- Locks records in order, behind the customers that they belong to, as whoever changes one does.
create or replace function app.restore_lock(entity text, records uuid[]) returns void
language plpgsql volatile as $$
declare
    e app.entity;
begin
    select * into e from app.entity t where t.name = restore_lock.entity;
    if e.customer_column <> 'id' then
        execute format('select from app.customer c where c.org_id = $1 and c.id in (select k.%I from %s k where k.org_id = $1 and k.id = any($2)) '
            'order by c.id for no key update', e.customer_column, e.relation) using app.org(), records;
    end if;
    execute format('select from %s c where c.org_id = $1 and c.id = any($2) order by c.id for no key update', e.relation) using app.org(), records;
end
$$;

-- Does the next piece of a restore, under its one operation. Returns whether it is finished.
create or replace function app.restore_chunk(restore uuid) returns boolean
language plpgsql volatile as $$
declare
    r     app.restore;
    i     app.restore_item;
    plan  app.restore_field[];
    left_ bigint;
    ended boolean;
begin
    select * into r from app.restore t where t.org_id = app.org() and t.id = restore_chunk.restore;
    perform app.operation_continue(r.operation_id), app.operation_because(r.reason, r.undoes, 'restore');
    select * into i from app.restore_item t where t.org_id = app.org() and t.restore_id = r.id order by t.n limit 1;
    if found then
        perform app.restore_lock(i.entity, i.records);   -- the plan must see the values that it overwrites
        plan := app.restore_plan(r.scope, i.entity, i.records);
        plan := app.restore_write_fit(i.entity, plan);
        insert into app.restore_conflict (org_id, restore_id, entity, record_id, customer_id, field, undone, current, target, why)
        select app.org(), r.id, p.entity, p.record_id, p.customer_id, p.field, p.undone, p.current, p.target, p.why
        from unnest(plan) p where p.why is not null;
        get diagnostics left_ = row_count;
        update app.restore t set
            restored = t.restored + cardinality(plan) - left_, conflict_count = t.conflict_count + left_
        where t.org_id = app.org() and t.id = r.id;
        delete from app.restore_item t where t.org_id = app.org() and t.restore_id = r.id and t.n = i.n;
    end if;
    ended := not exists (select from app.restore_item t where t.org_id = app.org() and t.restore_id = r.id);
    update app.job j set done = j.done + coalesce(cardinality(i.records), 0), status = case when ended then 'done' else 'running' end,
        started_at = coalesce(j.started_at, app.clock()), finished_at = case when ended then app.clock() end
    where j.org_id = app.org() and j.id = r.id;
    return ended;
end
$$;
