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
language plpgsql stable as $$
begin
    return array(select b.customer_id from app.break_glass b
        where b.org_id = app.org() and b.staff_id = app.me() and b.expires_at > app.now()) || app.regained();
end
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

-- Whether anything that belongs to a customer was changed since a moment, not in the scope: by anybody who was not taking something
-- back or, with others, by anybody but the caller at all. Whoever may see it.
create or replace function app.worked_with(scope jsonb, customer uuid, since uuid, others boolean) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    worked boolean;
begin
    execute format('select exists (select from app.history h where h.org_id = $2 and h.customer_id = $3 and h.id >= $4 and h.entity <> ''customers'' '
        'and not coalesce(%s, false) and case when $5 then h.actor_id is distinct from $6 else h.via <> ''restore'' end)', app.scope_sql(scope))
    into worked using scope, app.org(), customer, since, others, app.me();
    return worked;
end
$$;
alter function app.worked_with owner to holdfast_owner;

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
            from run r where r.born group by r.record_id, r.worked, r.touched),
        -- Asked once of each owner, not of each customer, which the offset holds the planner to.
        fit as materialized (
            select array(select coalesce(o.owner, '') from (select distinct p.target #>> '{}' as owner from plan p where p.field = 'owner_id' offset 0) o
                where app.may_own(o.owner)) as owners)
        select array_agg(row($4, p.record_id, p.field, nullif(p.undone, 'null'), p.target, v.current,
            case
                when p.born and not %4$s then 'permanent'
                -- What he moved away comes back to him only while nobody has touched it since, and nothing of it is archived.
                when p.record_id = any($6) and (p.born or p.touched) then 'changed_since'
                when p.worked and p.born then 'changed_since'
                when (p.born and jsonb_strip_nulls(app.%3$s_record(c)) is distinct from jsonb_strip_nulls(p.doc)) then 'changed_since'
                when v.current is not distinct from p.target then 'restored_already'
                when v.current is distinct from nullif(p.undone, 'null') then 'changed_since'
                when p.field = 'owner_id' and coalesce(p.target #>> '{}', '') <> all((select f.owners from fit f)::text[]) then 'owner_unfit'
                when p.field = 'stage' and not exists (select from app.stage s
                    where s.org_id = $2 and s.id = p.target #>> '{}') then 'stage_gone'
                -- A rep hands nothing over by a restore.
                when $4 = 'customers' and p.field = 'stage' and app.role() = 'rep' and not exists (select from app.stage s
                    where s.org_id = $2 and s.id = p.target #>> '{}' and s.segment_id = any(app.segments())) then 'owner_unfit'
                when $4 = 'funnel' and p.field = 'segments' and app.funnel_in_use($2, p.target) is not null then 'in_use'
                %5$s
            end, %6$s)::app.restore_field)
        from plan p
        join %2$s c on c.org_id = $2 and c.id = p.record_id
        cross join lateral (select app.%3$s_field(c, p.field) as current) v
        where nullif(p.undone, 'null') is distinct from p.target and not (p.born and v.current is not null)
        $q$, app.scope_sql(scope), e.relation, e.singular, (exists (select from app.tracked(e.relation::regclass) t where t.name = 'archived_at'))::text,
        case e.name
        -- A customer with whom somebody has worked since stays where he is, as if he himself had been changed.
        when 'customers' then 'when (p.born or p.record_id = any($6)) and app.worked_with($1, p.record_id, $5, not p.born) then ''changed_since'''
        -- Whom somebody else made the primary contact meanwhile stays it.
        when 'contacts' then 'when p.field = ''is_primary'' and p.target = ''true'' and exists (select from app.contact k where k.org_id = $2 '
            'and k.customer_id = coalesce((select (q.target #>> ''{}'')::uuid from plan q where q.record_id = p.record_id and q.field = ''customer_id''), c.customer_id) '
            'and k.id <> c.id and k.is_primary and k.archived_at is null and not exists (select from plan q '
            'where q.record_id = k.id and q.field = ''is_primary'' and q.target = ''false'')) then ''changed_since'''
        when 'offers' then 'when app.offer_stuck(c, p.field, p.target, p.born) then ''sent''' else '' end
        -- What a merge moved goes back to whom the caller works with, and a merge is done again with one who is still there.
        || case when e.name = any(app.child_kinds()) then ' when p.field in (''customer_id'', ''is_primary'') and exists (select from plan q where q.record_id = p.record_id '
                'and q.field = ''customer_id'' and not app.may_settle((q.target #>> ''{}'')::uuid, c.customer_id)) then ''customer_unfit'''
                -- Nothing comes back to a customer who stays archived.
                ' when p.field = ''archived_at'' and nullif(p.target, ''null'') is null and exists (select from app.customer k where k.org_id = $2 '
                'and k.id = c.customer_id and k.archived_at is not null) and not exists (select from app.history h where h.org_id = $2 '
                'and h.record_id = c.customer_id and h.entity = ''customers'' and h.field = ''archived_at'' and ' || app.scope_sql(scope) || ') then ''customer_archived'''
            when e.name = 'customers' then ' when p.field in (''archived_at'', ''merged_into'') and exists (select from plan q where q.record_id = p.record_id '
                'and q.field = ''merged_into'' and not app.may_settle((q.target #>> ''{}'')::uuid, null)) then ''customer_unfit''' else '' end,
        coalesce('c.' || quote_ident(e.customer_column), 'null::uuid'))
    into plan using scope, app.org(), sorted, e.name, since, coalesce(gone, '{}'), app.me();    -- null or false would ask what is dear for each
    plan := case when cardinality(gone) > 0 then app.returned(plan, gone) else coalesce(plan, '{}') end;
    return case when e.name = 'customers' then app.moved_together(plan) else plan end;
end
$$;

-- The plan, of which the owner and the stage of a customer that were changed by one hand-over come back together or not at all: with the one alone he
-- would be in a segment where his owner does not work, and nobody would see him.
create or replace function app.moved_together(plan app.restore_field[]) returns app.restore_field[]
language plpgsql volatile as $$
declare
    apart uuid[] := array(select p.record_id from unnest(plan) p where p.field in ('owner_id', 'stage') group by 1
        having count(*) = 2 and count(*) filter (where p.why <> 'restored_already') = 1 and count(*) filter (where p.why is null) = 1);
begin
    if apart = '{}' then
        return plan;
    end if;
    return array(select row(p.entity, p.record_id, p.field, p.undone, p.target, p.current, case when p.why is null and p.field in ('owner_id', 'stage') and p.record_id = any(apart)
            then 'apart' else p.why end, p.customer_id)::app.restore_field
        from unnest(plan) p);
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
            case when p.record_id = any(stay) then coalesce(p.why, 'owner_unfit') else p.why end, p.customer_id)::app.restore_field
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
language plpgsql stable as $$
begin
    return case when owner is null then app.role() = 'admin'
        else app.has_authority(owner::uuid) and exists (select from app.staff s
            where s.org_id = app.org() and s.id = owner::uuid and s.status <> 'inactive' and s.role <> 'auditor') end;
end
$$;
