-- staff.sql: the rules about people; their tree is kept as a closure table, the directory and who works where beside it.

-- Waits until nobody else changes the people of an org, so that two changes together cannot make a cycle or remove the last
-- admins. Who waited asks again who he is: the one before him may have dismissed him.
create or replace function app.staff_turn(org int) returns void
language sql volatile as $$ select pg_advisory_xact_lock(hashtextextended('staff ' || org, 0)) $$;

-- The triggers that look up people and the tree keep one plan for all orgs, which takes an index. Planned for an org that the
-- statistics do not know yet and so believe empty, or while the tables are small, it would walk all of the org for each person
-- (1,100 people moved: 125 s against 0.1; 10,000 hired: 181 s against 6).

-- What must hold of a person, whoever writes it. 409 to leave the org without an admin who can log in and for an e-mail that is
-- somebody else's; 422 for unknown segments, for a manager who is none or has left, and for a person that nobody is.
create or replace function app.tg_staff_rules() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp
    set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
    was app.staff;   -- nulls for a new one
begin
    perform app.staff_turn(new.org_id);
    if tg_op = 'UPDATE' then
        was := old;
    end if;
    if tg_op = 'UPDATE' and was.role = 'admin' and was.status = 'active' and (new.role <> 'admin' or new.status <> 'active')
        and not exists (select from app.staff s where s.org_id = new.org_id and s.role = 'admin' and s.status = 'active' and s.id <> new.id) then
        perform app.refuse(409, 'last_admin', 'This is the last admin who can log in. Make another one first.');
    end if;
    if new.email is distinct from was.email and exists (select from app.login l
        where l.email = new.email and (l.org_id, l.staff_id) is distinct from (new.org_id, new.id)) then
        perform app.refuse_email();
    end if;
    new.segments := array(select u.g from unnest(new.segments) with ordinality u(g, n) group by u.g order by min(u.n));
    if new.segments is distinct from was.segments and exists (select from unnest(new.segments) g
        where not exists (select from app.segment e where e.org_id = new.org_id and e.id = g)) then
        perform app.refuse_member(422, 'invalid_value', '/segments', 'unknown', 'There is no such segment.');
    end if;
    if new.manager_id is distinct from was.manager_id and new.manager_id is not null and not exists (select from app.staff s
        where s.org_id = new.org_id and s.id = new.manager_id and s.status <> 'inactive' and s.role in ('manager', 'admin')) then
        perform app.refuse_member(422, 'invalid_value', '/manager_id', 'unfit', 'Above somebody is a manager or an admin who has not left.');
    end if;
    if new.person_id is distinct from was.person_id and new.person_id <> new.id and not exists (select from app.staff s
        where s.org_id = new.org_id and s.person_id = new.person_id and s.id <> new.id) then
        perform app.refuse_member(422, 'invalid_value', '/person_id', 'unknown', 'This is the person''s own id or the person_id of another account.');
    end if;
    return new;
end
$$;
alter function app.tg_staff_rules owner to holdfast_owner;

-- Says no word of where the e-mail is used: that may be another org.
create or replace function app.refuse_email() returns void
language sql volatile as $$
    select app.refuse_member(409, 'email_taken', '/email', 'taken', 'Somebody logs in with this e-mail already. Take another one.')
$$;

-- Keeps app.staff_segment true.
create or replace function app.tg_staff_segment() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    if tg_op = 'UPDATE' then
        delete from app.staff_segment g where g.org_id = new.org_id and g.staff_id = new.id and g.segment_id <> all(new.segments);
    end if;
    insert into app.staff_segment (org_id, staff_id, segment_id)
    select new.org_id, new.id, g from unnest(new.segments) g
    on conflict do nothing;
    return null;
end
$$;
alter function app.tg_staff_segment owner to holdfast_owner;

-- Keeps app.staff_tree true. Refuses a cycle.
create or replace function app.tg_staff_tree() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp
    set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
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

-- Keeps app.login true. An e-mail that somebody took between the look of tg_staff_rules and here is refused as there.
create or replace function app.tg_staff_login() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    insert into app.login (email, org_id, staff_id) values (new.email, new.org_id, new.id)
    on conflict (org_id, staff_id) do update set email = excluded.email;
    return null;
exception when unique_violation then
    perform app.refuse_email();
    return null;
end
$$;
alter function app.tg_staff_login owner to holdfast_owner;

-- Who leaves has no session and no invite from then on, and gets none of them back when he returns: one may have been opened
-- while he was being dismissed.
create or replace function app.tg_staff_leave() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    update app.session s set revoked_at = app.now(), revoked_why = 'deactivated'
    where s.org_id = new.org_id and s.staff_id = new.id and s.revoked_at is null;
    update app.invite i set used_at = app.now()
    where i.org_id = new.org_id and i.staff_id = new.id and i.used_at is null and new.status = 'inactive';
    return null;
end
$$;
alter function app.tg_staff_leave owner to holdfast_owner;

-- Whether a person of the caller's org ever set a password.
create or replace function app.has_password(staff_id uuid) returns boolean
language sql stable security definer set search_path = pg_catalog, app, pg_temp as $$
    select exists (select from app.credential c where c.org_id = app.org() and c.staff_id = has_password.staff_id)
$$;
alter function app.has_password owner to holdfast_owner;

-- A new invite for somebody of the caller's org who has not left, by an admin, who leaves an operation. 403 for anybody else,
-- though what calls it has looked already.
create or replace function app.invite_issue(staff_id uuid, out token text, out expires_at timestamptz)
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    if not exists (select from app.staff s where s.org_id = app.org() and s.id = app.me() and s.role = 'admin' and s.status = 'active')
        or not exists (select from app.staff s where s.org_id = app.org() and s.id = invite_issue.staff_id and s.status <> 'inactive') then
        perform app.refuse(403, 'forbidden', 'Only an admin invites people.');
    end if;
    token := app.invite_create(app.org(), staff_id);
    select i.expires_at into expires_at from app.invite i where i.org_id = app.org() and i.token_hash = app.secret_hash(token);
    -- For whom: a reset of somebody's password must not look like any other one.
    perform app.operation_because(format('For %s (%s).', s.name, s.id)) from app.staff s where s.org_id = app.org() and s.id = invite_issue.staff_id;
    perform app.operation_record(app.org(), 0);
end
$$;
alter function app.invite_issue owner to holdfast_owner;

create or replace trigger _100_rules before insert or update on app.staff
    for each row execute function app.tg_staff_rules();
create or replace trigger _150_touch before update on app.staff
    for each row when (old.* is distinct from new.*) execute function app.tg_touch();
create or replace trigger _200_tree after insert or update of manager_id on app.staff
    for each row execute function app.tg_staff_tree();
create or replace trigger _210_login after insert or update of email on app.staff
    for each row execute function app.tg_staff_login();
create or replace trigger _220_segments after insert or update of segments on app.staff
    for each row execute function app.tg_staff_segment();
create or replace trigger _230_leave after update of status on app.staff
    for each row when ((old.status = 'inactive') <> (new.status = 'inactive')) execute function app.tg_staff_leave();

do $$ begin perform app.track('app.staff', 'staff'); end $$;
