-- plan_test.sql: a page costs the page. With 20,000 customers the plan of the query that api.customer_list runs takes its rows
-- from an index, throws away fewer than 1,000, and asks who the caller is once, not for each row.
begin;
select no_plan();
\ir people.sql

-- Most belong to six reps; leo, and so his boss lisa, has few and old ones, so that a plan which walks everybody's shows.
select test.hire('lisa', 'manager', 'ada'), test.hire('leo', 'rep', 'lisa', 'prospecting');
insert into app.customer (org_id, id, name, stage, owner_id, city, country, value, created_at, updated_at)
select r.org, app.uuid7(), 'Customer ' || i, 'new', r.id, 'City ' || i % 100, 'DE', i, app.now() - make_interval(secs => i), app.now() - make_interval(secs => i)
from (select org, id, row_number() over (order by name) n from test.person where name in ('rita', 'nina', 'carl', 'omar', 'pia', 'theo')) r, generate_series(1, 3320) i
union all
select p.org, app.uuid7(), 'Late ' || i, 'new', p.id, 'Ulm', 'DE', 1, app.now() - interval '1 year', app.now() - interval '1 year' from test.person p, generate_series(1, 80) i where p.name = 'leo';
analyze app.customer, app.history, app.staff, app.staff_tree, app.stage;

create function test.plan(person text, sort text, behind jsonb default null, filter jsonb default '{}') returns jsonb language plpgsql as $$
declare
    plan jsonb;
begin
    perform app.enter(test.session(person), gen_random_uuid(), 'test');
    perform set_config('role', 'holdfast_api', true);
    execute 'explain (analyze, verbose, format json) ' || api.customer_page_sql(filter, false, sort, behind is not null)
    into plan using filter, behind, 50, app.me(), app.org();
    perform set_config('role', 'none', true);
    return plan->0->'Plan';
end $$;
-- The nodes of a plan: once tells those that are evaluated once per statement.
create function test.nodes(plan jsonb) returns table (node jsonb, once boolean) language sql as $$
    with recursive n(node, once) as (
        select plan, false
        union all
        select c.v, n.once or c.v->>'Parent Relationship' = 'InitPlan' from n, jsonb_array_elements(n.node->'Plans') c(v))
    select n.node - 'Plans', n.once from n
$$;
create temp table page as
select p.person || case when s.behind then ' behind a cursor' else '' end || ' by ' || s.sort as what, p.person, s.sort,
    test.plan(p.person, s.sort, case when s.behind then (test.page(p.person, null, s.sort, lim => 30)->-1->>'_next')::jsonb end) as plan
from unnest('{rita,leo,max,lisa,ada,axel}'::text[]) p(person), (values ('-updated_at', false), ('-updated_at', true), ('name', false), ('-created_at', false)) s(sort, behind)
where s.sort = '-updated_at' or p.person in ('ada', 'axel');   -- a manager's by name is a sort of what is his

select is((plan->>'Actual Rows')::int, 1, what || ': it was run') from page;
select cmp_ok((select coalesce(sum((n.node->>v.word)::numeric * (n.node->>'Actual Loops')::numeric), 0) from test.nodes(p.plan) n, unnest('{Rows Removed by Filter,Rows Removed by Index Recheck,Rows Removed by Join Filter}'::text[]) v(word)),
    '<', 1000::numeric, p.what || ': few rows are thrown away') from page p;
select cmp_ok((select max((n.node->>'Actual Rows')::numeric * (n.node->>'Actual Loops')::numeric) from test.nodes(p.plan) n where n.node->>'Relation Name' = 'customer'),
    '<', 1000::numeric, p.what || ': few rows are read') from page p;
select isnt_empty(format($$select n.node from page p, test.nodes(p.plan) n where p.what = %L and n.node->>'Node Type' like '%%Index%%Scan' and n.node->>'Index Name' like 'customer\_%%'$$, what),
    what || ': an index serves it') from page;
select is_empty(format($$select n.node->>'Node Type' from page p, test.nodes(p.plan) n where p.what = %L and n.node->>'Relation Name' = 'customer' and n.node->>'Node Type' = 'Seq Scan'$$, what),
    what || ': the table is not walked') from page;
select is_empty(format($$select w.key, w.value from page p, test.nodes(p.plan) n, jsonb_each_text(n.node) w
    where p.what = %L and not n.once and w.value ~ 'current_setting|\mapp\.(org|me|role|session_id|request_id|sees_contacts|has_authority|classification)\('$$, what),
    what || ': nobody is asked for at each row') from page;
select isnt_empty(format($$select from page p, test.nodes(p.plan) n where p.what = %L and n.once and n.node::text ~ 'app\.org'$$, what), what || ': the org is asked for once') from page;

-- One customer, and one customer's history.
create function test.plan_of(person text, query text) returns jsonb language plpgsql as $$
declare
    plan jsonb;
begin
    perform app.enter(test.session(person), gen_random_uuid(), 'test');
    perform set_config('role', 'holdfast_api', true);
    execute 'explain (analyze, verbose, format json) ' || query into plan;
    perform set_config('role', 'none', true);
    return plan->0->'Plan';
end $$;
create temp table one as
select p.person, q.what, test.plan_of(p.person, format(q.text, c.id)) as plan
from unnest('{rita,max,ada}'::text[]) p(person), lateral (select id from test.customers('rita') limit 1) c, (values
    ('one customer', 'select * from api.customer v where v._org = app.org() and v.id = %L'),
    ('its history', 'select * from api.change v where v._org = app.org() and v.record_id = %L order by v.id desc limit 50')) q(what, text);
select cmp_ok((select max(((n.node->>'Actual Rows')::numeric + coalesce((n.node->>'Rows Removed by Filter')::numeric, 0)) * (n.node->>'Actual Loops')::numeric) from test.nodes(o.plan) n
    where n.node->>'Relation Name' in ('customer', 'history')), '<', 100::numeric, o.person || ': ' || o.what || ' reads few rows') from one o;

select * from finish();
rollback;
