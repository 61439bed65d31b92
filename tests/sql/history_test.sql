-- history_test.sql: what is remembered of a change, and the small rules beneath: ids, masks, patches, pages, the throttle, the
-- ledger's months, Idempotency-Key.
begin;
select no_plan();
\ir people.sql
\ir clock.sql

-- Typed into psql: via sql, nobody's, one operation for the transaction.
create temp view psql as select h.* from app.history h where h.operation_id = app.operation_id() order by h.id;
create temp table made as select app.uuid7() as id, org from test.person where name = 'rita';
insert into app.customer (org_id, id, name, stage, owner_id, phone, created_at, updated_at)
select org, id, 'Made', 'new', test.id('rita'), '+49 30 5550-111', '2026-02-03 04:05:06.78+00', app.now() from made;
select results_eq('select h.entity, h.record_id, h.customer_id, h.version, h.field, h.old, h.actor_id, h.via from psql h',
    'select ''customers'', id, id, 1, null::text, null::jsonb, null::uuid, ''sql'' from made', 'a creation is one row, by nobody, via sql');
select is((select h.new from psql h), app.customer_record(c), 'whose new is the record') from app.customer c join made using (id);
select is(array(select jsonb_object_keys(h.new) from psql h order by 1), array(select a.attname::text from pg_attribute a where a.attrelid = 'app.customer'::regclass
    and a.attnum > 0 and not a.attisdropped and a.attname not in ('org_id', 'version', 'updated_at', 'phone_e164', 'segment', 'email_key', 'phone_key', 'worked_in', 'dup_key', 'brought', 'owner_since') order by 1), 'every column of it');
select is(h.new->>'created_at', '2026-02-03T04:05:06.780000Z', 'times are RFC 3339, UTC, with six digits') from psql h;
select results_eq('select o.action, o.via, o.actor_id, o.session_id, o.reason, o.changes from app.operation o where o.id = app.operation_id()',
    $$values ('sql', 'sql', null::uuid, null::uuid, null::text, 1)$$, 'its operation says so and counts it');

-- Every column: one row per changed field, typed, and none for what did not change.
create temp table other as select id from test.customers('rita') order by id limit 1;
create temp table edit (field text, value text, json jsonb);
insert into edit values
    ('name', $$'Made "again" ü'$$, '"Made \"again\" ü"'), ('email', $$'a@b.example'$$, '"a@b.example"'), ('phone', $$'+49 30 1'$$, '"+49 30 1"'),
    ('website', $$'https://x.example'$$, '"https://x.example"'), ('address', $$'A 1'$$, '"A 1"'), ('city', $$'Bonn'$$, '"Bonn"'), ('region', $$'NRW'$$, '"NRW"'),
    ('postal_code', $$'01234'$$, '"01234"'), ('country', $$'DE'$$, '"DE"'), ('source', $$'web'$$, '"web"'), ('stage', $$'qualified'$$, '"qualified"'),
    ('owner_id', quote_literal(test.id('carl')), to_jsonb(test.id('carl'))), ('value', '1000000000000000', '1000000000000000'), ('currency', $$'EUR'$$, '"EUR"'),
    ('notes', $$e'a\nb'$$, '"a\nb"'), ('tags', $$'{a,"b c"}'$$, '["a", "b c"]'), ('custom', $$'{"a": [1, null]}'$$, '{"a": [1, null]}'),
    ('created_at', $$'2026-02-03 05:05:06.7+01'$$, '"2026-02-03T04:05:06.700000Z"'), ('archived_at', $$'2026-12-31 23:59:59.999999-01'$$, '"2027-01-01T00:59:59.999999Z"'), ('merged_into', (select quote_literal(id) from other), (select to_jsonb(id) from other));
create function test.edit(field text, value text) returns setof app.history language plpgsql as $$
declare
    behind uuid := app.uuid7();
begin
    execute format('update app.customer set %I = %s where id = (select id from made)', field, value);
    return query select h.* from app.history h where h.id > behind and h.record_id = (select id from made);
end $$;
select set_eq('select field from edit', $$select c from unnest(array(select jsonb_object_keys(new) from psql)) c where c <> 'id'$$, 'every column is tried');
select results_eq(format('select h.field, h.new, h.version, h.via from test.edit(%L, %L) h', e.field, e.value),
    format('values (%L, %L::jsonb, %s, ''sql'')', e.field, e.json, e.n + 1), e.field || ' is remembered as its type') from (select *, row_number() over () n from edit) e;
select is_empty(format('select * from test.edit(%L, %L)', field, value), field || ' unchanged is no change') from edit;
select results_eq($$select h.field, h.old, h.new from test.edit('city', 'null') h$$, $$values ('city', '"Bonn"'::jsonb, null::jsonb)$$, 'null is null, and old is what was there');
select results_eq($$select h.field, h.old, h.new from test.edit('name', '''N'', city = ''X'', version = 7') h order by h.field$$,
    $$values ('city', null::jsonb, '"X"'::jsonb), ('name', '"Made \"again\" ü"'::jsonb, '"N"'::jsonb)$$, 'two fields are two rows; the version is none');
select is(c.version, 23, 'the version counts changes, whatever is said') from app.customer c join made using (id);
select is(o.changes, count(h)::int, 'the operation counts its rows') from app.operation o join app.history h on h.operation_id = o.id where o.id = app.operation_id() group by o.changes;
select test.edit('phone', '''+49 30 5550 1''');
select is(c.phone_e164, '+493055501', 'phone_e164 follows the phone') from app.customer c join made using (id);
select is((select h.new->>'stage' from psql h where h.field is null), 'new', 'the creation stays what it was');
-- Several orgs in one statement, as only an operator does it.
select test.other_org();
insert into app.customer (org_id, id, name, stage, owner_id, created_at, updated_at) select org, app.uuid7(), 'Other', 'new', id, app.now(), app.now() from test.person where name = 'rob';
create temp table moment as select app.uuid7() as id;
update app.customer set notes = 'both' where name in ('Other', 'N');
select set_eq('select h.org_id from app.history h, moment m where h.id > m.id', $$select org from test.person where name in ('rita', 'rob')$$, 'a change of two orgs is written in each');
select set_eq('select o.org_id from app.operation o where o.id = app.operation_id()', $$select org from test.person where name in ('rita', 'rob')$$, 'under an operation of each');
delete from app.customer where id = (select id from made);
select results_eq('select h.field, h.new, h.old->>''name'', h.old->>''notes'' from app.history h join made on made.id = h.record_id order by h.id desc limit 1',
    $$values (null::text, null::jsonb, 'N', 'both')$$, 'what an operator deletes is remembered whole');
select is(count(*)::int, 27, 'and history outlives the record') from app.history h join made on made.id = h.record_id;
update app.stage set id = 'fresh' where id = 'new' and org_id = (select org from test.person where name = 'rita');
select cmp_ok(count(*)::int, '>', 0, 'a stage''s new name, by cascade, is a change too') from app.history h, moment m where h.id > m.id and h.field = 'stage' and h.new = '"fresh"';

-- Nobody changes what is remembered: policies bind even the owner.
create function test.tried(role text, statement text) returns text language plpgsql as $$
declare
    n bigint;
begin
    perform set_config('role', role, true);
    execute statement;
    get diagnostics n = row_count;
    perform set_config('role', 'none', true);
    return n;
exception when insufficient_privilege then
    return 'refused';
end $$;
select is(test.tried(r.role, s.statement), case r.role when 'holdfast_owner' then '0' else 'refused' end, r.role || ': ' || s.statement)
from unnest('{holdfast_owner,holdfast_api,holdfast_mover,holdfast_search}'::text[]) r(role),
    (values ('update app.history set new = null'), ('delete from app.history'), ('update app.disclosure set channel = ''x'''), ('delete from app.disclosure'), ('delete from app.operation')) s(statement);

-- Ids.
create temp table ids as select i, app.uuid7() as id from generate_series(1, 2000) i;
select is_empty($$select * from ids where id::text !~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'$$, 'ids are UUIDs of version 7');
select is_empty($$select * from (select id, lag(id) over (order by i) before from ids) x where left(x.id::text, 18) < left(x.before::text, 18)$$, 'in the order of their making');
select is(count(distinct id)::int, 2000, 'no two alike') from ids;
select is_empty($$select t.at from (values ('2026-01-01 00:00:00.000001+00'::timestamptz), ('2026-01-01 00:00:00.000999+00'), ('2026-01-01 00:00:00.123456+00'), ('2038-01-19 03:14:08+00'),
        ('2099-12-31 23:59:59.999999+00'), ('1970-01-01 00:00:00+00')) t(at)
    where not (app.uuid7_floor(t.at) <= app.uuid7(t.at) and app.uuid7(t.at) < app.uuid7_floor(t.at + interval '1 microsecond'))
       or app.uuid7_floor(t.at) <> app.uuid7_floor(t.at at time zone 'UTC' at time zone 'UTC')$$, 'uuid7_floor is below all of its moment and above all before');
select is(app.uuid7_floor('2022-02-22 19:22:22+00')::text, '017f22e2-79b0-7000-8000-000000000000', 'and that of the example in RFC 9562');
select cmp_ok(app.uuid7_floor('9999-12-31 23:59:59.999999+00'), '>', app.uuid7_floor('2500-01-01'), 'at the end of time it is late');
select is(app.uuid7_floor('1900-01-01'), '00000000-0000-7000-8000-000000000000', 'before 1970 it is the least');

-- Masks.
select is(app.mask_phone(v.typed), v.masked, format('mask_phone(%L)', v.typed)) from (values
    ('+1 555 010 9900', '+1 *** ***-**00'), ('+49 30 5550-1234', '+4 *** ***-**34'), ('030 5550 77', '*** ***-**77'), ('(030) 555', '*** ***-**55'), ('(030) 12', '*** ***-****'), ('call me', '*** ***-****'), (null, null)) v(typed, masked);
select is(app.mask_email(v.typed), v.masked, format('mask_email(%L)', v.typed)) from (values
    ('nina@demo.test', 'n***@d***'), ('a@b', 'a***@b***'), ('ö@ü.example', 'ö***@ü***'), (null, null)) v(typed, masked);
select is(app.mask_json(v.field, v.value), v.masked, format('mask_json(%L, %L)', v.field, v.value)) from (values
    ('phone', '"+1 555 99"'::jsonb, '"+1 *** ***-**99"'::jsonb), ('email', '"a@b"', '"a***@b***"'), ('phone_e164', '"+155599"', '"+1 *** ***-**99"'), ('name', '"a@b"', '"a@b"'), ('phone', null, null), ('phone', 'null', null),
    (null, '{"name": "x", "phone": "+1 555 99", "email": "a@b"}', '{"name": "x", "phone": "+1 *** ***-**99", "email": "a***@b***"}'), (null, '{"name": "x", "phone": null}', '{"name": "x", "phone": null}')) v(field, value, masked);
select is_empty($$select r.v from jsonb_array_elements(test.rows('axel', 'select field, old, new from api.history_list($1, $2, ''{}'', null, 200)')) r(v), app.customer c
    where c.phone is not null and strpos(r.v::text, c.phone) > 0 or c.email is not null and strpos(r.v::text, c.email) > 0$$, 'an auditor reads no contact value in history');
select is_empty($$select r.v from jsonb_array_elements(test.rows('axel', 'select * from api.customer_list($1, $2, ''{}'', false, null, ''name'', null, 200, null)')) r(v), app.customer c
    where c.phone is not null and strpos(r.v::text, c.phone) > 0 or c.email is not null and strpos(r.v::text, c.email) > 0$$, 'nor in a list');

-- RFC 7396, appendix A.
select is(app.merge_patch(v.original, v.patch), v.result, format('%s patched with %s', v.original, v.patch)) from (values
    ('{"a":"b"}'::jsonb, '{"a":"c"}'::jsonb, '{"a":"c"}'::jsonb), ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'), ('{"a":"b"}', '{"a":null}', '{}'), ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'), ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'), ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'), ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'), ('{"a":"b"}', '["c"]', '["c"]'), ('{"a":"foo"}', 'null', 'null'), ('{"a":"foo"}', '"bar"', '"bar"'), ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ('[1,2]', '{"a":"b","c":null}', '{"a":"b"}'), ('{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}')) v(original, patch, result);

-- Pages: behind the cursor in every mixture of directions.
select is(app.after_sql(v.sort, '{"a": ["v.a", "int"], "b": ["v.b", "text"]}'), v.sql, 'behind a cursor of ' || v.sort) from (values
    ('a', '(v.a, v.id) > (($2->>0)::int, ($2->>1)::uuid)'), ('-a', '(v.a, v.id) < (($2->>0)::int, ($2->>1)::uuid)'),
    ('-a,-b', '(v.a, v.b, v.id) < (($2->>0)::int, ($2->>1)::text, ($2->>2)::uuid)'),
    ('-a,b', '((v.a < ($2->>0)::int) or (v.a = ($2->>0)::int and v.b > ($2->>1)::text) or (v.a = ($2->>0)::int and v.b = ($2->>1)::text and v.id > ($2->>2)::uuid))'),
    ('a,-b', '((v.a > ($2->>0)::int) or (v.a = ($2->>0)::int and v.b < ($2->>1)::text) or (v.a = ($2->>0)::int and v.b = ($2->>1)::text and v.id < ($2->>2)::uuid))')) v(sort, sql);
select is(app.order_sql('-a,b', '{"a": ["v.a", "int"], "b": ["v.b", "text"]}'), 'v.a desc, v.b, v.id', 'the id goes with the last key');
create function test.sorted(text) returns uuid[] language plpgsql as $$
declare
    ids uuid[];
begin
    execute format('select array_agg(c.id order by %s) from test.customers(''ada'') c where c.archived_at is null', $1) into ids;
    return ids;
end $$;
select is(test.pages('ada', v.sort, lim => 37), test.sorted(v.sql), 'pages sorted by ' || v.sort || ' leave nothing out') from (values
    ('name', 'name, id'), ('-updated_at', 'updated_at desc, id desc'), ('country,-name', 'coalesce(country, ''''), name desc, id desc'), ('-country,city', 'coalesce(country, '''') desc, coalesce(city, ''''), id'),
    ('-value,created_at', 'coalesce(value, -1) desc, created_at, id'), ('stage,country,-city', 'stage, coalesce(country, ''''), coalesce(city, '''') desc, id desc')) v(sort, sql);

-- Failed log-ins, in a clock that the test moves.
create function test.attempt(address text, email text default 'rita@demo.test') returns text language plpgsql as $$
declare
    detail text;
begin
    perform app.throttle(email, address);
    return 'may';
exception when sqlstate 'PT429' then
    get stacked diagnostics detail = pg_exception_detail;
    return ceil((detail::jsonb->>'retry_after')::numeric);
end $$;
create function test.later(ahead text) returns void language sql as $$ update app.test_clock set ahead = test_clock.ahead + $1::interval $$;
select is(array(select test.attempt('10.0.0.1') from generate_series(1, 5)), '{may,may,may,may,may}', 'five attempts are free');
select is(test.attempt('10.0.0.1'), '2', 'the sixth waits two seconds');
select is(test.attempt('10.0.0.99'), '2', 'so does one from the same network');
select is(test.attempt('10.0.1.1'), 'may', 'not one from another');
select is(test.attempt('10.0.0.1', 'nina@demo.test'), 'may', 'not one for another e-mail');
select is(test.attempt('10.0.0.1', 'RITA@demo.test'), '2', 'capitals make no other e-mail');
select test.later('3 seconds');
select is(test.attempt('10.0.0.1'), 'may', 'then it may');
select is(test.attempt('10.0.0.1'), '4', 'and the next waits twice as long');
create function test.waits(n int) returns text[] language plpgsql as $$
declare
    waits text[] := '{}';
begin
    for i in 1..n loop
        waits := waits || test.attempt('10.0.0.1');
        perform test.later((waits[cardinality(waits)]::int + 1) || ' seconds');
        perform test.attempt('10.0.0.1');
    end loop;
    return waits;
end $$;
select is(test.waits(9), '{4,8,16,32,64,128,256,512,900}', 'and so on up to a quarter of an hour');
select test.later('16 minutes');
select is(array(select test.attempt('10.0.0.1') from generate_series(1, 2)), '{may,900}', 'and it stays a quarter of an hour');
select test.later('25 hours');
select is(array(select test.attempt('10.0.0.1') from generate_series(1, 6)), '{may,may,may,may,may,2}', 'a quiet day is a new beginning');
select is(array(select test.attempt(null) from generate_series(1, 6)), '{may,may,may,may,may,2}', 'attempts from nowhere count together');
select is(array(select test.attempt('2001:db8::1') from generate_series(1, 6)), '{may,may,may,may,may,2}', 'as do those of one IPv6 network');
select is(test.attempt('2001:db8::ffff:1'), '2', 'of 64 bits');
update app.session set address = '10.9.9.9', created_at = app.now() where staff_id = test.id('rita');
select is(count(*) filter (where a = 'may')::int, 100 - t.failures, 'from anywhere a hundred are free')
from (select failures from app.login_throttle where net = '' and email_hash = sha256('rita@demo.test') offset 0) t, lateral (select test.attempt('10.2.' || i || '.1') a from generate_series(1, 100) i) a group by t.failures;
select is(test.attempt('10.3.3.3'), '60', 'then an unknown network waits a minute');
select is(test.attempt('10.9.9.1'), 'may', 'not one from which rita logged in lately');
select app.throttle_forget('Rita@demo.test');
select is(test.attempt('10.3.3.3'), 'may', 'the right password forgets it all');
update app.test_clock set ahead = '0';

-- The ledger's months.
create function test.months() returns text[] language sql as $$
    select array_agg(c.relname::text order by c.relname) from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'app.disclosure'::regclass and c.relname <> 'disclosure_rest' $$;
create function test.month(n int) returns text language sql as $$ select to_char(date_trunc('month', app.now() at time zone 'UTC') + make_interval(months => n), '"disclosure_"YYYY_MM') $$;
select app.partitions_ahead();
select ok(test.months() @> array(select test.month(n) from generate_series(0, 3) n), 'there are months for now and three ahead');
update app.test_clock set ahead = '5 months';
update app.session set expires_at = app.now() + interval '1 hour';
select is(test.months() @> array[test.month(0)], false, 'five months on there is none');
select is(jsonb_array_length(test.rows('rita', 'select id from api.customer_list($1, $2, ''{}'', false, null, ''name'', null, 5, null)')), 6, 'a page is answered all the same');
select is(count(*)::int, 1, 'its row is in the rest') from app.disclosure_rest where staff_id = test.id('rita');
select lives_ok('select app.partitions_ahead()', 'months are made ahead again');
select ok(test.months() @> array(select test.month(n) from generate_series(0, 3) n), 'for then and three more');
select is(count(*)::int, 0, 'the rest is empty') from app.disclosure_rest;
select is(count(*)::int, 1, 'its row has moved along') from app.disclosure where staff_id = test.id('rita') and tableoid = format('app.%s', test.month(0))::regclass;
select lives_ok('select app.partitions_ahead()', 'asking twice does nothing');
select is_empty($$select c.oid::regclass from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'app.disclosure'::regclass
    and not (c.relrowsecurity and c.relforcerowsecurity and c.relowner = 'holdfast_owner'::regrole)$$, 'each month is as shut as the whole');
update app.test_clock set ahead = '0';

-- Idempotency-Key.
create function test.create(person text, retry text, body text default '{"name": "Once"}', action text default 'customer_create') returns text language sql as $$
    select coalesce(test.rows(person, format('select coalesce(id::text, _code) as id from api.customer_create($1, $2, %L, %L)', retry, body))->0->>'id', '?') $$;
create temp table once as select test.create('rita', 'k1 f1') as id;
select is(test.create('rita', 'k1 f1'), id, 'the same key and body is done once') from once;
select is(count(*)::int, 1, 'really') from app.customer where name = 'Once';
select is(test.state('rita', 'select api.customer_create($1, $2, ''k1 f2'', ''{"name": "Twice"}'')'), 'PT422', 'the same key with another body is refused');
select isnt(test.create('nina', 'k1 f1'), id, 'it is another one of somebody else') from once;
select isnt(test.create('rita', 'k2 f1'), id, 'and with another key') from once;
select isnt(test.create('rita', null), test.create('rita', null), 'without a key everything is done');
update app.customer set owner_id = test.id('nina') where id::text = (select id from once);
select is(test.state('rita', 'select api.customer_create($1, $2, ''k1 f1'', ''{"name": "Once"}'')'), 'PT404', 'what she may not see any more she is not shown again');
update app.customer set owner_id = test.id('rita') where id::text = (select id from once);
update app.test_clock set ahead = '47 hours';
update app.session set expires_at = app.now() + interval '10 days';
select app.retry_forget();
select is(test.create('rita', 'k1 f1'), id, 'a key is kept for two days') from once;
update app.test_clock set ahead = '49 hours';
select app.retry_forget();
select isnt(test.create('rita', 'k1 f1'), id, 'and forgotten then') from once;
create extension dblink schema test;
select test.dblink_connect('other', format('host=%s port=%s dbname=%s user=postgres', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()));
select d.x as locked from test.person p, test.dblink('other', format('select pg_advisory_lock(hashtextextended(%L, 0))::text', format('retry %s %s customers.create k9', p.org, p.id))) d(x text) where name = 'rita' \gset
select is(test.state('rita', 'select api.customer_create($1, $2, ''k9 f1'', ''{"name": "x"}'')'), 'PT409', 'while the first runs the second is refused');
select is(test.state('nina', 'select api.customer_create($1, $2, ''k9 f1'', ''{"name": "x"}'')'), 'ok', 'somebody else''s is not');
select d.x as unlocked from test.dblink('other', 'select pg_advisory_unlock_all()::text') d(x text) \gset
select test.dblink_disconnect('other') is not null as left \gset
select is(test.state('rita', 'select api.customer_create($1, $2, ''k9 f1'', ''{"name": "x"}'')'), 'ok', 'behind it it may');

select * from finish();
rollback;
