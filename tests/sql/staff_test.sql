-- staff_test.sql: the tree of people is what their managers say, however they move, and moving many takes no second.
begin;
select no_plan();
\ir people.sql
select test.other_org();

-- What the tree ought to be, from the managers alone.
create function test.tree(home int) returns table (above_id uuid, below_id uuid, distance int)
language sql stable as $$
    with recursive t(above_id, below_id, distance) as (
        select s.id, s.id, 0 from app.staff s where s.org_id = home
        union all
        select s.manager_id, t.below_id, t.distance + 1 from t join app.staff s on s.org_id = home and s.id = t.above_id where s.manager_id is not null)
    select * from t
$$;
create function test.tree_differs(home int) returns bigint
language sql stable as $$
    select count(*) from test.tree(home) t full join (select * from app.staff_tree where org_id = home) k
        on (k.above_id, k.below_id, k.distance) = (t.above_id, t.below_id, t.distance)
    where t.above_id is null or k.above_id is null
$$;
select is(test.tree_differs(org), 0::bigint, 'the tree of org ' || org) from (select distinct org from test.person where org is not null) o;

-- Ten thousand in an org that no statistics know, each with up to three below him.
create function test.at(n int) returns uuid language sql immutable as $$ select md5('person ' || n)::uuid $$;
select org as home from test.person where name = 'rob' \gset
insert into app.staff (org_id, id, person_id, name, email, role, manager_id, status, created_at, updated_at)
select :home, test.at(n), test.at(n), 'Person ' || n, n || '@many.test', 'manager', case when n > 1 then test.at((n + 1) / 3) end, 'active', app.now(), app.now()
from generate_series(1, 10000) n;
select is(test.tree_differs(:home), 0::bigint, 'ten thousand hired');

-- How long it takes to give somebody another manager.
create function test.move(who int, boss int) returns interval language plpgsql as $$
declare
    began timestamptz := clock_timestamp();
begin
    update app.staff set manager_id = test.at(boss) where id = test.at(who);
    return clock_timestamp() - began;
end
$$;
create temp table moved as
select m.*, (select count(*) from app.staff_tree t where t.org_id = :home and t.above_id = test.at(m.who)) as people, test.move(m.who, m.boss) as took
from (values (1, 2, 8000), (2, 2, null), (3, 3, 4), (4, 5, 9000), (5, 2, 3), (6, 9999, 1)) m(n, who, boss);
select diag(format('%s people moved in %s ms', people, round(extract(epoch from took) * 1000))) from moved order by n;
select is(test.tree_differs(:home), 0::bigint, 'the tree after six moves');
select cmp_ok(max(people), '>', 3000::bigint, 'one of them with thousands') from moved;
-- 0.2 to 0.4 s on the machine that measured it; three times what is asked for, since tests share theirs.
select cmp_ok(max(took), '<', interval '3 seconds', 'none takes long') from moved;
select throws_ok(format('update app.staff set manager_id = %L where id = %L', test.at(99), test.at(4)), 'PT422', 'invalid_value', 'nobody is above himself, however far');
select is(test.tree_differs(:home), 0::bigint, 'and nothing of it stays');

-- The rules hold for whoever writes.
select throws_ok(format('update app.staff set %s where id = %L', v.what, test.at(8)), v.state, v.code, v.what) from (values
    ('email = ''ada@demo.test''', 'PT409', 'email_taken'), ('segments = ''{nothing}''', 'PT422', 'invalid_value'),
    (format('manager_id = %L', test.id('rob')), 'PT422', 'invalid_value'), (format('person_id = %L', test.id('rita')), 'PT422', 'invalid_value')) v(what, state, code);
select throws_ok('update app.staff set role = ''rep'' where id = test.id(''otto'')', 'PT409', 'last_admin', 'the last admin stays one');
select lives_ok(format('update app.staff set segments = ''{closing,closing,prospecting}'' where id = %L', test.at(8)), 'a segment said twice');
select is(segments, '{closing,prospecting}', 'is there once') from app.staff where id = test.at(8);

-- What C never sends.
select is(test.state('ada', format('select api.staff_change($1, $2, %L, ''{*}'', %L)', test.id('rita'), b.body)), b.state, b.body)
from (values ('{"status": "invited"}', 'PT422'), ('{"role": "king"}', '23514'), ('{"segments": [null]}', 'PT422'), ('{"id": "00000000-0000-0000-0000-000000000000", "org_id": 2, "version": 9}', 'ok')) b(body, state);
select is(version, 1, 'a body writes no column that is not its to write') from app.staff where id = test.id('rita');
select is(jsonb_array_length(test.rows('rita', format('select id from api.staff_list($1, $2, ''{}'', null, %L, null, 200, null) where id is not null', s.sort))),
    (select count(*)::int from app.staff where org_id = (select org from test.person where name = 'rita')), 'sorted by ' || s.sort || ' only hers') from (values ('name'), ('-name')) s(sort);
select is(test.state('rita', 'select api.staff_list($1, $2, ''{"true or": ["1"]}'', null, ''v.email'', null, 9, null)'), 'ok', 'odd words are no SQL');

-- An invite takes an admin, whatever called it.
select is(test.seen('ada', format('select (app.invite_issue(%L)).token is not null as made', test.id('rita')))->0->>'made', 'true', 'ada invites rita');
select is(test.seen(p.who, format('select app.invite_issue(%L)', test.id(p.whom))), '"PT403"', p.who || ' does not invite ' || p.whom)
from (values ('max', 'rita'), ('rita', 'rita'), ('axel', 'axel'), ('ada', 'rob')) p(who, whom);

select * from finish();
rollback;
