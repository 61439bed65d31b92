-- leaks_test.sql: from which export a text is, and that nobody is accused of one that is not his.
begin;
select no_plan();
\ir people.sql
select test.other_org(), test.log_in();
select setseed(0.42);

-- What a spelling says.
select is(app.mark_of_phone(v.phone), v.mark, format('mark_of_phone(%L)', v.phone)) from (values ('+49 30 555 000 12', 0), ('+49 30 555 00 012', 1), ('+49-30-555-000-12', 0), ('030.555.00.012', 1), (U&'+49 30 555\00A0000\00A012', 0),
    ('+49 30 5550 0012', null), ('+493055500012', null), ('01 42 68 53 00', null), ('01 42 6 853 00', 0), ('+49 ( 301 23', 0), ('12 345', null), ('1 123 45', null), ('12 123 45', 0), ('+49 30 ***-*0 012', null), ('+49 30 5550 ext. 12 345', null),
    ('+49 30 555 000 12 ', null), ('+49 30 555000 12', null), ('', null), (null, null)) v(phone, mark);
select is(app.mark_of_email(v.email), v.mark, format('mark_of_email(%L)', v.email)) from (values ('info@firm.example', 0), ('Info@Firm.example', 1), ('INFO@z.example', 0), ('a@Z', 1), ('a@1firm.example', null), ('a@ärger.example', null), ('nobody', null), ('', null), (null, null)) v(email, mark);
select is((select array_agg(distinct app.marks(gen_random_uuid(), m) order by app.marks(gen_random_uuid(), m)) from generate_series(1, 200) m), '{0,1,2,3}', 'a row has one of four marks');
select is(app.marks('00000000-0000-7000-8000-000000000001', 42), (uuid_hash_extended('00000000-0000-7000-8000-000000000001', 42) & 3)::int, 'and always the same');

-- What is in a text.
create function test.values_are(leak text, due text[], says text) returns text language sql as $$
    select is(array(select v.value from app.leak_values(leak) v order by v.value collate "C"), array(select d from unnest(due) d order by d collate "C"), says)
$$;
select test.values_are(leak, due, says) from (values
    (e'id,name,email,phone\r\n0190b2c3-7d4e-7abc-8def-012345678901,"Adler, Werke",info@Adler.example,\'+49 30 555 000 12\r\n"0190b2c3-7d4e-7abc-8def-012345678902","O""Neil",o\'neil@neil.example,"+49 30 555 00 013"\r\n',
        '{info@Adler.example,"+49 30 555 000 12",o''neil@neil.example,"+49 30 555 00 013"}'::text[], 'CSV as it was'),
    (e'Adler;\'info@adler.example\';030 555 000 12;10115 Berlin\n', '{info@adler.example,"030 555 000 12"}', 'semicolons'), (e'info@adler.example\t+49 30 555 000 12\t+49 30 555 000 13', '{info@adler.example,"+49 30 555 000 12","+49 30 555 000 13"}', 'tabs'),
    ('a@b.example|+493055500012|(030) 5550-12|1250000|125000000', '{a@b.example,+493055500012,"(030) 5550-12",125000000}', 'bars, and an amount'),
    ('{"email":"a@b.example","phone":"+49 30 555 00 012","created_at":"2026-03-04T10:20:30.123456Z","value":1250000,"version":3}', '{a@b.example,"+49 30 555 00 012"}', 'NDJSON'),
    ('Ring Anna (anna@b.example, mobile 0171 55 512 34) before 04.05.2026 or 2026-05-04 10:00, else <karin@c.example>. Or “nils@d.example”!', '{anna@b.example,"0171 55 512 34",karin@c.example,nils@d.example}', 'prose'),
    ('x@y.example x@y.example X@y.example +49 30 555 00 012, +49 30 555 00 012', '{X@y.example,x@y.example,"+49 30 555 00 012"}', 'each spelling once'),
    ('=+49 30 555 00 012 +49 30 555 00 013', '{"+49 30 555 00 012","+49 30 555 00 013"}', 'a plus begins another one'), ('+49 30 5550 ext. 12; tel:+49-30-5551-12', '{"+49 30 5550 ext. 12",+49-30-5551-12}', 'an extension'), ('٠١٠ ١٢٣٤ ٥٦٧٨', '{٠١٠ ١٢٣٤ ٥٦٧٨}', 'other digits'),
    ('info@grün.example, mailto:a.b+c@d-e.example.', '{info@grün.example,a.b+c@d-e.example}', 'domains'), ('12345 a@b @c d@ 1.2.3 a1234567b 1234567', '{}', 'nothing'), ('', '{}', 'of nothing'), (null, '{}', 'of null')) v(leak, due, says);
select results_eq($$select kind, key, flag, shown from app.leak_marks('a@B.example A@B.example b@c.example b@C.example +49 30 555 000 12 +49 30 55500012 +49 30 555 000 13 +49 30 555 00 013 +49 30 555 00 014') order by n$$,
    $$values ('email', 'a@b.example', 2, 2), ('email', 'b@c.example', 2, null), ('phone', '+493055500012', 1, 0), ('phone', '+493055500013', 1, null), ('phone', '+493055500014', 1, 1)$$, 'what stands there in both spellings tells nothing');
select is((select array_agg(distinct shown) from app.leak_marks((select string_agg('a' || g || '@b.example', ' ') from generate_series(1, 8) g))), '{null}', 'eight e-mails of one case were made alike');
select is((select array_agg(distinct shown) from app.leak_marks((select string_agg('a' || g || '@b.example', ' ') from generate_series(1, 7) g))), '{0}', 'seven may be so by themselves');

-- The probability.
select is(round(app.leak_probability(v.fit, v.against, v.decoys, v.exports)::numeric, 4), v.due, format('leak_probability(%s, %s, %s, %s)', v.fit, v.against, v.decoys, v.exports)) from (values (0, 0, 0, 1, 0.0000), (0, 0, 1, 1, 0.9990), (0, 0, 1, 200, 0.8333), (0, 0, 2, 200, 1.0000),
    (64, 0, 0, 200, 1.0000), (40, 0, 0, 200, 0.4222), (40, 1, 0, 200, 0.2262), (96, 32, 0, 200, 0.0351), (64, 64, 0, 200, 0.0000), (768, 256, 0, 200, 1.0000), (100000, 0, 0, 1000, 1.0000), (0, 100000, 0, 1000, 0.0000), (100000, 100000, 3, 1000, 0.0000)) v(fit, against, decoys, exports, due);

-- 2,000 customers, written as people write: some of their numbers grouped as an export might, some domains with a capital.
create table test.base as
select app.uuid7() as id, g, 'Base ' || g as name, case when g % 9 = 0 then null else 'mail' || g || '@' || case when random() < 0.2 then 'Base' else 'base' end || g % 700 || '.example' end as email,
    case g % 4 when 0 then format('+49 40 %s %s 5%s', 100 + g / 100, 10 + g % 90, lpad((g % 100)::text, 2, '0')) when 1 then format('040 %s %s', 2000 + g, 1000 + g)
        when 2 then format('+33 1 %s %s', 10 + g % 90, lpad(g::text, 6, '0')) else format('(040) %s-%s', 300 + g / 100, 10000 + g) end as phone
from generate_series(1, 2000) g;
insert into app.customer (org_id, id, name, email, phone, country, stage, owner_id, created_at, updated_at)
select p.org, b.id, b.name, b.email, b.phone, case b.g % 4 when 2 then 'FR' else 'DE' end, 'new', p.id, app.now(), app.now() from test.base b, test.person p where p.name = 'rita';

-- They are made up: nobody asked for them.
alter table app.export_ticket disable trigger _100_law;

-- Exports of 600 of them each, of which pairs have the same ones: sixty, two hundred in the end.
create function test.exported(person text, entity text, customers uuid[], taken timestamptz) returns uuid language plpgsql as $$
declare
    p test.person := (select t from test.person t where t.name = person);
    e uuid := app.uuid7();
    r uuid := gen_random_uuid();
begin
    insert into app.export (org_id, id, staff_id, entity, filter, columns, format, reason, row_count, digest, sample, approvals_needed, status, mark, asked_at, expires_at, downloaded_at)
    values (p.org, e, p.id, entity, '{}', '{name,email,phone}', 'csv', 'test', cardinality(customers), '\x00', '{}', 1, 'downloaded', (random() * 2 ^ 62)::bigint, taken - interval '1 hour', taken + interval '1 day', taken);
    insert into app.export_ticket (org_id, id, export_id, secret_hash, session_id, at, expires_at, status, request_id, taken_at)
    values (p.org, app.uuid7(), e, sha256(uuid_send(e)), e, taken - interval '1 minute', taken, 'done', r, taken);
    insert into app.disclosure (org_id, at, id, request_id, staff_id, session_id, channel, customer_ids, classes, masked)
    select p.org, taken, app.uuid7(taken + make_interval(secs => n)), r, p.id, e, 'export', customers[1 + 250 * n : 250 * (n + 1)], 'base contact', false from generate_series(0, (cardinality(customers) - 1) / 250) n;
    return e;
end
$$;
create table test.made (g int primary key, id uuid not null);
create function test.export(first int, last int) returns void language sql as $$
    insert into test.made select s.g, test.exported((array['rita', 'nina', 'omar', 'max'])[1 + s.g % 4], 'customers',
        array(select b.id from test.base b order by hashint8extended(b.g, s.g / 2) limit 600), app.now() - make_interval(hours => s.g)) from generate_series(first, last) s(g)
$$;
select test.export(1, 60);

-- As the file has them: the last five digits grouped anew, the domain in its case; a customer's e-mail and phone in a line.
create function test.phone(phone text, flag int) returns text language sql as $$
    select case when phone ~ '[^0-9 ()./+-]' or m is null or char_length(regexp_replace(phone, '[^0-9]', '', 'g')) < 7 then phone
        else rtrim(m[1], ' -/.()') || case when flag = 0 then format(' %s%s%s %s%s', variadic m[2:6]) else format(' %s%s %s%s%s', variadic m[2:6]) end end
    from regexp_match(phone, '^(.*)([0-9])[^0-9]*([0-9])[^0-9]*([0-9])[^0-9]*([0-9])[^0-9]*([0-9])$') m
$$;
create function test.email(email text, flag int) returns text language sql as $$
    select overlay(email placing case when flag = 0 then lower(d) else upper(d) end from strpos(email, '@') + 1 for 1) from substr(email, strpos(email, '@') + 1, 1) d
$$;
select is(test.phone('+49 30 5550 0012', flag), due, 'the test spells as the file: ' || due) from (values (0, '+49 30 555 000 12'), (1, '+49 30 555 00 012')) v(flag, due);
create view test.line as
select m.g, b.id, b.email, b.phone, (app.marks(b.id, e.mark) >> 1) & 1 as email_flag, app.marks(b.id, e.mark) & 1 as phone_flag
from test.made m join app.export e on e.id = m.id join app.export_ticket t on t.export_id = m.id join app.disclosure d on d.request_id = t.request_id
cross join lateral unnest(d.customer_ids) x(id) join test.base b on b.id = x.id;
-- Some lines of a file in any order, a part of whose values somebody changed.
create function test.leak(g int, n int, altered float8 default 0) returns text language sql as $$
    select string_agg(concat_ws(',', test.email(l.email, l.email_flag # (random() < altered)::int), test.phone(l.phone, l.phone_flag # (random() < altered)::int)), e'\n')
    from (select * from test.line l where l.g = leak.g order by random() limit n) l
$$;
create function test.asked(leak text, person text default 'ada') returns jsonb language sql as $$
    select (test.rows(person, format('select _doc from api.leak_find($1, $2, null, %L)', jsonb_build_object('text', leak))))->0->'_doc'
$$;
-- The numbers of the exports that are named, with at least this probability.
create function test.named(doc jsonb, atleast numeric default 0.01) returns int[] language sql as $$
    select array(select m.g from jsonb_array_elements(doc->'exports') x join test.made m on m.id = (x->>'export_id')::uuid where (x->>'probability')::numeric >= atleast order by 1)
$$;

-- Texts with customers as they write themselves, which nobody took from here: those whose numbers look as if they were marked.
select is_empty($$select g, doc->'exports' from (select g, test.asked((select string_agg(concat_ws(',', email, phone), e'\n') from (select * from test.base b where b.g % 4 = 0 order by hashint8extended(b.g, -n.g) limit 64) b)) as doc from generate_series(1, 200) n(g)) t where doc->'exports' <> '[]'$$, 'of 200 innocent texts none names anybody');

-- Who is named.
select test.export(61, 200);
create table test.told as select g, test.asked(test.leak(g, 64)) as doc from unnest('{1,2,3,77,200}'::int[]) g;
select is(test.named(doc), array[g], '64 rows in any order name the one of 200, and nobody else') from test.told;
select is(test.named(doc, 0.99), array[g], 'for certain') from test.told;
select results_eq($$select (x->>'export_id')::uuid, (x->>'staff_id')::uuid, x->>'staff_name', x->>'entity', x->'downloaded_at', x#>'{evidence,marks,against}', x#>'{evidence,decoys}', x#>'{evidence,rows}', x#>'{evidence,rows_in_set}'
        from test.told t, jsonb_array_elements(t.doc->'exports') x where t.g = 77$$,
    $$select e.id, e.staff_id, s.name, 'customers', app.time_json(e.downloaded_at), '0'::jsonb, '[]'::jsonb, '64'::jsonb, '64'::jsonb from test.told t join test.made m on m.g = t.g join app.export e on e.id = m.id join app.staff s on s.id = e.staff_id where t.g = 77$$, 'with what speaks for it');
select ok((doc->>'rows')::int between 100 and 128 and doc->>'unknown' = '0', 'each e-mail and each number names somebody') from test.told where g = 77;
select is(test.named(test.asked(test.leak(5, 512, 0.2)), 0.99), '{5}', 'though a fifth was altered');
select is(test.named(test.asked(test.leak(10, 200) || e'\n' || test.leak(40, 200)), 0.99), '{10,40}', 'of two laid together both');
select is(test.named(test.asked(test.leak(20, 600) || e'\n' || test.leak(21, 600)), 0.99), '{20,21}', 'of the same customers, whose values are there in both spellings');
select is(test.named(test.asked(replace(test.leak(7, 64), ' ', '-'))), '{7}', 'though the blanks are something else');
select is(test.named(test.asked(lower(test.leak(7, 200)))), '{7}', 'though the e-mails were made alike, by the phones');
select is(test.named(test.asked(regexp_replace(test.leak(7, 200), '[ ()-]', '', 'g'))), '{7}', 'though the phones were made alike, by the e-mails');
create table test.plain as select regexp_replace(lower(test.leak(7, 600)), '[ ()-]', '', 'g') as leak;
select is(test.asked(leak)->'exports', '[]', 'but not though both were') from test.plain;
select is(test.asked(v.leak), jsonb_build_object('rows', 0, 'unknown', v.n, 'exports', '[]'::jsonb), 'a text without customers') from (values ('nobody@nowhere.example, +49 30 999 888 77', 2), ('Dear all, see you on 2026-05-04.', 0), ('', 0)) v(leak, n);

-- Decoys. Two have the same number, one the e-mail of a customer.
insert into app.export_decoy select e.org_id, e.id, app.uuid7(), jsonb_build_object('name', v.name, 'email', v.email, 'phone', v.phone, 'country', 'DE')
from (values (7, 'Alster Systems', 'info@alstersystems.example', '+49 30 23125 123'), (8, 'Brenner Tools', 'office@brennertools.example', '040 5550 77123'), (9, 'Corvin Supply', 'mail@corvinsupply.example', '+49 30 23125 123'),
    (11, 'Base 1', (select email from test.base where g = 1), '+49 30 23125 124')) v(g, name, email, phone) join test.made m on m.g = v.g join app.export e on e.id = m.id;
select is(test.named(test.asked(leak || e'\nALSTERSYSTEMS,info@alstersystems.example')), '{7}', 'a decoy''s e-mail') from test.plain;
select is(test.named(test.asked(v.leak)), v.due, v.leak) from (values ('Ask Alster-Systems for it', '{7}'::int[]), ('Ask Alster Systemstechnik', '{}'), ('Office@BrennerTools.example', '{8}'), ('+49 40 555 077 123', '{8}'), ('(040) 555 077 123', '{8}'), ('+49 30 231 251 23', '{}'),
    ('+49 30 231 251 24', '{11}'), ('Base 1', '{}'), ('Alster Systems and Brenner Tools', '{7,8}')) v(leak, due);
select is(test.asked((select email from test.base where g = 1))->'exports', '[]', 'what is a customer''s too is no sign of a decoy');
select ok((select (x->>'probability')::numeric > 0.99 and jsonb_array_length(x#>'{evidence,decoys}') = 1 from jsonb_array_elements(test.asked(test.leak(7, 64) || ' info@alstersystems.example +49 30 231 251 23 Alster Systems')->'exports') x), 'one decoy counts once');

-- Values of once: who has another number and another e-mail now is known all the same.
create table test.old as select test.leak(30, 64) as leak;
select set_config('app.via', 'sql', true);   -- as an operator: nothing of it is held
update app.customer c set phone = '+49 30 7' || lpad(b.g::text, 6, '0'), email = 'new' || b.g || '@new.example' from test.base b where c.id = b.id and b.g % 2 = 0;
select is(test.named(test.asked(leak), 0.99), '{30}', 'an old file') from test.old;
select is(test.asked(leak)->'unknown', '0', 'of which all are known') from test.old;

-- Contacts have marks of their own, and are held with their customer, also with one of before.
insert into app.contact (org_id, id, customer_id, name, email, phone, created_at, updated_at)
select p.org, app.uuid7(), b.id, 'Person', 'person' || b.g || '@base.example', '+49 89 4' || lpad(b.g::text, 6, '0'), app.now(), app.now() from test.base b, test.person p where p.name = 'rita' and b.g <= 300;
insert into test.made select 301, test.exported('olga', 'contacts', array(select id from test.base b where b.g <= 200), app.now() - interval '1 minute');
create function test.contacts() returns text language sql as $$
    select string_agg(test.email(k.email, (app.marks(k.id, e.mark) >> 1) & 1) || ' ' || test.phone(k.phone, app.marks(k.id, e.mark) & 1), e'\n') from test.made m join app.export e on e.id = m.id join app.contact k on k.name = 'Person' where m.g = 301
$$;
select is(test.named(test.asked(test.contacts()), 0.99), '{301}', 'an export of contacts');
select is(x#>'{evidence,marks}', '{"fit":400,"against":0}', 'of which it held those of its customers') from jsonb_array_elements(test.asked(test.contacts())->'exports') x;
update app.contact k set customer_id = (select id from test.base where g = 2000) where name = 'Person';
select is(test.named(test.asked(test.contacts()), 0.99), '{301}', 'though they are another customer''s now');

-- A value that several have may be spelled for any of them; and a download that was taken twice is one.
select set_config('app.via', 'sql', true);
update app.contact k set phone = '+49 89 4000000' where name = 'Person';
select is(x#>'{evidence,marks}', '{"fit":200,"against":0}', 'a number of all of them tells nothing') from (select string_agg(v[1], ' ') || ' +49 89 400 00 000' as leak from regexp_matches(test.contacts(), '[^[:space:]]+@[^[:space:]]+', 'g') v) l, jsonb_array_elements(test.asked(l.leak)->'exports') x;
insert into app.export_ticket (org_id, id, export_id, secret_hash, session_id, at, expires_at, status, request_id, taken_at)
select t.org_id, app.uuid7(), t.export_id, sha256('again'), t.session_id, t.at, t.expires_at, 'failed', t.request_id, t.taken_at from app.export_ticket t join test.made m on m.id = t.export_id where m.g = 120;
select is(x#>'{evidence,rows_in_set}', x#>'{evidence,rows}', 'each row once') from jsonb_array_elements(test.asked(test.leak(120, 64))->'exports') x;

-- What was never downloaded is no source.
update app.export_ticket t set taken_at = null from test.made m where m.id = t.export_id and m.g = 3;
select is(test.named(test.asked(test.leak(3, 64))), '{}', 'an export whose link nobody took');
-- Nor does an org know of another's.
select is(test.asked(test.leak(4, 64), 'otto')->'exports', '[]', 'the other org has no such exports');
select is(test.asked(test.leak(4, 64), 'otto')->'rows', '0', 'nor such customers');
select is(test.asked('Alster Systems', 'otto')->'exports', '[]', 'nor such decoys');

-- Who may ask, and what stays of it.
select is(test.state(p.name, $$select * from api.leak_find($1, $2, null, '{"text":"x"}')$$), case when p.name in ('ada', 'abby') then 'ok' else 'PT403' end, p.name) from test.person p where p.name in ('ada', 'abby', 'max', 'rita', 'axel');
select is(test.state('ada', format('select * from api.leak_find($1, $2, null, %L)', jsonb_build_object('text', repeat('x', 60001)))), 'PT422', 'a text too long');
create table test.before as select (select count(*) from app.event where kind = 'leaks.find') as events, (select count(*) from app.disclosure) as shown;
select test.rows('ada', format('select _doc from api.leak_find($1, $2, ''key print'', %L)', jsonb_build_object('text', leak, 'reason', 'Found on a stick'))) from test.old, generate_series(1, 2);
select is((select count(*) from app.event where kind = 'leaks.find') - events, 1::bigint, 'the same key is one event') from test.before;
select results_eq($$select staff_id, rows > 100, detail->'reason', detail->'unknown', (detail#>>array['exports', (select m.id::text from test.made m where m.g = 30)])::numeric > 0.99 from app.event where kind = 'leaks.find' order by id desc limit 1$$,
    $$values (test.id('ada'), true, '"Found on a stick"'::jsonb, '0'::jsonb, true)$$, 'which says who was told what');
select is((select count(*) from app.disclosure), shown, 'and nothing was shown') from test.before;
select is(test.state('ada', $$select * from api.leak_find($1, $2, 'key other', '{"text":"x"}')$$), 'PT422', 'a key is good for one text');

select * from finish();
rollback;
