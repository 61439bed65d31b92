-- visibility_test.sql: who sees how many rows of which table, against a reference in plain SQL over owners and managers. A table
-- of app without a row in the matrix fails it. HOLDFAST_TEST_SEED repeats a random run.
\getenv seed HOLDFAST_TEST_SEED
begin;
select no_plan();
\ir people.sql
\if :{?seed}
\else
    select (random() * 1000000)::int as seed \gset
\endif
select diag('visibility_test: seed ' || :seed);
select setseed(:seed / 1000000.0);

-- A deeper tree (mia below max, nina below mia), customers of nobody and of managers, archived ones, another org; and work of
-- several people, so that history, ledger, jobs and restores have rows of everybody.
select test.other_org(), test.hire('mia', 'manager', 'max');
update app.staff set manager_id = test.id('mia') where id = test.id('nina');
select test.rows(p.name, format('select id from api.customer_create($1, $2, %L, %L)', p.name || ' f',
    jsonb_build_object('name', p.name || ' ' || i)))
from test.person p, generate_series(1, 3) i where p.name not in ('axel', 'nobody');
update app.customer set owner_id = null where id in (select id from test.customers('theo') order by id limit 3);
update app.customer set archived_at = app.now() where id in (select id from test.customers('rita') order by id limit 4);
update app.customer set owner_id = test.id('mia') where id in (select id from test.customers('omar') order by id limit 2);
create temp table work as
select p.name, (test.rows(p.name, format('select id from api.customer_change($1, $2, %L, ''{*}'', ''{"city": "Bonn", "phone": "+49 1"}'')', c.id))) is null as changed
from test.person p, lateral (select k.id from test.customers(p.name) k where k.archived_at is null and k.owner_id is not null order by k.id limit 5) c where p.name <> 'axel';
-- Ada goes over rita's and rob's fields, so that taking those changes back meets conflicts.
update app.customer set city = 'Ulm' where id in (select h.record_id from app.history h where h.actor_id in (test.id('rita'), test.id('rob'), test.id('nina'), test.id('pia')) and h.field = 'city');
select test.rows(v.who, format('select _doc from api.restore_create($1, $2, null, %L)', jsonb_build_object('scope',
    jsonb_build_object('actor', test.id(v.whom), 'from', '2020-01-01T00:00:00Z', 'to', '2100-01-01T00:00:00Z'), 'reason', 'test')))
from (values ('max', 'rita'), ('rita', 'rita'), ('ada', 'omar'), ('mia', 'nina'), ('olga', 'pia'), ('mona', 'rob'), ('rob', 'rob')) v(who, whom);
insert into app.job (org_id, id, program, staff_id, session_id, request_id, status, total, created_at)
select p.org, j.id, 'restores', p.id, p.id, p.id, 'queued', 1, app.now() from test.person p, lateral (select app.uuid7() id where p.id is not null) j where p.name in ('rita', 'mia', 'max', 'rob', 'axel');
insert into app.restore (org_id, id, operation_id, staff_id, scope, reason, outside)
select j.org_id, j.id, app.uuid7(), j.staff_id, '{}', 'waiting', 0 from app.job j where j.status = 'queued';
insert into app.notice (org_id, id, staff_id, kind, actor_id, at)
select p.org, app.uuid7(), p.id, 'hand_over', p.id, app.now() from test.person p, generate_series(1, 2) where p.id is not null;
insert into app.break_glass (org_id, id, staff_id, customer_id, reason, at, expires_at)
select p.org, app.uuid7(), p.id, (select c.id from app.customer c where c.org_id = p.org order by c.id limit 1), 'x', app.now(), app.now() - interval '1 hour'
from test.person p where p.id is not null;
insert into app.exposure_day select p.org, p.id, '2026-01-01', '{1}' from test.person p where p.id is not null;
insert into app.exposure_share select p.org, p.id, false, 'x', app.now(), 1, 0 from test.person p where p.id is not null;
insert into app.exposure_grant (org_id, id, staff_id, measure, amount, reason, granted_by, at, until)
select p.org, app.uuid7(), p.id, 'customers', 1, 'x', p.id, app.now(), app.now() + interval '1 day' from test.person p where p.id is not null;
insert into app.event (org_id, id, at, kind, staff_id) select p.org, app.uuid7(), app.now(), 'test.done', p.id from test.person p, generate_series(1, 2) where p.id is not null;
insert into app.alert (org_id, id, at, rule, severity, staff_id, day, last_at, evidence, answer)
select p.org, app.uuid7(), app.now(), r.rule, 'low', p.id, '2026-01-01', app.now(), '{}', 'none' from test.person p, unnest('{read_only,decoy}'::text[]) r(rule) where p.id is not null;
insert into app.hold (org_id, id, at, staff_id, entity, record_id, customer_id, version, body, rule)
select p.org, app.uuid7(), app.now(), p.id, 'customers', c.id, c.id, 1, '{}', 'contact_changes' from test.person p, lateral (select k.id from app.customer k where k.org_id = p.org limit 1) c where p.id is not null;
insert into app.decoy (org_id, id, customer_id, made_by, at) select p.org, app.uuid7(), c.id, p.id, app.now() from test.person p, lateral (select k.id from app.customer k where k.org_id = p.org order by k.id limit 2) c where p.name in ('ada', 'otto');
insert into app.restore_item select r.org_id, r.id, n, 'customers', array[app.uuid7()] from app.restore r, generate_series(1, 2) n where r.reason = 'waiting';

-- Everybody's export, with a decision, a link and a customer of its own.
alter table app.export_decision disable trigger _100_law;
alter table app.export_ticket disable trigger _100_law;
insert into app.export (org_id, id, staff_id, entity, filter, columns, format, reason, row_count, digest, sample, approvals_needed, mark, asked_at, expires_at)
select p.org, app.uuid7(), p.id, 'customers', '{}', '{id}', 'csv', 'x', 1, '', '{}', 1, 1, app.now(), app.now() from test.person p, generate_series(1, 2) where p.id is not null;
insert into app.export_decision (org_id, export_id, staff_id, decision, note, at) select e.org_id, e.id, e.staff_id, 'approve', 'x', app.now() from app.export e;
insert into app.export_ticket (org_id, id, export_id, secret_hash, session_id, at, expires_at) select e.org_id, app.uuid7(), e.id, uuid_send(e.id), e.id, app.now(), app.now() from app.export e;
-- Everybody's import, on its way, with what belongs to it.
insert into app.import (org_id, id, staff_id, entity, dry_run, header, targets, delimiter, on_error, duplicates, operation_id, checks, created_at)
select p.org, app.uuid7(), p.id, 'customers', true, '{Name}', '{name}', 'comma', 'skip', 'tell', app.uuid7(), true, app.now() from test.person p, generate_series(1, 2) where p.id is not null;
insert into app.import_part select i.org_id, i.id, 1, '{2}', '{"{x}"}', '[]' from app.import i;
insert into app.import_key select i.org_id, i.id, 1, 2 from app.import i;
insert into app.import_error select i.org_id, i.id, 2, '[]', '{x}' from app.import i;
insert into app.import_row select i.org_id, i.id, 2, app.uuid7() from app.import i;
insert into app.export_decoy (org_id, export_id, id, record) select e.org_id, e.id, app.uuid7(), '{}' from app.export e;

-- A proposal about everybody, of one customer.
insert into app.rotation (org_id, id, segment_id, staff_id, customers, why, receivers, made_at, checked_at)
select p.org, app.uuid7(), 'prospecting', p.id, 1, '{}', '[]', app.now(), app.now() from test.person p where p.id is not null;
insert into app.rotation_item (org_id, rotation_id, n, customer_id, why, since, touches, share)
select r.org_id, r.id, 1, c.id, '{longest_days}', app.now(), 0, 0 from app.rotation r, lateral (select k.id from app.customer k where k.org_id = r.org_id limit 1) c;

-- Everybody's plan, and his wish that was asked for, each with a piece; and a decision about that.
alter table app.bulk_decision disable trigger _100_law;
insert into app.bulk (org_id, id, operation_id, staff_id, action, entity, wish, status, total, moved, session_id, request_id, asked_at, expires_at)
select p.org, app.uuid7(), app.uuid7(), p.id, 'archive', 'customers', '{}', s.status, 1, 0, p.id, p.id, app.now(), app.now() from test.person p, unnest('{planned,begun}'::text[]) s(status) where p.id is not null;
insert into app.bulk_item (org_id, bulk_id, n, records, versions, owners) select b.org_id, b.id, 1, array[b.id], '{1}', array[b.staff_id] from app.bulk b;
insert into app.bulk_decision (org_id, bulk_id, staff_id, decision, note, at) select b.org_id, b.id, b.staff_id, 'approve', 'x', app.now() from app.bulk b where b.status = 'begun';

with entry as (insert into app.outbox (org_id, id, at, kind, subject) select s.org_id, app.uuid7(), app.now(), 'test.made', '{}' from app.settings s, generate_series(1, 3) returning *),
    sent as (insert into app.delivery (org_id, id, outbox_id, channel, target, next_at, at) select e.org_id, app.uuid7(), e.id, 'email', 'x', app.now(), app.now() from entry e returning *)
insert into app.delivery_attempt (org_id, id, delivery_id, at) select s.org_id, app.uuid7(), s.id, app.now() from sent s, generate_series(1, 2);
update app.settings set notify = '{"emails": [{"email": "ada@demo.test"}]}';

select test.children();
insert into app.moved select k.org_id, k.id, k.customer_id from app.contact k order by k.id limit 50;

create function test.role_of(person text) returns text language sql stable as $$ select s.role from app.staff s where s.id = test.id(person) $$;
-- The matrix: how many rows of a table a person ought to see; null: no privilege. $1 is the person, $2 his
-- org, $3 his id, $4 those whose work he sees (null: all of his org).
create temp table matrix (relation text primary key, due text);
insert into matrix values
    ('customer', 'select count(*) from test.customers($1)'),
    ('history', 'select count(*) from app.history h where h.org_id = $2 and ($4 is null
        or h.customer_id in (select id from test.customers($1)) or exists (select from (select id, customer_id from app.contact union all select id, customer_id from app.deal
            union all select id, customer_id from app.activity union all select id, customer_id from app.offer) k where k.id = h.record_id and k.customer_id in (select id from test.customers($1))) or h.entity = ''staff'' and h.record_id = any($4))
        and (h.entity <> ''settings'' or h.field is distinct from ''notify'' or test.role_of($1) = ''admin'')'),
    ('contact', 'select count(*) from app.contact k where k.customer_id in (select id from test.customers($1))'),
    ('deal', 'select count(*) from app.deal k where k.customer_id in (select id from test.customers($1))'),
    ('activity', 'select count(*) from app.activity k where k.customer_id in (select id from test.customers($1))'),
    ('offer', 'select count(*) from app.offer k where k.customer_id in (select id from test.customers($1))'),
    ('notice', 'select count(*) from app.notice n where n.org_id = $2 and n.staff_id = $3'),
    ('break_glass', 'select count(*) from app.break_glass b where b.org_id = $2 and ($4 is null or b.staff_id = any($4))'),
    ('outbox', 'select count(*) from app.outbox o where o.org_id = $2 and test.role_of($1) = ''admin'''),
    ('delivery', 'select count(*) from app.delivery o where o.org_id = $2 and test.role_of($1) = ''admin'''),
    ('delivery_attempt', 'select count(*) from app.delivery_attempt o where o.org_id = $2 and test.role_of($1) = ''admin'''),
    ('settings', 'select 1'), ('funnel', 'select 1'),
    ('team_seen', null), ('base', null), ('habit', null),
    ('decoy', 'select count(*) from app.decoy d where d.org_id = $2 and $4 is null'),
    ('alert', 'select count(*) from app.alert a where a.org_id = $2 and a.staff_id <> $3 and ($4 is null or test.role_of($1) = ''manager'' and a.staff_id = any($4) and a.rule <> ''decoy'')'),
    ('operation', 'select count(*) from app.operation o where o.org_id = $2 and ($4 is null or o.actor_id = any($4))'),
    ('seen', 'select count(*) from app.seen t where t.org_id = $2 and ($4 is null or t.staff_id = any($4))'),
    ('exposure', 'select count(*) from app.exposure t where t.org_id = $2 and ($4 is null or t.staff_id = any($4))'),
    ('plain_sight', 'select count(*) from app.plain_sight t where t.org_id = $2 and ($4 is null or t.staff_id = any($4))'),
    ('exposure_day', 'select count(*) from app.exposure_day t where t.org_id = $2 and ($4 is null or t.staff_id = any($4))'),
    ('exposure_share', 'select count(*) from app.exposure_share t where t.org_id = $2 and ($4 is null or t.staff_id = any($4))'),
    ('exposure_grant', 'select count(*) from app.exposure_grant t where t.org_id = $2 and ($4 is null or t.staff_id = any($4))'),
    ('event', 'select count(*) from app.event t where t.org_id = $2 and ($4 is null or t.staff_id = any($4))'),
    ('hold', 'select count(*) from app.hold t where t.org_id = $2 and ($4 is null or t.staff_id = any($4))'),
    ('import', 'select count(*) from app.import t where t.org_id = $2 and ($4 is null or t.staff_id = any($4))'),
    ('import_row', 'select count(*) from app.import t where t.org_id = $2 and ($4 is null or t.staff_id = any($4))'),
    ('import_error', 'select count(*) from app.import t where t.org_id = $2 and test.role_of($1) <> ''auditor'' and ($4 is null or t.staff_id = any($4))'),
    ('import_part', 'select count(*) from app.import t where t.org_id = $2 and t.staff_id = $3'), ('import_key', 'select count(*) from app.import t where t.org_id = $2 and t.staff_id = $3'),
    ('export', 'select count(*) from app.export t where t.org_id = $2 and ($4 is null or t.staff_id = any($4))'),
    ('rotation', 'select count(*) from app.rotation t where t.org_id = $2 and ($4 is null or test.role_of($1) = ''manager'' and t.staff_id = any($4))'),
    ('rotation_item', 'select count(*) from app.rotation t where t.org_id = $2 and ($4 is null or test.role_of($1) = ''manager'' and t.staff_id = any($4))'),
    ('export_decision', 'select count(*) from app.export t where t.org_id = $2 and ($4 is null or t.staff_id = any($4))'),
    ('export_ticket', 'select count(*) from app.export t where t.org_id = $2 and (test.role_of($1) = ''admin'' or t.staff_id = $3)'),
    ('export_decoy', 'select count(*) from app.export t where t.org_id = $2 and (test.role_of($1) = ''admin'' or t.staff_id = $3)'),
    ('bulk', 'select count(*) from app.bulk t where t.org_id = $2 and (t.staff_id = $3 or t.status <> ''planned'' and ($4 is null or test.role_of($1) = ''manager'' and t.staff_id = any($4)))'),
    ('bulk_item', 'select count(*) from app.bulk t where t.org_id = $2 and t.staff_id = $3'),
    ('bulk_decision', 'select count(*) from app.bulk t where t.org_id = $2 and t.status = ''begun'' and (t.staff_id = $3 or $4 is null or test.role_of($1) = ''manager'' and t.staff_id = any($4))'),
    ('disclosure', 'select count(*) from app.disclosure d where d.org_id = $2 and ($4 is null or d.staff_id = any($4))'),
    ('job', 'select count(*) from app.job j where j.org_id = $2 and ($4 is null or j.staff_id = any($4))'),
    ('restore', 'select count(*) from app.restore r where r.org_id = $2 and ($4 is null or r.staff_id = any($4))'),
    ('restore_conflict', 'select count(*) from app.restore_conflict c join app.restore r on r.id = c.restore_id where r.org_id = $2 and ($4 is null or r.staff_id = any($4))
        and c.customer_id in (select id from test.customers($1))'),
    ('restore_item', 'select count(*) from app.restore_item i join app.restore r on r.id = i.restore_id where r.org_id = $2 and r.staff_id = $3'),
    ('retry', 'select count(*) from app.retry r where r.org_id = $2 and r.staff_id = $3'),
    ('org', 'select 1'),
    ('segment', 'select count(*) from app.segment where org_id = $2'),
    ('stage', 'select count(*) from app.stage where org_id = $2'),
    ('staff', 'select count(*) from app.staff where org_id = $2'),
    ('staff_tree', 'select count(*) from app.staff_tree where org_id = $2'),
    ('staff_segment', 'select count(*) from app.staff_segment where org_id = $2'),
    ('entity', 'select count(*) from app.entity'), ('calling_code', 'select count(*) from app.calling_code'),
    ('chore', null), ('login', null), ('login_throttle', null), ('credential', null), ('invite', null), ('session', 'select count(*) from app.session s where s.org_id = $2 and ($4 is null and (select role from app.staff where id = $3) = ''admin'' or s.staff_id = any(coalesce($4, array[$3])))'), ('refresh', null),
    ('disclosure_rest', null), ('offer_counter', null), ('moved', 'select count(*) from app.moved m where m.org_id = $2'), ('search_word', null), ('migration', null), ('loaded', null);

select set_eq($$select c.relname::text from pg_class c where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p', 'f', 'm', 'v')
        and c.relname not like 'test\_%' and c.relname !~ '^disclosure_[0-9]{4}_[0-9]{2}$'$$,
    'select relation from matrix', 'every table has a row in the matrix');
create function test.count(query text, person text) returns text language plpgsql as $$
declare
    n text;
begin
    execute query into n using person, (select p.org from test.person p where p.name = person), test.id(person), test.whose(person);
    return n;
end $$;
create temp view shown as
select p.name as person, m.relation, case when m.due is null then '42501' else test.count(m.due, p.name) end as due,
    case when jsonb_typeof(r.doc) = 'string' then r.doc #>> '{}' else r.doc->0->>'count' end as have
from matrix m, test.person p, lateral (select test.seen(p.name, format('select count(*) from app.%I', m.relation)) as doc) r;
select is_empty(format('select person, due, have from shown where relation = %L and due is distinct from have', relation),
    relation || ': everybody sees what he ought to') from matrix order by relation;
select is_empty($$select c.oid::regclass, p.name from pg_class c, test.person p
    where c.relname ~ '^disclosure_[0-9]{4}_[0-9]{2}$' and test.seen(p.name, format('select from %s', c.oid::regclass)) <> '"42501"'$$, 'nobody reaches a part of the ledger');

-- The matrix would not notice if nobody saw anything.
select is_empty($$select relation from matrix m where due is not null
    and not exists (select from shown s where s.relation = m.relation and s.person = case when m.relation in ('alert', 'decoy', 'outbox', 'delivery', 'delivery_attempt', 'rotation', 'rotation_item') then 'ada' else 'rita' end and s.have::int > 0)$$,
    'rita sees something of every table, and of what is never a rep''s an admin');
select cmp_ok(test.count((select due from matrix where relation = r), a)::int, '<', test.count((select due from matrix where relation = r), b)::int, a || ' sees less than ' || b || ' of ' || r)
from unnest('{customer,contact,deal,activity,offer,history,operation,disclosure,job,restore}'::text[]) r, (values ('rita', 'max'), ('mia', 'max'), ('max', 'ada')) v(a, b);
select is(test.count('select count(*) from test.customers($1)', 'axel'), test.count('select count(*) from test.customers($1)', 'ada'), 'the auditor sees as much as an admin');
select isnt_empty($$select from app.customer where owner_id is null$$, 'there are customers of nobody');

-- And who may write which.
create temp view writable as
select p.name as person, r.name as relation, case when test.role_of(p.name) = 'auditor' then '0' else test.count((select m.due from matrix m where m.relation = r.name), p.name) end as due,
    (test.seen(p.name, format('select count(*) from (select test.touch(%L, %L) n) t, generate_series(1, t.n)', r.name, r.edit))->0->>'count') as have
from test.person p, (values ('customer', 'notes = ''touched'''), ('contact', 'name = ''touched'''), ('deal', 'title = ''touched'''), ('activity', 'subject = ''touched'''),
    ('offer', 'archived_at = ''2000-01-01''')) r(name, edit);
create function test.touch(relation text, edit text) returns bigint language plpgsql as $$
declare
    n bigint;
begin
    execute format('update app.%I set %s where true', relation, edit);
    get diagnostics n = row_count;
    raise exception 'undone' using errcode = 'PT999', detail = n;
exception when sqlstate 'PT999' then
    return n;
end $$;
select is_empty('select * from writable where due is distinct from have', 'everybody writes the customers he ought to, and what belongs to them');
create function test.as_api(person text, statement text) returns text language plpgsql as $$
begin
    perform app.enter(test.session(person), gen_random_uuid(), 'test');
    return test.fate('holdfast_api', statement);
end $$;
create temp table deed (person text, due text, what text, statement text);
insert into deed
select v.person, v.due, v.what, format('insert into app.customer (org_id, id, name, stage, owner_id, created_at, updated_at) values (%s, %L, ''x'', ''new'', %L, now(), now())',
    (select org from test.person where name = v.org_of), app.uuid7(), test.id(v.owner))
from (values ('rita', 'ok', 'her own', 'rita', 'rita'), ('rita', '42501', 'one of nina', 'rita', 'nina'), ('rita', '42501', 'one of nobody', 'rita', ''), ('max', 'ok', 'one of nina', 'max', 'nina'),
    ('max', '42501', 'one of theo', 'max', 'theo'), ('ada', 'ok', 'one of theo', 'ada', 'theo'), ('ada', 'ok', 'one of nobody', 'ada', ''), ('ada', 'PT422', 'one in another org', 'rob', 'rob'),
    ('axel', '42501', 'any', 'axel', 'rita')) v(person, due, what, org_of, owner);
insert into deed
select v.person, v.due, v.what || ' away to ' || v.owner, format('update app.customer set owner_id = %L where id = %L', test.id(v.owner), (select c.id from test.customers(v.person) c where c.owner_id = test.id(v.person) or test.role_of(v.person) <> 'rep' and c.owner_id is not null order by c.id limit 1))
from (values ('rita', '42501', 'one', 'nina'), ('max', 'ok', 'one', 'nina'), ('max', '42501', 'one', 'theo'), ('ada', 'ok', 'one', 'theo')) v(person, due, what, owner);
-- What belongs to a customer is written with it: made for it, and not moved to another's.
insert into deed
select v.person, v.due, format('%s of %s''s', k.name, v.owner), format('insert into app.%s (org_id, id, customer_id, created_at, updated_at, %s) select c.org_id, app.uuid7(), c.id, now(), now(), %s from test.one(%L) c', k.name, k.columns, k.what, v.owner)
from (values ('rita', 'ok', 'rita'), ('rita', '42501', 'nina'), ('max', 'ok', 'nina'), ('max', '42501', 'theo'), ('ada', 'ok', 'theo'), ('ada', '42501', 'rob'), ('axel', '42501', 'rita')) v(person, due, owner),
    (values ('contact', 'name', '''x'''), ('deal', 'title, stage', '''x'', c.stage'), ('activity', 'kind, at', '''note'', now()'), ('offer', 'number, revision, currency', '''2021-'' || 10000 + (80000 * random())::int, 1, ''EUR''')) k(name, columns, what);
insert into deed
select v.person, v.due, format('%s away to one of %s''s', k, v.owner), format('with u as (update app.%s set customer_id = (test.one(%L)).id where customer_id = (test.one(%L)).id returning 1) select 1 / count(*) from u', k, v.owner, v.person)
from (values ('rita', '42501', 'nina'), ('max', 'ok', 'nina'), ('max', '42501', 'theo'), ('ada', 'ok', 'theo'), ('ada', '23503', 'rob')) v(person, due, owner), unnest('{contact,deal,activity,offer}'::text[]) k order by v.due;
insert into deed
select 'ada', '42501', s.statement, s.statement from unnest('{contact,deal,activity,offer}'::text[]) k, lateral (values (format('delete from app.%s', k)), (format('update app.%s set org_id = 2', k)),
    (format('update app.%s set id = app.uuid7()', k)), (format('update app.%s set version = 1', k)), (format('update app.%s set created_at = now()', k))) s(statement)
union all select 'ada', '42501', s, s from unnest(array['update app.activity set author_id = null', 'update app.activity set backdated = false', 'update app.contact set phone_e164 = ''+491''',
    'update app.contact set email_key = ''x''', 'update app.deal set closed_at = now()', 'update app.offer set number = ''2021-0001''', 'update app.offer set gross = 0', 'update app.offer set sent_at = now()',
    'select last from app.offer_counter', 'update app.offer_counter set last = 1']) s;
insert into deed
select v.person, v.due, 'a job as ' || v.owner, format('insert into app.job (org_id, id, program, staff_id, session_id, request_id, status, total, created_at) select org, id, ''restores'', id, id, id, ''queued'', 0, now() from test.whois(%L)', v.owner)
from (values ('rita', 'ok', 'rita'), ('rita', '42501', 'max'), ('ada', '42501', 'rita'), ('rita', '42501', 'rob')) v(person, due, owner);
insert into deed
select v.person, v.due, 'a ledger row as ' || v.owner, format('insert into app.disclosure select org, now(), id, id, id, id, ''list'', ''{}'', ''base'', false from test.whois(%L)', v.owner)
from (values ('rita', 'ok', 'rita'), ('rita', '42501', 'max'), ('ada', '42501', 'rita')) v(person, due, owner);
insert into deed
select 'rita', '42501', s.statement, s.statement from (values ('update app.history set new = null'), ('delete from app.history'), ('update app.operation set changes = 0'), ('delete from app.operation'),
    ('update app.disclosure set channel = ''x'''), ('delete from app.disclosure'), ('delete from app.customer'), ('update app.customer set org_id = 2'), ('update app.customer set version = 1'),
    ('update app.customer set segment = ''x'''), ('insert into app.staff_segment default values'), ('delete from app.restore'), ('update app.restore set scope = ''{}'''),
    ('update app.job set total = 1'), ('update app.retry set result = staff_id'), ('delete from app.retry'), ('truncate app.history'), ('insert into app.history default values')) s(statement);
create function test.one(person text) returns app.customer language sql stable security definer as $$ select c from app.customer c where c.owner_id = test.id(person) and c.archived_at is null order by c.id limit 1 $$;
create function test.whois(person text) returns test.person language sql stable security definer as $$ select p from test.person p where p.name = person $$;
insert into deed select p, 'ok', 'nobody''s ' || t, format('with u as (update app.%s returning 1) select 1 / (count(*) = 0)::int from u', t)
from unnest('{rita,max,axel}'::text[]) p, unnest(array['staff set role = ''admin''', 'settings set visibility = ''open''', 'funnel set segments = ''[]''',
    'session set revoked_at = now() where staff_id <> (select app.me())']) t;
select is(test.as_api(person, statement), due, person || ' writes ' || what) from deed;
select is(test.seen('rita', format('select id from app.restore_conflict c join app.restore r on r.id = c.restore_id where r.staff_id = %L', test.id('max'))), '[]', 'rita sees no conflicts of max''s restore');

-- Through the API, and after 200 random hand-overs and moves in the tree.
create function test.pick() returns test.person language sql volatile as
    $$ select p from test.person p, app.staff s where s.id = p.id and s.email like '%@demo.test' order by random() limit 1 $$;
create function test.shuffle(n int) returns int language plpgsql as $$
declare
    refused int := 0;
begin
    for i in 1..n loop
        begin
            if random() < 0.6 then
                update app.customer set owner_id = case when random() < 0.9 then (test.pick()).id end
                where id in (select c.id from app.customer c where c.org_id = (select org from test.person where name = 'ada') order by random() limit 1 + (random() * 9)::int);
            elsif random() < 0.3 then
                update app.staff set segments = array(select g from unnest('{prospecting,negotiation,closing}'::text[]) g where random() < 0.6)
                where id = (select (p).id from (select test.pick() p) p);
            elsif random() < 0.6 then
                update app.staff set manager_id = case when random() < 0.8 then (select s.id from app.staff s, test.person p where p.id = s.id and s.email like '%@demo.test' order by random() limit 1) end
                where id = (select (p).id from (select test.pick() p) p);
            else
                update app.staff set role = (array['rep', 'rep', 'manager', 'manager', 'admin', 'auditor'])[1 + floor(random() * 6)::int]
                where id = (select (p).id from (select test.pick() p) p);
            end if;
        exception when sqlstate 'PT422' or sqlstate 'PT409' then
            refused := refused + 1;   -- a cycle, or the last admin
        end;
    end loop;
    return refused;
end $$;
-- Whose list is wrong after n of them.
create function test.wrong(n int) returns table (person text, role text, missing bigint, leaked bigint) language plpgsql as $$
begin
    perform test.shuffle(n);
    return query select p.name, test.role_of(p.name),
        (select count(*) from unnest(p.due) i where i <> all(p.shown)), (select count(*) from unnest(p.shown) i where i <> all(p.due))
    from (select t.name, array(select unnest(test.pages(t.name, lim => 90)) id order by id) as shown,
        array(select c.id from test.customers(t.name) c where c.archived_at is null order by c.id) as due from test.person t offset 0) p
    where p.shown <> p.due;
end $$;
select is_empty('select * from test.wrong(0)', 'the list shows everybody what he ought to see');
select is_empty('select * from test.wrong(50)', 'and after ' || 50 * i || ' hand-overs and moves') from generate_series(1, 4) i;
select is_empty($$select t.above_id, t.below_id from app.staff_tree t where not exists (select from test.below(t.above_id) b where b = t.below_id)$$, 'the tree says nobody is below whom he is not below');
select is_empty($$select s.id, b from app.staff s, test.below(s.id) b where not exists (select from app.staff_tree t where t.above_id = s.id and t.below_id = b)$$, 'and leaves nobody out');
select is_empty(format('select person, due, have from shown where relation = %L and due is distinct from have', relation),
    relation || ': everybody sees what he ought to after it') from matrix where relation in ('customer', 'contact', 'deal', 'activity', 'offer', 'history', 'operation', 'disclosure', 'job', 'restore');
select is_empty('select * from writable where due is distinct from have', 'everybody writes what he ought to after it');
-- One customer by its id is 404 exactly where the list would not have it.
select is_empty($$select p.name, c.id, g.state from test.person p, (select * from app.customer order by random() limit 30) c,
        lateral (select test.state(p.name, format('select api.customer_get($1, $2, %L, null, null)', c.id)) as state) g
    where g.state <> case when exists (select from test.customers(p.name) v where v.id = c.id) then 'ok' else 'PT404' end$$, 'a hidden customer is a missing one');
select is_empty($$select p.name, c.id from test.person p, (select * from app.customer order by random() limit 30) c
    where p.org = c.org_id and test.state(p.name, format('select api.customer_history($1, $2, %L, ''{}'', null, 9)', c.id))
        <> case when exists (select from test.customers(p.name) v where v.id = c.id) then 'ok' else 'PT404' end$$, 'and has no history');

select * from finish();
rollback;
