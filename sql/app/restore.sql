-- restore.sql: taking changes back without overwriting what others did later.
--
-- A scope selects history rows. For each field they touched, the value to be taken back ("undone") is what the
-- last of them wrote, and the value that comes back ("target") is what stood before the run of them that ends
-- there: a colleague's edit in between is where the run begins. The field comes back only while its
-- current value is still the undone one; the rest are conflicts.

-- The condition over history h that a scope means; $1 is the scope.
create or replace function app.scope_sql(scope jsonb) returns text
language sql immutable as $$
    select case
        when scope ? 'change' then 'h.id = ($1->>''change'')::uuid'
        when scope ? 'operation' then 'h.operation_id = ($1->>''operation'')::uuid'
        when scope ? 'actor' then 'h.actor_id = ($1->>''actor'')::uuid and h.id >= app.uuid7_floor(($1->>''from'')::timestamptz)'
            ' and h.id < app.uuid7_floor(($1->>''to'')::timestamptz)'
            || case when scope ? 'entities' then ' and h.entity = any(app.entities($1->''entities''))' else '' end
        else 'h.record_id = ($1->>''id'')::uuid and h.entity = any(app.entities(jsonb_build_array($1->''entity'')))'
            ' and h.at > ($1->>''as_of'')::timestamptz'
            || case when scope ? 'field' then ' and h.field = $1->>''field''' else '' end
        end
$$;

-- A restore of the caller's own operation reaches what that moved out of his view: while this is set, the policies of
-- app.customer count it as his. Null ends it; the end of the transaction does too.
create or replace function app.regain(scope jsonb) returns void
language sql volatile as $$ select set_config('app.regain', coalesce(scope::text, ''), true) $$;

-- The customers whose stage or owner the caller himself changed within the scope of the restore in hand, a week ago at most; null
-- outside of one.
create or replace function app.regained() returns uuid[]
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    scope   jsonb := nullif(current_setting('app.regain', true), '')::jsonb;
    records uuid[];
begin
    if scope is null or app.role() not in ('rep', 'manager') then
        return null;
    end if;
    execute format('select array_agg(distinct h.record_id) from app.history h where h.org_id = $2 and h.actor_id = $3 '
        'and h.entity = ''customers'' and h.field in (''owner_id'', ''stage'') and h.at > $4 and %s', app.scope_sql(scope))
    into records using scope, app.org(), app.me(), app.now() - interval '7 days';
    return records;
end
$$;
alter function app.regained owner to holdfast_owner;

-- Customers that are open to the caller though they are not his: whose glass he broke, and what a restore of his reaches.
create or replace function app.opened() returns uuid[]
language sql stable as $$
    select array(select b.customer_id from app.break_glass b
        where b.org_id = app.org() and b.staff_id = app.me() and b.expires_at > app.now()) || app.regained()
$$;

-- How many fields a scope touched in the whole org, seen by the caller or not.
create or replace function app.scope_fields(scope jsonb) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    n bigint;
begin
    execute format('select count(*) from (select distinct h.record_id, h.field from app.history h where h.org_id = $2 and %s) f',
        app.scope_sql(scope)) into n using scope, app.org();
    return n;
end
$$;
alter function app.scope_fields owner to holdfast_owner;

-- The plan for some records of one entity: a row for each field that the scope changed. By windows, not by joins of the
-- chain with itself: what it holds was often written a moment ago, and a planner that still believes in one row takes
-- nested loops (5,000 records: 15 s against 1.3). For the same reason the chain is looked up record by record, and the
-- first and last record are said, which any index with the record takes as its bounds.
create or replace function app.restore_plan(scope jsonb, entity text, records uuid[]) returns app.restore_field[]
language plpgsql volatile as $$
declare
    e      app.entity;
    sorted uuid[] := array(select r from unnest(records) r order by r);
    first  uuid := sorted[1];
    last   uuid := sorted[cardinality(sorted)];
    since  uuid;
    plan   app.restore_field[];
    gone   uuid[] := app.gone(records);
begin
    select * into e from app.entity t where t.name = restore_plan.entity;
    execute format('select h.id from app.history h where h.org_id = $2 and h.record_id between $4 and $5 and h.record_id = any($3) and %s '
        'order by h.id limit 1', app.scope_sql(scope)) into since using scope, app.org(), sorted, first, last;
    execute format($q$
        with chain as (
            select h.* from unnest($3) r(id) cross join lateral (
                select h.record_id, h.id, coalesce(h.field, '') as field, h.old, h.new, h.via, h.actor_id, coalesce(%1$s, false) as mine
                from app.history h
                where h.org_id = $2 and h.record_id = r.id and h.entity = $4 and h.id >= $5 offset 0) h),
        -- others: how many foreign changes of the field came behind this one. worked: whether anybody else changed anything
        -- of the record; taking something back is no work, as long as it does not show (doc, below). touched: whether somebody
        -- other than the caller did anything at all.
        marked as (
            select c.*, count(*) filter (where not c.mine) over (partition by c.record_id, c.field order by c.id desc) as others,
                bool_or(not c.mine and c.via <> 'restore') over (partition by c.record_id) as worked,
                bool_or(not c.mine and c.actor_id is distinct from $7) over (partition by c.record_id) as touched
            from chain c),
        -- The last change of each field in the scope, and the value before the run that it ends.
        run as (
            select distinct on (m.record_id, m.field) m.record_id, m.field, m.worked, m.touched, m.new as undone,
                last_value(m.old) over (partition by m.record_id, m.field, m.others order by m.id desc
                    rows between current row and unbounded following) as target,
                bool_or(m.field = '') over (partition by m.record_id) as born
            from marked m where m.mine order by m.record_id, m.field, m.id desc),
        plan as (
            select r.record_id, r.field, r.undone, r.target, false as born, r.worked, r.touched, null::jsonb as doc
            from run r where not r.born
            union all
            -- A creation is taken back by archiving, unless somebody else worked on the record since. doc is what
            -- the scope had made of it; a column added since is null there and absent here.
            select r.record_id, 'archived_at', 'null'::jsonb, app.time_json(app.now()), true, r.worked, r.touched,
                (jsonb_agg(r.undone) filter (where r.field = ''))->0
                || coalesce(jsonb_object_agg(r.field, r.undone) filter (where r.field <> ''), '{}')
            from run r where r.born group by r.record_id, r.worked, r.touched)
        select array_agg(row($4, p.record_id, p.field, nullif(p.undone, 'null'), p.target, v.current,
            case
                when p.born and not %4$s then 'permanent'
                -- What he moved away comes back to him only while nobody has touched it since, and nothing of it is archived.
                when p.record_id = any($6) and (p.born or p.touched) then 'changed_since'
                when p.worked and p.born then 'changed_since'
                when (p.born and jsonb_strip_nulls(app.%3$s_record(c)) is distinct from jsonb_strip_nulls(p.doc)) then 'changed_since'
                when v.current is not distinct from p.target then 'restored_already'
                when v.current is distinct from nullif(p.undone, 'null') then 'changed_since'
                when p.field = 'owner_id' and not app.may_own(p.target #>> '{}') then 'owner_unfit'
                when p.field = 'stage' and not exists (select from app.stage s
                    where s.org_id = $2 and s.id = p.target #>> '{}') then 'stage_gone'
                -- A rep hands nothing over by a restore.
                when p.field = 'stage' and app.role() = 'rep' and not exists (select from app.stage s
                    where s.org_id = $2 and s.id = p.target #>> '{}' and s.segment_id = any(app.segments())) then 'owner_unfit'
                when $4 = 'funnel' and p.field = 'segments' and app.funnel_in_use($2, p.target) is not null then 'in_use'
            end)::app.restore_field)
        from plan p
        join %2$s c on c.org_id = $2 and c.id = p.record_id
        cross join lateral (select app.%3$s_field(c, p.field) as current) v
        where nullif(p.undone, 'null') is distinct from p.target and not (p.born and v.current is not null)
        $q$, app.scope_sql(scope), e.relation, e.singular, (exists (select from app.tracked(e.relation::regclass) t where t.name = 'archived_at'))::text)
    into plan using scope, app.org(), sorted, e.name, since, gone, app.me();
    return case when cardinality(gone) > 0 then app.returned(plan, gone) else coalesce(plan, '{}') end;
end
$$;

-- The plan, of which each of the customers that the caller does not write now comes back whole and to be his again, or stays.
create or replace function app.returned(plan app.restore_field[], gone uuid[]) returns app.restore_field[]
language plpgsql volatile as $$
declare
    stay uuid[];
begin
    stay := array(
        select c.id
        from app.customer c
        left join lateral (select max(p.target #>> '{}') filter (where p.field = 'owner_id') as owner_id,
                max(p.target #>> '{}') filter (where p.field = 'stage') as stage, bool_or(p.why is not null) as stuck
            from unnest(plan) p where p.record_id = c.id) t on true
        left join app.stage s on s.org_id = c.org_id and s.id = coalesce(t.stage, c.stage)
        where c.org_id = app.org() and c.id = any(gone)
          and (t.stuck or not coalesce(app.has_authority(coalesce(t.owner_id::uuid, c.owner_id)), false)
            or (app.role() = 'rep' and s.segment_id <> all(app.segments()))));
    return array(select row(p.entity, p.record_id, p.field, p.undone, p.target, p.current,
            case when p.record_id = any(stay) then coalesce(p.why, 'owner_unfit') else p.why end)::app.restore_field
        from unnest(plan) p);
end
$$;

-- Those of the customers that the caller writes only through app.regained, whatever he may read. They are locked.
create or replace function app.gone(records uuid[]) returns uuid[]
language plpgsql volatile as $$
declare
    gone  uuid[] := app.regained();
    scope text := current_setting('app.regain', true);
    seen  uuid[];
begin
    if gone is null then
        return null;
    end if;
    perform app.regain(null);
    seen := array(select c.id from app.customer c where c.org_id = app.org() and c.id = any(records) order by c.id for no key update);
    perform app.regain(scope::jsonb);
    return array(select g from unnest(gone) g where g = any(records) except select unnest(seen));
end
$$;

-- Whether the caller may give a record back to this owner (null: to nobody).
create or replace function app.may_own(owner text) returns boolean
language sql stable as $$
    select case when owner is null then app.role() = 'admin'
        else app.has_authority(owner::uuid) and exists (select from app.staff s
            where s.org_id = app.org() and s.id = owner::uuid and s.status <> 'inactive') end
$$;

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

-- The same; of people, settings and funnel, which have rules of their own, record by record: what a rule refuses is a conflict and
-- holds nothing else up. Returns the plan as it was carried out.
create or replace function app.restore_write_fit(entity text, plan app.restore_field[]) returns app.restore_field[]
language plpgsql volatile as $$
declare
    one     uuid;
    carried app.restore_field[] := '{}';
    part    app.restore_field[];
begin
    if (select e.customer_column is not null from app.entity e where e.name = restore_write_fit.entity) then
        perform app.restore_write(entity, plan);
        return plan;
    end if;
    for one in select distinct p.record_id from unnest(plan) p order by 1 loop
        part := array(select p from unnest(plan) p where p.record_id = one);
        begin
            perform app.restore_write(entity, part);
        exception when sqlstate 'PT409' or sqlstate 'PT422' then
            part := array(select row(p.entity, p.record_id, p.field, p.undone, p.target, p.current, coalesce(p.why, 'unfit'))::app.restore_field
                from unnest(part) p);
        end;
        carried := carried || part;
    end loop;
    return carried;
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
        -- Locked first, in order: the plan must see the values that it overwrites.
        execute format('select from %s c where c.org_id = $1 and c.id = any($2) order by c.id for no key update',
            (select t.relation from app.entity t where t.name = i.entity)) using app.org(), i.records;
        plan := app.restore_plan(r.scope, i.entity, i.records);
        plan := app.restore_write_fit(i.entity, plan);
        insert into app.restore_conflict (org_id, restore_id, entity, record_id, field, undone, current, target, why)
        select app.org(), r.id, p.entity, p.record_id, p.field, p.undone, p.current, p.target, p.why
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
