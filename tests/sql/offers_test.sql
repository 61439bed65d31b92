-- offers_test.sql: what an offer comes to, and what may change of it, by SQL typed as the role of the api.
begin;
select no_plan();
\ir people.sql

-- Lines: what is wrong is named, what is right is kept in one form.
create function test.lines(lines jsonb) returns jsonb language plpgsql as $$
declare
    said text;
begin
    return app.offer_lines(lines);
exception when sqlstate 'PT422' then
    get stacked diagnostics said = pg_exception_detail;
    return to_jsonb((said::jsonb->'errors'->0->>'pointer') || ' ' || (said::jsonb->'errors'->0->>'code'));
end
$$;
create function test.line(more jsonb default '{}') returns jsonb
language sql as $$ select '{"description": "x", "quantity": 2, "unit_price": 100}' || more $$;

select is(test.lines(v.lines), v.due, coalesce(left(v.lines::text, 90), 'null')) from (values
    ('[]', '[]'::jsonb), (null, '"/lines type"'), ('{}', '"/lines type"'), ('[1]', '"/lines/0 type"'), ('[[]]', '"/lines/0 type"'), ('[{}]', '"/lines/0/description required"'),
    ((select jsonb_agg(test.line()) from generate_series(1, 201)), '"/lines count"')) v(lines, due);
select is(test.lines(jsonb_build_array(test.line(), test.line(v.more))), to_jsonb('/lines/1/' || v.due), v.more::text) from (values
    ('{"description": null}'::jsonb, 'description required'), ('{"description": 5}', 'description required'), ('{"description": " \n"}', 'description required'), (jsonb_build_object('description', repeat('x', 501)), 'description required'),
    ('{"quantity": 0}', 'quantity range'), ('{"quantity": 0.00}', 'quantity range'), ('{"quantity": -1}', 'quantity range'), ('{"quantity": "1"}', 'quantity range'), ('{"quantity": null}', 'quantity range'),
    ('{"quantity": 1000000.0001}', 'quantity range'), ('{"quantity": 0.00001}', 'quantity range'), ('{"quantity": 1e1000}', 'quantity range'), ('{"unit_price": -1}', 'unit_price range'), ('{"unit_price": 0.5}', 'unit_price range'),
    ('{"unit_price": 1000000000001}', 'unit_price range'), ('{"discount": 100.01}', 'discount range'), ('{"discount": 0.001}', 'discount range'), ('{"discount": null}', 'discount range'), ('{"discount": true}', 'discount range'),
    ('{"tax": -1}', 'tax range'), ('{"tax": 19.999}', 'tax range'), ('{"colour": 1}', 'colour unknown'), ('{"a/b~c": 1}', 'a~1b~0c unknown')) v(more, due);
select is(app.offer_lines('[{"tax": 1.90e1, "quantity": 1000000.0000, "unit_price": 1000000000000, "description": "ß"}]')::text,
    '[{"tax": 19, "discount": 0, "quantity": 1000000, "unit_price": 1000000000000, "description": "ß"}]', 'as short as can be, with all members');

-- Totals: half a unit up, each line once, the tax of each rate once, by products alone.
select is((select t.net || ' ' || t.tax from app.offer_total(app.offer_lines(v.lines)) t), v.due, v.what) from (values
    ('[]'::jsonb, '0 0', 'nothing'), (jsonb_build_array(test.line('{"quantity": 0.005}'), test.line('{"quantity": 0.005}')), '2 0', 'lines are rounded, half up'),
    (jsonb_build_array(test.line('{"unit_price": 3, "quantity": 1, "tax": 10}'), test.line('{"unit_price": 2, "quantity": 1, "tax": 10.0}')), '5 1', 'the tax of a rate is rounded once'),
    (jsonb_build_array(test.line('{"unit_price": 3, "quantity": 1, "tax": 10}'), test.line('{"unit_price": 2, "quantity": 1, "tax": 10.01}')), '5 0', 'and of each rate'),
    (jsonb_build_array(test.line('{"discount": 100}')), '0 0', 'all off')) v(lines, due, what);
select is((select t.tax from app.offer_total('[{"tax": 0.01, "discount": 0, "quantity": 1, "unit_price": 900000000004999, "description": "x"}]') t), 90000000000::numeric, 'a fraction of .4999 is not rounded up');

-- How it stands on a day, and until when it could be accepted.
select is(app.offer_status(v.status, '2026-02-28', v.today::date), v.due, v.status || ' on ' || v.today) from (values
    ('draft', '2026-03-01', 'draft'), ('sent', '2026-02-28', 'sent'), ('sent', '2026-03-01', 'expired'), ('accepted', '2026-03-01', 'accepted'), ('declined', '2026-03-01', 'declined')) v(status, today, due);
select is(app.offer_status('sent', null, '2999-01-01'), 'sent', 'without a last day it does not expire');
select is(app.offer_valid_to(v.status, v.until::date, v.decided::timestamptz, v.superseded::timestamptz), v.due::timestamptz, v.what) from (values
    ('draft', '2026-01-01', null, null, null, 'a draft is not valid'), ('sent', null, null, null, null, 'no end'), ('sent', '2026-01-01', null, null, '2026-01-02 00:00Z', 'its last day ends'),
    ('sent', '2026-01-01', null, '2025-12-31 12:00Z', '2025-12-31 12:00Z', 'superseded before'), ('sent', '2026-01-01', null, '2026-02-01 12:00Z', '2026-01-02 00:00Z', 'superseded when it had ended'),
    ('declined', '2026-01-01', '2025-12-01 12:00Z', '2025-12-31 12:00Z', '2025-12-01 12:00Z', 'declined'), ('accepted', '2026-01-01', '2025-12-01 12:00Z', null, '2026-01-02 00:00Z', 'accepted')) v(status, until, decided, superseded, due, what);

-- The guard. Rita's offers, one in each state; what she changes is done as the role of the api, with her rights and nobody's checks.
create temp table o (name text primary key, id uuid);
grant select on o to public;
create function test.make(name text) returns uuid language plpgsql as $$
declare
    c   uuid;
    one uuid;
begin
    c := (test.rows('rita', $q$select id from api.customer_create($1, $2, null, '{"name": "Adler", "currency": "EUR"}')$q$)->0->>'id')::uuid;
    one := (test.rows('rita', format('select id from api.offer_create($1, $2, null, %L)', jsonb_build_object('customer_id', c, 'valid_until', '2999-01-01', 'title', 'A', 'lines', jsonb_build_array(test.line()))))->0->>'id')::uuid;
    insert into o values (name, one);
    return one;
end
$$;
\o /dev/null
select test.make(n) is not null from unnest('{draft,sent,accepted,declined,superseded}'::text[]) n;
select test.rows('rita', format('select id from api.offer_send($1, $2, null, %L, null, ''{}'')', id)) is not null from o where name <> 'draft';
select test.rows('rita', format('select id from api.offer_accept($1, $2, null, %L, ''{}'')', id)) is not null from o where name = 'accepted';
select test.rows('rita', format('select id from api.offer_decline($1, $2, null, %L, ''{"reason": "x"}'')', id)) is not null from o where name = 'declined';
insert into o select 'next', (test.rows('rita', format('select id from api.offer_revise($1, $2, null, %L, ''{}'')', id))->0->>'id')::uuid from o where name = 'superseded';
select test.rows('rita', format('select id from api.offer_send($1, $2, null, %L, null, ''{}'')', id)) is not null from o where name = 'next';
\o
select set_eq('select o.name, t.status, t.superseded_at is not null from o join app.offer t using (id)', $$values ('draft', 'draft', false), ('sent', 'sent', false), ('accepted', 'accepted', false),
    ('declined', 'declined', false), ('superseded', 'sent', true), ('next', 'sent', false)$$, 'there is one in each state');

create function test.writes(name text, edit text, via text default 'api') returns text language plpgsql as $$
declare
    fate text;
begin
    perform app.enter(test.session('rita'), gen_random_uuid(), 'test');
    perform set_config('app.via', via, true);
    begin
        fate := test.fate('holdfast_api', format('update app.offer set %s where id = %L', edit, (select o.id from o where o.name = writes.name)));
        raise exception using errcode = 'ZZ000', message = fate;   -- nothing stays
    exception when sqlstate 'ZZ000' then
        return fate;
    end;
end
$$;
select is(test.writes(n, e), case when n = 'draft' then 'ok' else 'PT409' end, n || ': ' || e)
from unnest('{draft,sent,accepted,declined,superseded}'::text[]) n, unnest(array['title = ''B''', 'currency = ''USD''', 'lines = ''[]''', 'valid_until = null', 'notes = ''n''']) e;
select is(test.writes(n, e, 'restore'), 'PT409', n || ' in a restore: ' || e)
from unnest('{sent,accepted,declined,superseded}'::text[]) n, unnest(array['title = ''B''', 'lines = ''[]''', 'valid_until = null', 'status = ''draft''', 'superseded_at = ''2020-01-01''', 'promised_by = null']) e;
select is(test.writes(n, 'archived_at = now()'), 'ok', n || ' goes with its customer') from unnest('{draft,sent,accepted,declined,superseded}'::text[]) n;
select is(test.writes(n, format('customer_id = %L', (select t.customer_id from app.offer t join o using (id) where o.name = 'next'))), 'ok', n || ' goes to another customer') from unnest('{draft,sent,accepted,declined,superseded}'::text[]) n;
select is(test.writes(v.name, format('status = %L', v.status), v.via), v.due, format('%s to %s by %s', v.name, v.status, v.via)) from (values
    ('draft', 'accepted', 'api', 'PT409'), ('draft', 'accepted', 'restore', 'PT409'), ('sent', 'draft', 'api', 'PT409'), ('sent', 'accepted', 'api', 'ok'), ('sent', 'declined', 'api', 'ok'),
    ('accepted', 'sent', 'api', 'PT409'), ('accepted', 'declined', 'api', 'PT409'), ('declined', 'accepted', 'api', 'PT409'), ('declined', 'sent', 'api', 'PT409'),
    ('accepted', 'sent', 'restore', 'ok'), ('declined', 'sent', 'restore', 'ok'), ('declined', 'accepted', 'restore', 'ok'), ('superseded', 'accepted', 'api', 'PT409'), ('superseded', 'accepted', 'restore', 'PT409')) v(name, status, via, due);
select is(test.writes(v.name, v.edit, v.via), v.due, format('%s: %s by %s', v.name, v.edit, v.via)) from (values
    ('accepted', 'reason = ''y''', 'api', 'PT409'), ('declined', 'reason = ''y''', 'api', 'PT409'), ('declined', 'reason = ''y''', 'restore', 'ok'), ('sent', 'superseded_at = now()', 'api', 'PT409'),
    ('draft', 'superseded_at = now()', 'api', 'PT409'), ('superseded', 'superseded_at = null', 'api', 'PT409'), ('accepted', 'superseded_at = now()', 'restore', 'PT409'),
    ('draft', 'promised_by = ''' || test.id('rita') || '''', 'api', 'PT409')) v(name, edit, via, due);
create function test.changes(name text, edit text, what text) returns text language plpgsql as $$
declare
    seen text;
begin
    perform app.enter(test.session('rita'), gen_random_uuid(), 'test');
    perform set_config('app.via', 'restore', true);
    begin
        execute format('update app.offer t set %s where id = %L returning %s', edit, (select o.id from o where o.name = changes.name), what) into seen;
        raise exception using errcode = 'ZZ000', message = coalesce(seen, '-');
    exception when sqlstate 'ZZ000' then
        return sqlerrm;
    end;
end
$$;
select is(test.changes(v.name, v.edit, v.what), v.due, v.name || ': ' || v.edit || ' makes ' || v.what) from (values
    ('declined', 'status = ''sent''', 'concat_ws('' '', reason, decided_at)', ''), ('sent', 'reason = ''x''', 'reason', '-'), ('draft', 'net = 5, tax = 5, gross = 5', 'net + tax + gross', '400'),
    ('sent', 'sent_at = null, decided_at = now()', 'decided_at is null and sent_at is not null', 'true'), ('draft', 'lines = ''[{"description": "x", "quantity": 1, "unit_price": 7, "tax": 50}]''', 'net || '' '' || tax || '' '' || gross', '7 4 11'),
    ('sent', 'status = ''accepted''', 'decided_at = updated_at', 'true')) v(name, edit, what, due);
select throws_ok($$insert into app.offer (org_id, id, customer_id, number, revision, currency, status, created_at, updated_at) select t.org_id, app.uuid7(), t.customer_id, '2001-0001', 1, 'EUR', 'sent', now(), now()
    from app.offer t join o using (id) where o.name = 'sent'$$, 'PT422', 'invalid_value', 'an offer begins as a draft');

-- What may not be said in a body stays what it is, whoever calls the function.
select is((test.rows('rita', format('select status, number, promised_by, gross, superseded_at, org_id from (select o.*, o._org as org_id from api.offer_create($1, $2, null, %L) o) o',
    jsonb_build_object('customer_id', t.customer_id, 'status', 'sent', 'number', '2001-0001', 'promised_by', test.id('nina'), 'gross', 5, 'superseded_at', '2020-01-01', 'org_id', 77)))->0) - 'number',
    jsonb_build_object('status', 'draft', 'promised_by', null, 'gross', 0, 'superseded_at', null, 'org_id', t.org_id), 'a new one is a draft of its org') from app.offer t join o using (id) where o.name = 'sent';
select ok(not exists (select from app.offer where number = '2001-0001'), 'and its number is given to it');
select is(test.state('rita', format('select * from api.offer_change($1, $2, %L, ''{}'', ''{"title": "x"}'')', id)), 'ok', 'an empty If-Match is answered') from o where name = 'draft';
select is((test.rows('rita', format('select _status from api.offer_change($1, $2, %L, ''{}'', ''{"title": "x"}'')', id))->0->>'_status')::int, 412, 'with 412') from o where name = 'draft';

-- A key is good for one offer: programs say that in the fingerprint, and a caller who does not is told.
\o /dev/null
select test.make(n) from unnest('{one,two}'::text[]) n;
\o
select is(array(select test.state('rita', format('select * from api.offer_send($1, $2, ''k f'', %L, null, ''{}'')', o.id)) from o where o.name in ('one', 'two') order by o.name), '{ok,PT422}', 'sent with one key');

-- Ten thousand of a year.
update app.offer_counter set last = 9998;
select is(array(select (test.rows('rita', format('select number from api.offer_create($1, $2, null, %L)', jsonb_build_object('customer_id', t.customer_id)))->0->>'number') from app.offer t join o using (id), generate_series(1, 2) where o.name = 'sent'),
    array(select to_char(app.today(), 'YYYY-') || n from unnest('{9999,10000}'::text[]) n), 'numbers go on behind 9999');

select * from finish();
rollback;
