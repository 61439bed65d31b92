-- staff.sql: the tree of people is kept as a closure table, the directory beside it.

-- Keeps app.staff_tree and app.login true. Refuses a cycle.
create or replace function app.tg_staff_tree() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        insert into app.staff_tree (org_id, above_id, below_id, distance) values (new.org_id, new.id, new.id, 0);
    elsif new.manager_id is not distinct from old.manager_id then
        return null;
    else
        if exists (select from app.staff_tree t
            where t.org_id = new.org_id and t.above_id = new.id and t.below_id = new.manager_id) then
            perform app.refuse_member(422, 'invalid_value', '/manager_id', 'cycle', 'Nobody can be above himself.');
        end if;
        -- Everything at and below the person leaves everybody above him.
        delete from app.staff_tree t using app.staff_tree a, app.staff_tree b
        where a.org_id = new.org_id and a.below_id = new.id and a.distance > 0
          and b.org_id = new.org_id and b.above_id = new.id
          and t.org_id = new.org_id and t.above_id = a.above_id and t.below_id = b.below_id;
    end if;
    insert into app.staff_tree (org_id, above_id, below_id, distance)
    select new.org_id, a.above_id, b.below_id, a.distance + b.distance + 1
    from app.staff_tree a, app.staff_tree b
    where a.org_id = new.org_id and a.below_id = new.manager_id and b.org_id = new.org_id and b.above_id = new.id;
    return null;
end
$$;
alter function app.tg_staff_tree owner to holdfast_owner;

create or replace function app.tg_staff_login() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    insert into app.login (email, org_id, staff_id) values (new.email, new.org_id, new.id)
    on conflict (org_id, staff_id) do update set email = excluded.email;
    return null;
end
$$;
alter function app.tg_staff_login owner to holdfast_owner;

create or replace trigger _200_tree after insert or update of manager_id on app.staff
    for each row execute function app.tg_staff_tree();
create or replace trigger _210_login after insert or update of email on app.staff
    for each row execute function app.tg_staff_login();
