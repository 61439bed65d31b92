-- plan_test.sql: a page costs the page. With 20,000 customers the plan of the query that api.customer_list runs takes its rows
-- from an index, throws away fewer than 1,000, and asks who the caller is once, not for each row.
begin;
select no_plan();
\ir people.sql

-- Chloe has 520 people below her, who own next to nothing. Most customers belong to six reps; leo, and so his boss lisa, has few and old ones, so that a plan which walks everybody's shows.
select test.hire('lisa', 'manager', 'ada'), test.hire('leo', 'rep', 'lisa', 'prospecting');
insert into app.customer (org_id, id, name, stage, owner_id, city, country, value, created_at, updated_at)
select r.org, app.uuid7(), 'Customer ' || i, 'new', r.id, 'City ' || i % 100, 'DE', i, app.now() - make_interval(secs => i), app.now() - make_interval(secs => i)
from (select org, id, row_number() over (order by name) n from test.person where name in ('rita', 'nina', 'carl', 'omar', 'pia', 'theo')) r, generate_series(1, 3320) i
union all
select p.org, app.uuid7(), 'Late ' || i, 'new', p.id, 'Ulm', 'DE', 1, app.now() - interval '1 year', app.now() - interval '1 year' from test.person p, generate_series(1, 80) i where p.name = 'leo';
select test.hire('chloe', 'manager', 'ada');
insert into app.staff (org_id, id, person_id, name, email, role, manager_id, segments, status, created_at, updated_at)
select p.org, i.id, i.id, 'Crowd ' || n, 'crowd' || n || '@demo.test', 'rep', p.id, '{prospecting}', 'active', now(), now()
from test.person p, (select app.uuid7() id, n from generate_series(1, 520) n) i where p.name = 'chloe';
insert into app.customer (org_id, id, name, stage, owner_id, created_at, updated_at)
select s.org_id, app.uuid7(), 'Crowd ' || s.id, 'new', s.id, app.now() - interval '30 days', app.now() - interval '30 days'
from app.staff s, generate_series(1, 2) where s.email like 'crowd%';
insert into app.customer (org_id, id, name, stage, created_at, updated_at)
select p.org, app.uuid7(), 'Nobody''s ' || i, (array['new', 'proposal', 'contract'])[1 + i % 3], now(), app.now() - make_interval(hours => i) from test.person p, generate_series(1, 3000) i where p.name = 'ada';
analyze app.customer, app.history, app.staff, app.staff_tree, app.stage;

-- The plan as PostgreSQL makes it for these values, or (kept) as the one that api.customer_first_… keep for all values.
create function test.plan(person text, sort text, behind jsonb default null, filter jsonb default '{}', kept boolean default false) returns jsonb language plpgsql as $$
declare
    plan jsonb;
begin
    perform app.enter(test.session(person), gen_random_uuid(), 'test');
    perform set_config('role', 'holdfast_api', true), set_config('plan_cache_mode', case when kept then 'force_generic_plan' else 'force_custom_plan' end, true);
    execute 'prepare page(jsonb, jsonb, int, uuid, int, text[], uuid) as '
        || api.customer_page_sql(api.customer_way(sort, filter), filter, false, sort, behind is not null or kept, false);
    execute format('explain (analyze, verbose, format json) execute page(%L, %L, 50, %L, %L, %L, %L)', filter,
        coalesce(behind, case when kept then '["infinity", "ffffffff-ffff-ffff-ffff-ffffffffffff"]'::jsonb end), app.me(), app.org(),
        case when app.role() = 'manager' then app.team_segments() else app.segments() end, app.above()) into plan;
    deallocate page;
    perform set_config('role', 'none', true), set_config('plan_cache_mode', 'auto', true);
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
select p.person || case when s.behind then ' behind a cursor' else '' end || ' by ' || s.sort || case when s.kept then ', kept' else '' end as what, p.person, s.sort,
    test.plan(p.person, s.sort, case when s.behind then (test.page(p.person, null, s.sort, lim => 30)->-1->>'_next')::jsonb end, '{}', s.kept) as plan
from unnest('{rita,leo,max,lisa,chloe,ada,axel}'::text[]) p(person),
    (values ('-updated_at', false, false), ('-updated_at', false, true), ('-updated_at', true, false), ('name', false, false), ('-created_at', false, false)) s(sort, behind, kept)
where s.sort = '-updated_at' or p.person in ('ada', 'axel');   -- a manager's by name is a sort of what is his
-- Where the org lets reps read their team's, and where it lets everybody read all.
update app.settings set visibility = 'team' where org_id = (select org from test.person where name = 'ada');
insert into page select p || ' of a team' || case when k then ', kept' else '' end, p, '-updated_at', test.plan(p, '-updated_at', kept => k) from unnest('{rita,leo}'::text[]) p, unnest('{true,false}'::boolean[]) k;
update app.settings set visibility = 'open' where org_id = (select org from test.person where name = 'ada');
insert into page select p || ' where it is open' || case when k then ', kept' else '' end, p, '-updated_at', test.plan(p, '-updated_at', kept => k) from unnest('{rita,max}'::text[]) p, unnest('{true,false}'::boolean[]) k;
update app.settings set visibility = 'own' where org_id = (select org from test.person where name = 'ada');

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
    where p.what = %L and not n.once and w.value ~ 'current_setting|\mapp\.(org|me|role|session_id|request_id|segments|above|visibility|contact_masking|hiding|opened|regained|team_segments|shows_contacts|masks_others|has_authority|classification)\('$$, what),
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
