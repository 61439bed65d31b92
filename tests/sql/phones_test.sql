-- phones_test.sql: numbers in every written form, the countries they are dialled from, and which addresses are taken.
begin;
select no_plan();
\ir people.sql

-- Numbers in E.164 form. On the left what is typed, then the customer's country.
create temp table form (typed text, country text, e164 text);
insert into form values
    -- What says its country.
    ('+49 30 5550-1234', null, '+493055501234'), ('+1 (555) 010.9999', null, '+15550109999'), ('+1/555/0109999', null, '+15550109999'), ('+1234567', null, '+1234567'),
    ('+123456789012345', null, '+123456789012345'), ('+49305550', null, '+49305550'), ('+ 49 30 5550', null, '+49305550'), ('(+49) 30 5550', null, '+49305550'), ('+(49) 30 5550', null, '+49305550'),
    ('+49 30 5550-1234', 'FR', '+493055501234'), ('+49 30 5550-1234', 'XX', '+493055501234'),
    ('0049 30 5550', null, '+49305550'), ('00 49 30 5550', null, '+49305550'), ('(0049) 30 5550', null, '+49305550'), ('0049 30 5550', 'US', '+49305550'), ('0033 1 42685300', 'DE', '+33142685300'),
    ('001 212 555 0100', null, '+12125550100'), ('001 (212) 555-0100', 'DE', '+12125550100'),
    -- The trunk behind the code.
    ('+49 (0)30 5550', null, '+49305550'), ('+49(0)30/5550', null, '+49305550'), ('+49 030 5550', null, '+49305550'), ('+49 (030) 5550', null, '+49305550'), ('0049 (0) 30 5550', null, '+49305550'),
    ('+44 (0)20 7946 0018', null, '+442079460018'), ('+36 (06) 1 234 5678', null, '+3612345678'), ('+7 (8) 495 123-45-67', null, '+74951234567'), ('+52 (01) 55 1234 5678', null, '+525512345678'),
    ('+49 30 (0)5550', null, '+493005550'), ('+39 06 698 1234', null, '+39066981234'), ('+39 (0)6 698 1234', null, '+39066981234'), ('+7 (812) 123-45-67', null, '+78121234567'), ('+225 01 23 45 67 89', null, '+2250123456789'), ('007 812 123-45-67', null, '+78121234567'),
    -- As it is written in a country.
    ('(030) 12 34-0', 'DE', '+493012340'), ('030-0074321', 'DE', '+49300074321'), ('0621-08460', 'DE', '+4962108460'), ('01 42 68 53 00', 'FR', '+33142685300'), ('1 42 68 53 00', 'FR', '+33142685300'),
    ('(0171) 555-7788', 'GB', '+441715557788'), ('(171) 555-7788', 'GB', '+441715557788'), ('044 668 18 00', 'CH', '+41446681800'), ('0316 21 34 56', 'AT', '+43316213456'), ('06 698 1234', 'IT', '+39066981234'),
    ('06 698 1234', 'VA', '+39066981234'), ('0549 886377', 'SM', '+3780549886377'), ('91 555 22 82', 'ES', '+34915552282'), ('31 12 34 56', 'DK', '+4531123456'), ('22 123 45 67', 'PL', '+48221234567'),
    ('1-212-555-0100', 'US', '+12125550100'), ('(212) 555-0100', 'US', '+12125550100'), ('12125550100', 'US', '+12125550100'), ('(604) 555-4729', 'CA', '+16045554729'), ('876 555 0100', 'JM', '+18765550100'),
    ('8 (495) 123-45-67', 'RU', '+74951234567'), ('495 123-45-67', 'RU', '+74951234567'), ('7 495 123-45-67', 'RU', '+74951234567'), ('800 555 35 35', 'RU', '+78005553535'), ('8 701 123 45 67', 'KZ', '+77011234567'),
    ('06 1 234 5678', 'HU', '+3612345678'), ('8 017 123 45 67', 'BY', '+375171234567'), ('80 17 123 45 67', 'BY', '+375171234567'), ('8 5 212 3456', 'LT', '+37052123456'), ('0 5 212 3456', 'LT', '+37052123456'),
    ('01 55 1234 5678', 'MX', '+525512345678'), ('55 1234 5678', 'MX', '+525512345678'), ('(11) 98765-4321', 'BR', '+5511987654321'), ('011 3456-7890', 'BR', '+551134567890'), ('090-1234-5678', 'JP', '+819012345678'),
    ('138 1234 5678', 'CN', '+8613812345678'), ('010 1234 5678', 'CN', '+861012345678'), ('98765 43210', 'IN', '+919876543210'), ('01 23 45 67 89', 'CI', '+2250123456789'), ('0488 12 34 56', 'BE', '+32488123456'),
    ('011 49 30 5550 11', 'US', '+4930555011'), ('011 49 30 5550 11', 'BB', '+4930555011'),
    -- What is written around it.
    ('tel:+49-30-5550;ext=12', null, '+49305550'), ('Tel. 030 5550', 'DE', '+49305550'), ('+49 30 5550 ext. 12', null, '+49305550'), ('+49 30 5550 extension 12', null, '+49305550'), ('+1 212 555 0100x12', null, '+12125550100'),
    ('+7 495 123-45-67 доб. 12', null, '+74951234567'), ('+7 495 123-45-67 ДОБ 12', null, '+74951234567'), ('+49 30 5550 #12', null, '+49305550'), ('(212) 555-0100, ext 7', 'US', '+12125550100'),
    ('+４９ ３０ 5550', null, '+49305550'), ('＋49（30）5550', null, '+49305550'), ('٠١٠ ١٢٣٤ ٥٦٧٨', 'EG', '+201012345678'), ('۰۲۱ ۱۲۳۴ ۵۶۷۸', 'IR', '+982112345678'),
    (U&'+49\00A030\20095550\20131', null, '+493055501'),
    -- Nothing that can be said for certain.
    ('030 5550', null, null), ('030 5550', 'XX', null), ('030 5550', 'AQ', null), ('5554729', 'DE', null), ('7675-3425', 'AT', null), ('555-0100', 'US', null), ('(5) 555-4729', 'MX', null), ('112', 'DK', null),
    ('22 123 45', 'PL', null), ('0 22 123 45 67', 'PL', null), ('011 15-2345-6789', 'AR', null), ('8 495 123-45', 'RU', null), ('0011 49 30 5550', 'AU', null), ('001 49 30 5550', null, null), ('011 49 30 5550 11', null, null),
    ('+0 30 555000', null, null), ('00 030 5550', null, null), ('+49', null, null), ('+123456', null, null), ('+1234567890123456', null, null), ('++49 305550', null, null), ('49+305550', null, null), ('+49 3012 ext 5', null, null),
    ('+49 30 call 5550', null, null), ('1-800-FLOWERS', 'US', null), ('ext 12', 'DE', null), ('x', 'DE', null), ('0', 'DE', null), ('00', 'DE', null), ('000000000', 'DE', null), ('+', 'DE', null), ('()', 'DE', null), ('%', 'DE', null),
    ('+49 30 5550' || e'\n', null, null), ('', 'DE', null), (' ', 'DE', null), (null, 'DE', null), (null, null, null);
select cmp_ok(count(*)::int, '>=', 60, 'many forms') from form;
select is(app.phone_e164(typed, country), e164, format('phone_e164(%L, %L)', replace(typed, e'\n', 'LF'), country)) from form;
select is(app.phone_e164('+49 30 5550'), '+49305550', 'the country can be left out');

-- Keys: what is found by a number is what has it, and nobody in another country.
select is(app.phone_key(typed, country), k, format('phone_key(%L, %L)', typed, country)) from (values ('030 5550', 'DE', '+49305550'), ('030/5550', null, '0305550'), ('030 5550 ext 7', null, '0305550'), ('٠٣٠ ٥٥', null, '03055'),
    ('+49 30 5550', null, '+49305550'), ('call me', 'DE', null), ('', 'DE', null), (null, 'DE', null)) v(typed, country, k);
select is(app.email_key('Änna@Firm.Example '), lower('Änna@Firm.Example '), 'an address is found in any case, and else as it is');
select is_empty($$select * from form where e164 is not null and (app.phone_key(typed, country) = any(app.phone_keys(typed)) and app.phone_means(e164, country, typed)) is not true$$, 'whoever types what the customer''s entry says finds him');
select is_empty($$select f.typed, c.country, k from (select typed, app.phone_keys(typed) as keys from form offset 0) f, app.calling_code c, lateral (select app.phone_key(f.typed, c.country) k) k
    where k is not null and (k = any(f.keys)) is not true$$, 'in whichever country');
select is(app.phone_means(key, country, typed), means, format('phone_means(%L, %L, %L)', key, country, typed)) from (values ('+49305550', 'DE', '030 5550', true), ('+49305550', null, '030 5550', false), ('+49305550', 'FR', '030 5550', false),
    ('0305550', null, '030-5550', true), ('0305550', 'DE', '030-5550', true), ('+49305550', null, '+49 30 5550', true), ('+49305550', 'FR', '0049 30 5550', true), ('0305550', null, '+49 30 5550', false), (null, 'DE', '030', null)) v(key, country, typed, means);
select is(app.phone_keys(typed), keys, format('phone_keys(%L)', typed)) from (values ('+49 30 5550', '{+49305550}'::text[]), ('call me', '{null}'), (null, '{null}')) v(typed, keys);

-- The countries.
select is_empty($$select c.code from (select chr(65 + a) || chr(65 + b) as code from generate_series(0, 25) a, generate_series(0, 25) b) c
    where (select strpos(pg_get_constraintdef(oid), ' ' || c.code || ' ') > 0 from pg_constraint where conrelid = 'app.customer'::regclass and conname = 'country_code')
        <> (c.code in (select country from app.calling_code) or c.code in ('AQ', 'BV', 'HM', 'UM'))$$, 'every country that a customer can be in, but four, and no other');
select is(string_agg(distinct trunk, ',' order by trunk), case code when '1' then '1' when '7' then '8' when '39' then '' when '49' then '0' when '44' then '0' when '34' then '' end, 'the trunk of +' || code)
from app.calling_code where code in ('1', '7', '39', '49', '44', '34') group by code;
select is(array_agg(country order by country), '{AG,AI,AS,BB,BM,BS,CA,DM,DO,GD,GU,JM,KN,KY,LC,MP,MS,PR,SX,TC,TT,US,VC,VG,VI}', 'North America is one numbering plan') from app.calling_code where code = '1';
select is_empty($$select * from app.calling_code c where c.digits is distinct from (select array_agg(d order by d) from unnest(c.digits) d) or char_length(c.code) + 4 > all(c.digits || 99) or 15 < any(array(select d + char_length(c.code) from unnest(c.digits) d))$$, 'lengths are in order and fit');
select is_empty($$select a.code, a.country, b.country from app.calling_code a, app.calling_code b where a.code <> b.code and starts_with(a.code, b.code)$$, 'no code begins with another');
select throws_ok(format('set local role %I; update app.calling_code set code = ''2''', r), '42501', null, r || ' changes none') from unnest('{holdfast_api,holdfast_mover,holdfast_search}'::text[]) r;
reset role;

-- At the door.
select is(app.phone_good(typed), good, format('phone_good(%L)', typed)) from (values ('(5) 555-4729', true), ('030-0074321', true), ('7675-3425', true), ('0621-08460', true), ('(171) 555-7788', true), ('112', true), ('+49 30 1', true), ('11', false),
    ('1-1', false), (repeat('1', 20), true), (repeat('1', 21), false), (repeat('1 ', 20), true), (repeat('1', 20) || ' ext 1234567', true), ('030 5550 ext. 12', true), ('030 5550 доб. 12', true), ('030 5550#12', true), ('tel:+49-30-5550;ext=1', true),
    ('12 ext 345', false), ('ext 345', false), ('1-800-FLOWERS', false), ('call me', false), ('030 5550 (Anna)', false), ('030 5550 Анна', false), ('+49 30 5550 x', false), ('', false), ('-', false), ('٠٣٠٥٥', true), ('０３０', true), ('030 / 5550; 030 5551', true),
    (null, null)) v(typed, good);
select is(app.email_good(typed), good, format('email_good(%L)', replace(typed, e'\n', 'LF'))) from (values ('a@b.c', true), ('info@firm.example', true), ('Anna.Müller@Firma-Süd.example', true), ('o''brien+x@a.ie', true), ('пример@почта.рф', true), ('用户@例子.广告', true),
    ('हिन्दी@डेटामेल.भारत', true), ('a@xn--mnchen-3ya.de', true), ('a/b=c!#$%&{}|~^?`@d.de', true), ('a@1.2.3.x4', true), ('a@b.d3', true), (repeat('a', 64) || '@b.de', true), (repeat('a', 65) || '@b.de', false), ('a@' || repeat('b', 63) || '.de', true),
    ('a@' || repeat('b', 64) || '.de', false), ('a@' || repeat('b', 59) || '.' || repeat('c', 63) || '.de', true), ('a@b.' || repeat('c', 64), false), ('a@b', false), ('a@b@c.de', false), ('a b@c.de', false), ('a@b c.de', false), ('.a@b.de', false),
    ('a.@b.de', false), ('a..b@c.de', false), ('"a"@b.de', false), ('a@-b.de', false), ('a@b-.de', false), ('a@b.-de', false), ('a@b.de-', false), ('a@b..de', false), ('a@b.de.', false), ('a@.de', false), ('a@1.2.3.4', false), ('a@[1.2.3.4]', false),
    ('@b.de', false), ('a@', false), ('a', false), ('', false), ('Max <a@b.de>', false), ('a@b.de;c@d.de', false), ('a@b.de,c@d.de', false), ('mailto:a@b.de', false), ('a@b_c.de', false), ('a@b.de ', false), (' a@b.de', false), (U&'a\00A0@b.de', false),
    (U&'a@b\200B.de', false), (e'a\t@b.de', false), (e'a@b.de\n', false), ('a\b@c.de', false), ('a@b\c.de', false), ('a@b/c.de', false), ('a@❤.ws', false), ('a@hi😀.ws', false), (null, null)) v(typed, good);
select throws_ok(format('select app.contact_values_check(%L, %L, %L, %L)', ne, oe, np, op), 'PT422', 'invalid_value', format('refused: %L, %L', ne, np))
from (values ('a@b', null, null, null), ('a@b', 'a@c', null, null), (null, null, '1', null), ('a@b.c', null, '1', '2'), (null, 'a@b', 'call', 'me')) v(ne, oe, np, op);
select lives_ok(format('select app.contact_values_check(%L, %L, %L, %L)', ne, oe, np, op), format('taken: %L, %L', ne, np))
from (values ('a@b', 'a@b', '1', '1'), (null, 'a@b', null, '1'), ('a@b.c', null, '123', null), ('a***@b***', null, '+4 ***', null), (null, null, null, null)) v(ne, oe, np, op);
select set_config('app.via', 'restore', true);
select lives_ok($$select app.contact_values_check('a@b', null, '1', null)$$, 'what a restore brings back is not looked at');
select set_config('app.via', '', true);

-- What follows in a customer.
create temp table made as select app.uuid7() as id, org from test.person where name = 'rita';
insert into app.customer (org_id, id, name, stage, phone, country, created_at, updated_at) select org, id, 'Made', 'new', '030 5550', 'DE', app.now(), app.now() from made;
create function test.number(change text) returns text language plpgsql as $$
begin
    execute format('update app.customer set %s where id = (select id from made)', change);
    return (select concat_ws(' ', phone_e164, phone_key) from app.customer where id = (select id from made));
end $$;
select is(test.number(change), e164, change) from (values ('name = ''N''', '+49305550 +49305550'), ('country = ''AT''', '+43305550 +43305550'), ('country = null', '0305550'), ('country = ''DE'', phone = ''040 5550''', '+49405550 +49405550'),
    ('phone_e164 = ''+1''', '+49405550 +49405550'), ('phone = ''+33 1 42685300''', '+33142685300 +33142685300'), ('country = ''AT''', '+33142685300 +33142685300'), ('phone = null', '')) v(change, e164);

select * from finish();
rollback;
