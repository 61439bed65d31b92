-- timeline_test.sql: the first page of a long life costs what that of a short one does: of a customer with 10,000 entries few rows
-- are read, and none of them is sorted but the page's.
begin;
select no_plan();
\ir people.sql

create temp table life as select c.id, c.org_id, n from (select c.*, row_number() over (order by c.id) as n from test.customers('rita') c limit 2) c;
grant select on life to public;
select app.act_as(org_id, test.id('rita'), 'test') is null as acting from life limit 1 \gset
-- One has 5,000 activities, all written down on one day, and 5,000 changes, the other 50 of both together.
insert into app.activity (org_id, id, customer_id, kind, body, at, author_id, created_at, updated_at)
select l.org_id, app.uuid7(), l.id, 'note', 'Said', app.now() - make_interval(mins => i), test.id('rita'), app.now(), app.now()
from life l, generate_series(1, case l.n when 1 then 5000 else 25 end) i;
insert into app.history (org_id, id, operation_id, entity, record_id, customer_id, version, field, old, new, actor_id, via, at)
select l.org_id, app.uuid7(m.at), app.uuid7(), k.entity, l.id, l.id, i, k.field, '"a"', '"b"', test.id('rita'), 'api', m.at
from life l, generate_series(1, case l.n when 1 then 5000 else 25 end) i, lateral (select app.now() - make_interval(mins => i) as at) m,
    lateral (select * from (values ('customers', 'notes'), ('contacts', 'name'), ('deals', 'title'), ('offers', 'title'), ('activities', 'body')) v(entity, field)
        offset i % 5 limit 1) k;
analyze app.activity, app.history;

create function test.timeline_plan(person text, customer uuid, kinds text[], behind timestamptz) returns jsonb language plpgsql as $$
declare
    plan jsonb;
begin
    perform app.enter(test.session(person), gen_random_uuid(), 'test');
    perform set_config('role', 'holdfast_api', true);
    -- As the function has it.
    perform set_config(split_part(c, '=', 1), split_part(c, '=', 2), true) from pg_proc p, unnest(p.proconfig) c where p.oid = 'api.timeline_page'::regproc;
    execute 'prepare page(uuid[], text[], timestamptz, uuid, timestamptz, int, uuid, uuid, int) as ' || api.timeline_sql();
    execute format('explain (analyze, verbose, format json) execute page(%L, %L, %L, %L, %L, 51, %L, %L, %L)', array[customer], kinds, behind,
        '00000000-0000-0000-0000-000000000000', '0001-01-01', app.uuid7_floor('0001-01-01'), app.uuid7_floor(behind), app.org()) into plan;
    deallocate page;
    perform set_config('role', 'none', true);
    perform set_config(split_part(c, '=', 1), case c when 'plan_cache_mode=force_generic_plan' then 'auto' else 'on' end, true)
    from pg_proc p, unnest(p.proconfig) c where p.oid = 'api.timeline_page'::regproc;
    return plan->0->'Plan';
end $$;
create function test.nodes(plan jsonb) returns setof jsonb language sql as $$
    with recursive n(node) as (select plan union all select c from n, jsonb_array_elements(n.node->'Plans') c)
    select n.node - 'Plans' from n
$$;
create temp table page as
select format('%s, customer %s, %s, %s', p.person, l.n, coalesce(k.kinds, 'all'), case when b.behind > app.now() then 'first page' else 'a later page' end) as what,
    test.timeline_plan(p.person, l.id, k.kinds::text[], b.behind) as plan
from unnest('{rita,max,ada}'::text[]) p(person), life l, (values (null), ('{change}'), ('{activity}'), ('{contact,offer}')) k(kinds),
    (values ('5000-01-01'::timestamptz), (app.now() - interval '1 day')) b(behind)
where l.n = 1 or k.kinds is null and b.behind > app.now();

select cmp_ok((select max((n->>'Actual Rows')::numeric * (n->>'Actual Loops')::numeric) from test.nodes(plan) n where n->>'Relation Name' in ('history', 'activity')),
    '<', 1000::numeric, what || ': few rows are read') from page;
select cmp_ok((select coalesce(sum((n->>w.word)::numeric * (n->>'Actual Loops')::numeric), 0) from test.nodes(plan) n,
    unnest('{Rows Removed by Filter,Rows Removed by Index Recheck}'::text[]) w(word) where n->>'Relation Name' in ('history', 'activity')),
    '<', 1000::numeric, what || ': few are thrown away') from page;
select cmp_ok((select coalesce(max((n->>'Actual Rows')::numeric * (n->>'Actual Loops')::numeric), 0) from test.nodes(plan) n where n->>'Node Type' like '%Sort'),
    '<', 1000::numeric, what || ': few are sorted') from page;
select isnt_empty(format($$select from page p, test.nodes(p.plan) n where p.what = %L and n->>'Index Name' in ('history_customer', 'activity_customer')$$, what),
    what || ': their index serves it') from page;

-- And it is right: what was said, and what was changed but for that it was written down.
select is((select count(*) from jsonb_array_elements(test.rows('rita', format($$select * from api.customer_timeline($1, $2, %L, '{}', null, 200)$$, l.id))) r
    where r->'_tail' is distinct from 'true'), least(200, (select count(*) from app.activity a where a.customer_id = l.id and a.archived_at is null)
        + (select count(*) from app.history h where h.customer_id = l.id and (h.entity <> 'activities' or h.field is not null))),
    'a page of customer ' || l.n) from life l;

select * from finish();
rollback;
