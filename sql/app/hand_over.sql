-- hand_over.sql: a customer goes to the people of another segment.

-- Who can get a customer that comes into a segment: the active people who work in it, from the nearest team around the one who has it
-- now (his manager's people, else those of the manager above, else anybody), never he himself. handed_at is when somebody's last turn was.
create or replace function app.successors(segment text, from_ uuid) returns table (staff_id uuid, handed_at timestamptz)
language sql stable as $$
    select k.staff_id, k.handed_at
    from (select g.staff_id, g.handed_at, team.distance, min(team.distance) over () as nearest
        from app.staff_segment g
        join app.staff s on s.org_id = g.org_id and s.id = g.staff_id and s.status = 'active' and s.role <> 'auditor'
        left join lateral (
            select a.distance from app.staff_tree a join app.staff_tree b on b.org_id = a.org_id and b.above_id = a.above_id
            where a.org_id = g.org_id and a.below_id = from_ and b.below_id = g.staff_id
            order by a.distance limit 1) team on true
        where g.org_id = app.org() and g.segment_id = successors.segment and g.staff_id is distinct from from_) k
    where k.distance is not distinct from k.nearest
$$;

-- How many customers somebody has in a segment, whoever may see them.
create or replace function app.load_of(segment text, staff_id uuid) returns bigint
language sql stable as $$
    select count(*) from app.customer c
    where c.org_id = app.org() and c.owner_id = load_of.staff_id and c.segment = load_of.segment and c.archived_at is null
$$;

-- Who of them gets it by the segment's rule. round_robin: whose last turn is longest ago; least_loaded: who has the fewest there. Null:
-- nobody can have it.
create or replace function app.successor(segment text, rule text, from_ uuid) returns uuid
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return (select k.staff_id from app.successors(segment, from_) k
        order by case when rule = 'least_loaded' then app.load_of(segment, k.staff_id) end, k.handed_at nulls first, k.staff_id limit 1);
end
$$;
alter function app.successor owner to holdfast_mover;

-- Gives a customer, which the caller has locked as the policies let him, another stage and another owner, and takes it out of
-- his view where that follows. Whoever it comes to has had his turn; whoever keeps it has not.
create or replace function app.hand_over(id uuid, stage text, owner_id uuid) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    was uuid := (select c.owner_id from app.customer c where c.org_id = app.org() and c.id = hand_over.id);
begin
    update app.customer c set stage = hand_over.stage, owner_id = hand_over.owner_id
    where c.org_id = app.org() and c.id = hand_over.id;
    update app.staff_segment g set handed_at = app.clock()
    from app.stage s
    where s.org_id = app.org() and s.id = hand_over.stage
      and g.org_id = app.org() and g.staff_id = hand_over.owner_id and g.segment_id = s.segment_id
      and hand_over.owner_id is distinct from was;
end
$$;
alter function app.hand_over owner to holdfast_mover;

-- Where a customer stood, and whose it was, behind an operation that a key of the caller's names (app.retry), as its history
-- has it: what the operation left alone too. Nulls for anybody else's.
create or replace function app.moved_by(operation uuid, record uuid, out stage text, out owner_id uuid)
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    select max(w.value) filter (where w.field = 'stage'), max(w.value) filter (where w.field = 'owner_id') into stage, owner_id
    from (select distinct on (f.field) f.field, case when h.field is null then h.new->>f.field else h.new #>> '{}' end as value
        from app.history h, (values ('stage'), ('owner_id')) f(field)
        where h.org_id = app.org() and h.record_id = record and h.entity = 'customers' and coalesce(h.field, f.field) = f.field
          and (h.id < operation or h.operation_id = operation)
          and exists (select from app.retry r where r.org_id = app.org() and r.staff_id = app.me() and r.result = operation)
        order by f.field, h.id desc) w;
end
$$;
alter function app.moved_by owner to holdfast_owner;
