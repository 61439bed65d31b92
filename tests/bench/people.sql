-- people.sql: more people for the org demo: crowd, a manager with 500 reps below her of 2,000 that there are, and tower, who has
-- 10,000 below him in five layers. Both have the demo's password.
begin;
create function pg_temp.hire(name text, role text, manager uuid, first int, last int) returns void language sql as $$
    insert into app.staff (org_id, id, person_id, name, email, role, manager_id, segments, status, created_at, updated_at)
    select l.org_id, i.id, i.id, initcap(name) || ' ' || i.n, name || case when i.n > 0 then '-' || i.n else '' end || '@demo.test', role, manager,
        case role when 'rep' then array[(array['prospecting', 'negotiation', 'closing'])[1 + i.n % 3]] else '{}' end, 'active', now(), now()
    from app.login l, (select app.uuid7() as id, n from generate_series(first, last) n) i where l.email = 'ada@demo.test'
$$;
create function pg_temp.id(name text) returns uuid language sql as $$ select staff_id from app.login where email = name || '@demo.test' $$;
select pg_temp.hire('crowd', 'manager', null, 0, 0);
select pg_temp.hire('crowd', 'rep', pg_temp.id('crowd'), 1, 500), pg_temp.hire('crowd', 'rep', null, 501, 2000);
select pg_temp.hire('tower', 'manager', null, 0, 0), pg_temp.hire('lead', 'manager', pg_temp.id('tower'), 1, 10);
select pg_temp.hire('lead', 'manager', pg_temp.id('lead-1'), 11, 20);
select count(pg_temp.hire('team', 'manager', pg_temp.id('lead-' || n), n * 20, n * 20 + 19)) from generate_series(1, 20) n;
select count(pg_temp.hire('floor', 'rep', pg_temp.id('team-' || n), n * 24, n * 24 + 23)) from generate_series(20, 419) n;
insert into app.credential (org_id, staff_id, password_hash, changed_at)
select c.org_id, m.id, c.password_hash, now() from app.credential c, (values (pg_temp.id('crowd')), (pg_temp.id('tower'))) m(id)
where c.staff_id = pg_temp.id('ada');
commit;
vacuum (analyze) app.staff, app.staff_tree, app.staff_segment;
