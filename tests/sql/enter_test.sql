-- enter_test.sql: SQL typed as one of the programs' logins reads and writes nothing without a live session's secret, and with
-- one nothing but what that session may.
begin;
select no_plan();
\ir people.sql
select test.other_org();

create function test.reset() returns void language sql as $$ reset all; set search_path = public, tap $$;

-- Every function of api and app with a call that gives it nulls, but the session $1 and the request $2.
create temp view calls as
select n.nspname::text as space, p.proname::text as name, p.oid::regprocedure::text as whole,
    coalesce(p.proargnames[1] = 'session', false) and p.proname <> 'refused' as proves,   -- it says nothing
    has_function_privilege('holdfast_cgi', p.oid, 'execute') as cgi, has_function_privilege('holdfast_sessions', p.oid, 'execute') as sessions,
    -- What returns records is asked for as one column: their types would have to be named.
    format(case when p.prorettype = 'record'::regtype and p.proargmodes is null then 'select %I.%I(%s)' else 'select * from %I.%I(%s)' end, n.nspname, p.proname, (select string_agg(case
            when a.n = 1 and p.proargnames[1] = 'session' then '$1' when a.n = 2 and p.proargnames[2] = 'request' then '$2'
            else 'null::' || case a.type::regtype::text when 'anyelement' then 'api.contact' when 'anyarray' then 'api.contact[]' else a.type::regtype::text end end, ', ' order by a.n) from unnest(p.proargtypes) with ordinality a(type, n))) as text
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname in ('api', 'app') and p.prorettype <> 'trigger'::regtype and p.proname not like 'test\_%'
  and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e');
create temp view logins as select unnest('{holdfast_cgi,holdfast_sessions}'::text[]) as login;

-- What anybody may call.
select set_eq($$select name from calls where (cgi or sessions) and not proves$$,
    $$values ('health'), ('health_step'), ('restore_step'), ('alerts_step'), ('exports_step'), ('bulk_step'), ('rotations_step'), ('import_step'), ('outbox_take'), ('outbox_done'), ('refuse_form'), ('refused'), ('session_challenge'), ('session_open'), ('session_refresh'), ('password_set')$$,
    'only the open functions do without a session');
select matches(test.run('holdfast_cgi', 'select * from api.restore_step()')::text, '^\[\{"restore_step": [0-9]+\}\]$', 'the step shows nothing');
select matches(test.run('holdfast_cgi', 'select * from api.alerts_step()')::text, '^\[\{"alerts_step": [0-9]+\}\]$', 'nor does that of the alerts');
select matches(test.run('holdfast_cgi', 'select * from api.rotations_step()')::text, '^\[\{"rotations_step": [0-9]+\}\]$', 'nor does that of the rotations');
select matches(test.run('holdfast_cgi', 'select * from api.exports_step()')::text, '^\[\{"exports_step": [0-9]+\}\]$', 'nor does that of the exports');
select matches(test.run('holdfast_cgi', 'select * from api.import_step()')::text, '^\[\{"import_step": [0-9]+\}\]$', 'nor does that of the imports');
select is(test.run('holdfast_cgi', 'select status from api.health($2)'), '[{"status": "ok"}]', 'health is open');

-- Sessions that are none. Nina's is revoked, Carl's expired, Omar's of one who left, Pia's of one who has not come yet.
update app.session set revoked_at = app.now() where staff_id = test.id('nina');
update app.session set expires_at = app.now() where staff_id = test.id('carl');
update app.staff set status = 'inactive' where id = test.id('omar');
update app.staff set status = 'invited' where id = test.id('pia');
create temp table bad (why text, session text);
insert into bad values
    ('none', null), ('an empty one', ''), ('an unknown one', '1.' || repeat('a', 43)), ('a revoked one', test.session('nina')),
    ('an expired one', test.session('carl')), ('one of who left', test.session('omar')), ('one of who was only invited', test.session('pia')),
    ('one that names another org', '2' || substr(test.session('rita'), 2)), ('one that names no org', substr(test.session('rita'), 3)),
    ('org 0', '0' || substr(test.session('rita'), 2)), ('a negative org', '-' || test.session('rita')),
    ('an org beyond int', '99999999999' || substr(test.session('rita'), 2)), ('one with a line behind', test.session('rita') || e'\n'),
    ('one with a blank before', ' ' || test.session('rita')), ('one too long', test.session('rita') || '-'),
    ('one too short', left(test.session('rita'), -1)), ('the id', test.id('rita')::text),
    ('the hash', encode(app.secret_hash(test.session('rita')), 'hex')), ('upper case', upper(test.session('rita'))),
    ('a quote', $$' or true or '$$), ('a comment', test.session('rita') || $$' --$$), ('a wild card', '1.%'), ('a word', 'postgres'),
    ('a statement', $$'; select set_config('app.role', 'admin', false); --$$), ('letters of elsewhere', '１.' || rpad('rita', 43, '-')),
    ('very long', repeat('1', 100000));
select is_empty(format($$select c.whole, test.fate(l.login, c.text, b.session) from calls c join logins l
        on l.login = case when c.cgi then 'holdfast_cgi' else 'holdfast_sessions' end, bad b
    where c.space = 'api' and c.proves and b.why = %L and test.fate(l.login, c.text, b.session) <> 'PT401'$$, why),
    'with ' || why || ' every function says PT401')
from bad;
select is((select array_agg(distinct test.fate(l.login, $$select api.refused($1, $2, 'GET', '/v1/customers/:id', 404, 'not_found', null, null)$$, b.session))
    from bad b, logins l), '{ok}', 'a refusal can be told of with whatever secret');
select set_eq('select staff_id, kind, count(*) from app.event group by 1, 2', $$select test.id(name), 'refused.not_found', 2::bigint from unnest('{nina,carl,omar,pia}'::text[]) name$$,
    'and is remembered of whom it once belonged to, and nobody else');
select is(test.state('rita', 'select * from api.customer_list($1, $2, ''{}'', false, null, ''name'', null, 9, null)'), 'ok',
    'while the session itself is good');

-- Doors that are shut.
select is_empty($$select c.oid::regclass, s.statement
    from pg_class c, logins l, (values ('select from %s'), ('select * from %s'), ('select count(*) from %s'), ('insert into %s default values'),
        ('update %s set org_id = 1'), ('delete from %s'), ('truncate %s'), ('lock table %s')) s(statement)
    where c.relnamespace in ('app'::regnamespace, 'api'::regnamespace) and (c.relkind in ('r', 'p') or c.relkind = 'v' and s.statement like 'select%')
      and test.fate(l.login, format(s.statement, c.oid::regclass)) <> '42501'$$,
    'no login reaches a table or view');
select is_empty($$select c.whole from calls c, logins l where c.space = 'app' and test.fate(l.login, c.text, test.session('ada')) <> '42501'$$,
    'no login reaches a function of app');
select is_empty($$select c.whole from calls c, logins l where c.space = 'api' and not case l.login when 'holdfast_cgi' then c.cgi else c.sessions end
    and test.fate(l.login, c.text, test.session('ada')) <> '42501'$$, 'no login reaches a helper or a function of the other');
select isnt_empty($$select from calls where space = 'api' and not cgi and not sessions$$, 'there are helpers');
select isnt_empty($$select from calls where space = 'api' and sessions and proves$$, 'there are functions of the sessions program');
select is_empty($$select s.statement, test.fate('holdfast_cgi', s.statement) from (values
        ('create table x ()'), ('create table api.x ()'), ('create table app.x ()'), ('create temp table x ()'), ('create schema x'),
        ('create function api.x() returns int language sql as ''select 1'''), ('create function pg_temp.x() returns int language sql as ''select 1'''),
        ('create view pg_temp.x as select 1'), ('alter table app.customer disable row level security'), ('drop policy customer_read on app.customer'),
        ('alter function app.enter owner to holdfast_cgi'), ('grant select on app.customer to holdfast_cgi'), ('create role x'), ('alter role holdfast_cgi superuser'),
        ('create trigger x after insert on app.customer execute function app.tg_staff_tree()'), ('create extension dblink'),
        ('select pg_read_file(''/etc/passwd'')'), ('copy (select 1) to program ''true'''), ('select lo_import(''/etc/passwd'')'),
        ('set session_replication_role = replica')) s(statement)
    where test.fate('holdfast_cgi', s.statement) <> '42501'$$, 'nothing can be made, altered or read beside');

-- A forged context. Each setting is forged in the statement before, inside the statement, and for the session.
create temp view forged as
select format('select %s', string_agg(format('set_config(%L, %L, %L)', f.name, f.value, l.local), ', ')) as text, l.local
from (values ('app.org', (select p.org from test.person p where p.name = 'rob')::text), ('app.me', test.id('ada')::text), ('app.role', 'admin'), ('app.session', test.id('ada')::text),
    ('app.via', 'restore'), ('app.classification', 'public'), ('app.operation', test.id('ada')::text), ('app.action', 'forged')) f(name, value),
    (values (true), (false)) l(local) group by l.local;
create function test.shown(person text) returns text language sql as
    $$ select string_agg(i::text, ' ' order by i) from unnest(test.pages(person)) i $$;
create function test.due(person text) returns text language sql as
    $$ select string_agg(c.id::text, ' ' order by c.id) from test.customers(person) c where c.archived_at is null $$;

select is(test.shown('rita'), test.due('rita'), 'rita sees her customers');
select is(count(*)::int, 40, 'which are forty') from test.customers('rita');
select is(test.state('rita', (select text from forged where local)), 'ok', 'anybody may set what he wants');
select is(test.shown('rita'), test.due('rita'), 'after set_config for the transaction she sees the same');
select is(test.state('rita', (select text from forged where not local)), 'ok', 'anybody may set what he wants for the session');
select is(test.shown('rita'), test.due('rita'), 'after set_config for the session she sees the same');
select is(test.state('rita', 'set app.role = ''admin'''), 'ok', 'or say SET');
select is(test.shown('rita'), test.due('rita'), 'after SET she sees the same');
select is(test.rows('rita', 'select l.id from (select f.* from (' || (select text from forged where local) || ') f offset 0) f, lateral api.customer_list($1, $2, ''{}'', false, null, ''name'', null, 200, null) l where l.id is not null'),
    (select jsonb_agg(jsonb_build_object('id', c.id) order by c.name, c.id) from test.customers('rita') c), 'inside the statement, before the call, too');
select is((test.rows('rita', 'select count(*) filter (where l.id is not null and r.set_config is not null) from api.customer_list($1, $2, ''{}'', false, null, ''name'', null, 200, null) l, lateral '
    '(select set_config(''app.role'', ''admin'', true) where l.name is not null) r')->0->>'count')::int, 40, 'inside the statement, behind the call, too');
select is(test.state('rita', $$do 'begin perform set_config(''app.role'', ''admin'', true); end'$$), 'ok', 'a block may be typed');
select is(test.shown('rita'), test.due('rita'), 'and changes nothing');
select is(test.state('rita', format('select api.customer_get($1, $2, %L, null, null)', c.id)), 'PT404', 'a customer of nina is missing to rita')
from test.customers('nina') c limit 1;
select is(test.state('rita', format('select api.customer_get($1, $2, %L, null, null)', app.uuid7())), 'PT404', 'as one that is not there');
select is(test.state('rita', format('select api.customer_change($1, $2, %L, ''{*}'', ''{"name": "Mine"}'')', c.id)), 'PT404', 'nor can she change it')
from test.customers('nina') c limit 1;
select is(test.state('rita', 'set row_security = off'), 'ok', 'row security may be asked off');
select is(test.state('rita', 'select api.customer_list($1, $2, ''{}'', false, null, ''name'', null, 9, null)'), '42501', 'which ends in an error instead of rows');
select test.reset();
-- With this search path sha256 is a function that says everybody is ada.
create function test.sha256(bytea) returns bytea language sql security definer as
    $$ select pg_catalog.sha256(convert_to(test.session('ada'), 'UTF8')) $$;
select is(test.state('rita', 'set search_path = test, pg_catalog, public, tap'), 'ok', 'a search path may be set');
select is(test.shown('rita'), test.due('rita'), 'and changes nothing');
select test.reset();

-- What C never sends, SQL as holdfast_cgi can: odd words of sorts, filters and bodies.
select is(test.pages('rita', s.sort) <@ array(select id from test.customers('rita')), true, 'sorted by ' || s.sort || ' only hers')
from (values ('name;select 1'), ('v.phone'), ('-name,phone'), (''), ($$'$$)) s(sort);
select is(test.pages('rita', 'name', f.filter::jsonb) <@ array(select id from test.customers('rita')), true, 'filtered by ' || f.filter || ' only hers')
from (values (format('{"owner": ["%s"]}', test.id('max'))), ('{"true or": ["1"]}'), ($${"stage": ["' or true --"]}$$), ('{"city": ["Berlin"]}')) f(filter);
select is(cardinality(test.pages('rita', 'name', format('{"owner": ["%s"]}', test.id('nina'))::jsonb)), 0, 'nobody else''s by his name');
create temp table born as select (test.rows('rita', format('select id from api.customer_create($1, $2, null, %L)', jsonb_build_object('name', 'Born', 'org_id', (select org from test.person where name = 'rob'),
    'version', 77, 'created_at', '2001-01-01T00:00:00Z', 'archived_at', '2001-01-01T00:00:00Z', 'segment', 'closing', 'phone_e164', '+1', 'owner_id', test.id('rita'))))->0->>'id')::uuid as id;
select results_eq('select c.org_id, c.version, c.archived_at, c.segment, c.phone_e164, c.owner_id, c.created_at > now() - interval ''1 day'' from app.customer c join born using (id)',
    'select p.org, 1, null::timestamptz, ''prospecting'', null::text, p.id, true from test.person p where p.name = ''rita''', 'a body writes no column that is not its to write');
select is(test.state('rita', format('select api.customer_change($1, $2, %L, ''{*}'', %L)', id, jsonb_build_object('name', 'Born again', 'id', app.uuid7(), 'org_id', 2, 'version', 1000,
    'created_at', '2001-01-01T00:00:00Z', 'archived_at', '2001-01-01T00:00:00Z', 'updated_at', '2001-01-01T00:00:00Z'))), 'ok', 'nor does a change') from born;
select results_eq('select c.name, c.org_id, c.version, c.archived_at, c.created_at > now() - interval ''1 day'', c.updated_at > now() - interval ''1 day'' from app.customer c join born using (id)',
    'select ''Born again'', p.org, 2, null::timestamptz, true, true from test.person p where p.name = ''rita''', 'which was made all the same');
select is(test.state('rita', format('select api.customer_create($1, $2, null, ''{"name": "x", "owner_id": "%s"}'')', test.id('nina'))), 'PT403', 'rita gives nobody a customer');
select is(test.state('max', format('select api.customer_create($1, $2, null, ''{"name": "x", "owner_id": "%s"}'')', test.id('theo'))), 'PT403', 'max gives nobody of olga''s a customer');
select is(test.state('axel', 'select api.customer_create($1, $2, null, ''{"name": "x"}'')'), 'PT403', 'an auditor writes nothing');

-- One transaction, several people: each call is its session's own.
select is(test.shown('max'), test.due('max'), 'max sees his tree');
select is(test.shown('rita'), test.due('rita'), 'rita behind him sees hers');
select is(test.shown('ada'), test.due('ada'), 'ada sees all of the org');
select is(test.shown('rob'), test.due('rob'), 'rob, of the other org, sees his');
select is(test.state('max', format('select api.customer_change($1, $2, %L, ''{*}'', ''{"city": "Bonn"}'')', id)), 'ok', 'max changes it') from born;
select is(test.state('rita', format('select api.customer_change($1, $2, %L, ''{*}'', ''{"city": "Köln"}'')', id)), 'ok', 'rita behind him') from born;
select results_eq('select h.new #>> ''{}'', h.actor_id, o.actor_id, h.via, o.action from app.history h join born b on b.id = h.record_id join app.operation o on o.id = h.operation_id
        where h.field = ''city'' order by h.id',
    $$values ('Bonn', test.id('max'), test.id('max'), 'api', 'customers.change'), ('Köln', test.id('rita'), test.id('rita'), 'api', 'customers.change')$$,
    'each change carries its own name');
select is(count(distinct operation_id)::int, 4, 'and its own operation') from app.history h join born b on b.id = h.record_id;
select is(d.staff_id, test.id('rita'), 'and the ledger too') from app.disclosure d join born b on d.customer_ids = array[b.id] order by d.id desc limit 1;

-- What is taken away is gone with the next call.
update app.staff set role = 'auditor' where id = test.id('theo');
select is(test.state('theo', format('select api.customer_change($1, $2, %L, ''{*}'', ''{"name": "x"}'')', (select id from test.customers('theo') limit 1))), 'PT403', 'a role');
update app.staff set manager_id = test.id('olga') where id = test.id('rita');
select is(test.shown('max'), test.due('max'), 'a tree');
select is(test.state('rita', 'select api.operation_list($1, $2, ''{}'', null, 9)'), 'ok', 'rita is still in');
update app.staff set status = 'inactive' where id = test.id('rita');
select is(test.state('rita', 'select api.operation_list($1, $2, ''{}'', null, 9)'), 'PT401', 'a dismissal');
update app.staff set status = 'active' where id = test.id('rita');
select is(test.state('rita', 'select api.operation_list($1, $2, ''{}'', null, 9)'), 'PT401', 'which ended her sessions for good');
update app.session set revoked_at = null where staff_id = test.id('rita');
select is(test.state('rita', 'select api.operation_list($1, $2, ''{}'', null, 9)'), 'ok', 'and can be given back');
select is(test.fate('holdfast_sessions', 'select api.session_end($1, $2)', test.session('rita')), 'ok', 'rita logs out');
select is(test.state('rita', 'select api.operation_list($1, $2, ''{}'', null, 9)'), 'PT401', 'a log-out');

-- Commits: those of reads do not wait for the disk, those of changes do, as the operator chose.
create function test.commits(way text, statement text) returns text language plpgsql as $$
declare
    state text;
begin
    perform set_config('app.durability', '', true), set_config('synchronous_commit', way, true);
    state := test.state('ada', statement);
    return case state when 'ok' then current_setting('synchronous_commit') else state end;
end
$$;
select is(test.commits(way, format('select api.customer_get($1, $2, %L, null, null)', id)), 'off', 'a read does not wait for ' || way)
from born, unnest('{on,local,remote_apply,off}'::text[]) way;
select is(test.commits(way, format('select api.customer_change($1, $2, %L, ''{*}'', ''{"city": "%s"}'')', id, way)), way, 'a change waits for ' || way)
from born, unnest('{on,local,remote_apply,off}'::text[]) way;
select is(test.commits(way, format('select api.customer_get($1, $2, %1$L, null, null), api.customer_change($1, $2, %1$L, ''{*}'', ''{"region": "%2$s"}'')', id, way)), way,
    'a change behind a read waits for ' || way) from born, unnest('{on,local,remote_apply}'::text[]) way;
select is(test.commits(way, format('select api.customer_change($1, $2, %1$L, ''{*}'', ''{"region": "again %2$s"}''), api.customer_get($1, $2, %1$L, null, null)', id, way)), way,
    'a read behind a change leaves it') from born, unnest('{on,local,remote_apply}'::text[]) way;
select is(test.commits('on', format('select api.customer_list($1, $2, ''{}'', false, null, ''name'', null, 9, null)')), 'off', 'a list does not wait');
select is(test.commits('on', format('select api.history_list($1, $2, ''{}'', null, 9)')), 'off', 'nor history');
select is(test.commits('on', format('select api.customer_archive($1, $2, %L, ''{*}'')', id)), 'on', 'an archiving waits') from born;

select * from finish();
rollback;
