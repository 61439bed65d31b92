-- imports_test.sql: what people write in files, as our members have it.
begin;
select no_plan();

select is_empty($$select name from app.country_names() where name <> app.fold(name)$$, 'countries are called as they are looked for');
select is_empty($$select name from app.country_names() group by name having count(*) > 1$$, 'no name is two countries''');
select is_empty($$select code from app.country_names() n where not exists (select from app.country_names() c where c.name = lower(n.code) and c.code = n.code)$$,
    'each is also called by its code');
select set_eq($$select distinct code from app.country_names()$$,
    $$select m[1] from regexp_matches((select pg_get_constraintdef(oid) from pg_constraint where conname = 'country_code' and conrelid = 'app.customer'::regclass), ' ([A-Z]{2})(?=[ ])', 'g') m$$,
    'they are the countries that a customer may have');
select is(n.code, w.code, w.written) from (values ('Germany', 'DE'), ('Deutschland', 'DE'), ('ГЕРМАНИЯ', 'DE'), ('UK', 'GB'), ('U.K.', null), ('USA', 'US'), ('Österreich', 'AT'), ('Côte d''Ivoire', 'CI'),
    ('España', 'ES'), ('Россия', 'RU'), ('CHE', 'CH'), ('Schweiz', 'CH'), ('日本', 'JP'), ('Atlantis', null)) w(written, code)
left join app.country_names() n on n.name = app.fold(w.written);

select is_empty($$select entity, word from (values ('customers'), ('contacts'), ('activities')) e(entity), app.import_targets(entity) t, unnest(t.words) word
    group by entity, app.import_word(word), word having count(distinct t.name) > 1$$, 'no name of a column is two members''');
select is_empty($$select t.name, word from (values ('customers'), ('contacts'), ('activities')) e(entity), app.import_targets(entity) t, unnest(t.words) word
    where word <> app.import_word(word)$$, 'the names are as they are looked for');
select is(array(select t.name from app.import_targets('customers') t where app.import_word(w.written) = any(t.words)), array[w.name], w.written)
from (values ('E-Mail', 'email'), ('Straße', 'address'), ('Postleitzahl', 'postal_code'), ('postal_code', 'postal_code'), ('ZIP Code', 'postal_code'), ('Название', 'name'),
    ('Электронная почта', 'email'), ('Währung', 'currency'), ('Город', 'city'), ('Регион', 'region'), ('Край', 'region')) w(written, name);

select is(row(a.amount, a.why)::text, row(w.amount, w.why)::text, concat_ws(' ', w.written, w.point, w.currency))
from (values ('1234', null, 'EUR', 123400, null), ('1.234,50', null, 'EUR', 123450, null), ('1,234.50', null, 'USD', 123450, null), ('1 234,50 €', null, 'EUR', 123450, null),
    ('1''234.50', null, 'CHF', 123450, null), ('12.50', null, 'JPY', null, 'places'), ('1.25', null, 'KWD', 1250, null), ('12.50', 'comma', 'EUR', null, 'format'),
    ('0.125', null, 'KWD', 125, null), ('0,125', null, 'EUR', null, 'places'), ('1.234', null, 'EUR', null, 'ambiguous'), ('1.234', 'comma', 'EUR', 123400, null),
    ('1.234', 'point', 'EUR', null, 'places'), ('1.234', 'point', 'KWD', 1234, null), ('1.234.567', null, 'EUR', 123456700, null), ('500', null, 'JPY', 500, null), ('500,5', null, 'JPY', null, 'places'),
    ('1,23,4', null, 'EUR', null, 'format'), ('1.2.3,4', null, 'EUR', null, 'format'), ('-5', null, 'EUR', null, 'format'), ('abc', null, 'EUR', null, 'format'), ('', null, 'EUR', null, 'format'),
    ('12,5', 'point', 'EUR', null, 'format'), ('99999999999999', null, 'EUR', null, 'range'), ('10000000000000', null, null, 1000000000000000, null), (null, null, null, null, null),
    (repeat('9', 31), null, 'EUR', null, 'format'), ('1,5', null, 'EUR', 150, null), ('1.15', null, 'EUR', 115, null), ('8,20', null, 'EUR', 820, null), ('0.29', null, 'EUR', 29, null), ('1234567890123.45', null, 'EUR', 123456789012345, null)) w(written, point, currency, amount, why),
    lateral app.import_amount(w.written, w.point, w.currency) a;

select is(row(app.time_json(a.moment) #>> '{}', a.why)::text, row(w.moment, w.why)::text, concat_ws(' ', w.written, w.dates))
from (values ('2026-02-03', null, '2026-02-03T00:00:00.000000Z', null), ('2026-02-03 14:05', null, '2026-02-03T14:05:00.000000Z', null), ('2026-02-03T14:05:06Z', null, '2026-02-03T14:05:06.000000Z', null),
    ('2026-02-03T14:05:06+02:00', null, '2026-02-03T12:05:06.000000Z', null), ('2026-02-03 14:05:06.5 -0530', null, '2026-02-03T19:35:06.000000Z', null), ('3.2.2026', null, '2026-02-03T00:00:00.000000Z', null),
    ('03.02.2026 08:15', 'mdy', '2026-02-03T08:15:00.000000Z', null), ('3/2/2026', null, null, 'ambiguous'), ('3/2/2026', 'dmy', '2026-02-03T00:00:00.000000Z', null), ('3/2/2026', 'mdy', '2026-03-02T00:00:00.000000Z', null),
    ('2/2/2026', null, '2026-02-02T00:00:00.000000Z', null), ('25/12/2026', null, '2026-12-25T00:00:00.000000Z', null), ('12/25/2026', null, '2026-12-25T00:00:00.000000Z', null),
    ('31.2.2026', null, null, 'format'), ('29.2.2027', null, null, 'format'), ('29.2.2028', null, '2028-02-29T00:00:00.000000Z', null), ('1.13.2026', null, null, 'format'), ('0.1.2026', null, null, 'format'),
    ('2026-02-03 24:00', null, null, 'format'), ('2026-02-03 10:60', null, null, 'format'), ('1.1.26', null, null, 'format'), ('1.1-2026', null, null, 'format'), ('1899-12-31', null, null, 'format'),
    ('tomorrow', null, null, 'format'), ('2026-02-03T10:00:00+99:00', null, null, 'format'), (null, null, null, null)) w(written, dates, moment, why),
    lateral app.import_time(w.written, w.dates) a;

select is(app.import_plain(w.written, 'NULL'), w.plain, quote_literal(w.written)) from (values ('  a b ', 'a b'), ('', null), ('   ', null), ('NULL', null), ('null', 'null'), ('''+49 30', '+49 30'),
    ('''=1', '=1'), ('''tis', '''tis')) w(written, plain);
select is(app.currency_places(w.code), w.places, w.code) from (values ('EUR', 2), ('JPY', 0), ('KWD', 3), (null, 2)) w(code, places);

select * from finish();
rollback;
