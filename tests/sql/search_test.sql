-- search_test.sql: the words of names, how they are kept, and the function that looks beyond the policies.
begin;
select no_plan();
\ir people.sql

-- Folding.
select is(app.fold(v.name), v.due, v.name) from (values ('Straße & Cø.', 'strasse co'), ('ŒUVRE-Ærø', 'oeuvre aero'), ('Łódź', 'lodz'), ('İSTANBUL ırmak', 'istanbul irmak'), ('ΡΟΔΟΣ', 'ροδοσ'),
    ('Ёлка', 'елка'), ('三菱商事(株)', '三菱商事 株'), ('ＡＢＣ１２', 'abc12'), ('naïve O’Brien', 'naive o brien'), ('  a  --  B ', 'a b'), ('★★★', ''), ('C&A', 'c a'), (U&'Zoe\0301', 'zoe'),
    (U&'\AC00\B098', U&'\AC00\B098'), (U&'a\200Bb', 'ab')) v(name, due);
select is(app.fold(c.name), app.fold_wide(c.name), 'the short way folds alike: ' || c.name) from (values ('Adler Werke 1'), ('A_b-C.d'), (''), ('!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~')) c(name);
select results_eq($$select unnest(app.search_terms('a bb a')) order by 1$$, $$values (' a bb a'), ('a'), ('bb')$$, 'each word once, and the whole');
select is(app.search_terms(''), '{}', 'of nothing, none');
select is((select max(char_length(t)) from unnest(app.search_terms(app.fold(repeat('ﷺ', 200)))) t), 64, 'an index takes 64 characters');

-- Typing errors: of the words that there are, all that are one edit away, of four letters at least, and no others.
create function test.one_apart(a text, b text) returns boolean language sql as $$
    select a <> b and exists (select from generate_series(0, char_length(a)) i where b in (left(a, i) || substr(a, i + 2), left(a, i) || substr(a, i + 2, 1) || substr(a, i + 1, 1) || substr(a, i + 3))
        or left(b, i) || substr(b, i + 2) = a and substr(b, i + 1, 1) ~ '[^0-9 ]' or left(a, i) || substr(b, i + 1, 1) || substr(a, i + 2) = b and substr(b, i + 1, 1) ~ '[^0-9 ]')
$$;
select app.act_as((select org_id from app.login where email = 'rita@demo.test'), test.id('rita'), 'search.find');
create temp table typed (word text);
insert into typed select distinct w from (values ('brn'), ('bren'), ('bernn'), ('born'), ('bern'), ('ebrn'), ('berna'), ('ab'), ('a1b2c3'), ('12345'), ('xyzxyz'), ('воронж'), ('ροδο'), ('berx'), ('bxrn'), ('q'), ('qern')) v(w)
    union select left(t, i) || substr(t, i + 2) from unnest('{adler,bernhard,werke,gmbh}'::text[]) t, generate_series(0, 8) i
    union select left(t, i) || 'x' || substr(t, i + 1 + k) from unnest('{adler,bernhard,werke,gmbh}'::text[]) t, generate_series(0, 8) i, generate_series(0, 1) k;
insert into app.search_word (org_id, word, entity, record_id)
select (select app.org()), v.w, 'customers', app.uuid7() from unnest('{bern,berne,born,barn,bergn,bern1,ber,bernhard,adler,adlers,dler,werke,gmbh,gmhb,воронеж,ροδοσ, bern,三菱商事}'::text[]
    || array(select 'ber' || chr(l) from generate_series(ascii('a'), ascii('z')) l)) v(w) on conflict do nothing;
select set_eq('select t.word, m.meant from typed t, unnest(app.search_meant(t.word)) m(meant)',
    $$select t.word, w.word::text as meant from typed t, (select distinct w.word from app.search_word w where w.org_id = (select app.org())) w
        where char_length(t.word) between 3 and 30 and t.word !~ '[0-9]' and char_length(w.word) >= 4 and w.word !~ '^ ' and test.one_apart(t.word, w.word)$$, 'what is one error away is meant');
select ok(app.search_meant('brn') @> '{bern}' and app.search_meant('bren') @> '{bern}' and app.search_meant('bernn') @> '{bern}' and app.search_meant('bxrn') @> '{bern,born,barn}', 'the four kinds');
select ok(app.search_meant('воронж') @> '{воронеж}' and app.search_meant('ροδο') @> '{ροδοσ}', 'of other scripts');
select is(app.search_letters('b', 'abcdefghijklmnopqrstuvwxyz') @> '{a,e,o}', true, 'letters that follow');
select is(app.search_letters('zqx', 'abc'), null, 'none does');
delete from app.search_word w where not exists (select from app.customer c where c.org_id = w.org_id and c.id = w.record_id) and not exists (select from app.contact c where c.org_id = w.org_id and c.id = w.record_id);
select set_config('app.' || k, '', true) from unnest('{org,me,role}'::text[]) k;

-- The words are those of the names, whatever happened to them.
create function test.words() returns table (org_id int, word text, entity text, record_id uuid) language sql as $$
    select c.org_id, t.word, 'customers', c.id from app.customer c, unnest(app.search_terms(app.fold(c.name))) t(word)
    union all select k.org_id, t.word, 'contacts', k.id from app.contact k, unnest(app.search_terms(app.fold(k.name))) t(word)
$$;
create function test.kept(says text) returns text language sql as $$
    select set_eq('select w.org_id, w.word::text, w.entity, w.record_id from app.search_word w', 'select * from test.words()', says)
$$;
select test.other_org(), test.log_in();
select test.children();
select test.kept('of the demo data');
update app.customer set name = 'Änderung ' || left(name, 5) where owner_id = test.id('rita');
update app.contact set name = name || ' jr.' where email like 'contact1@%';
select test.kept('after new names');
update app.customer set name = '★' where owner_id = test.id('pia');
select test.kept('after names without words');
update app.customer set name = 'Same Same' where owner_id = test.id('pia');
select test.kept('after one with a word twice');
create temp table bare as select ctid as place, xmin::text as since, record_id from app.search_word;
update app.customer set city = 'Ulm', email = 'new@x.test', owner_id = test.id('max') where owner_id = test.id('theo');
update app.customer set name = name, value = 1;
select set_eq('select ctid as place, xmin::text as since, record_id from app.search_word', 'select place, since, record_id from bare', 'what is no name writes nothing');
insert into app.contact (org_id, id, customer_id, name, created_at, updated_at) select c.org_id, app.uuid7(), c.id, 'Purged Person', app.now(), app.now() from test.customers('omar') c;
select test.kept('of new contacts');
delete from app.contact where name = 'Purged Person';
select test.kept('after contacts were purged');

-- The repeated rule by itself: what the function names to somebody is what the policies show him, for everybody and in every setting.
-- Somebody broke a glass, some are nobody's, some archived.
select test.hire('mia', 'manager', 'max');
update app.staff set manager_id = test.id('mia') where id = test.id('nina');
update app.customer set owner_id = null where id in (select id from test.customers('carl') order by id limit 5);
update app.customer set archived_at = app.now() where id in (select id from test.customers('rita') order by id limit 3);
update app.customer set owner_id = test.id('rita') where id in (select id from test.customers('nina') order by id limit 4);   -- not her segment
insert into app.break_glass (org_id, id, staff_id, customer_id, reason, at, expires_at)
select p.org, app.uuid7(), p.id, (select c.id from test.customers('pia') c order by c.id limit 1), 'x', app.now(), app.now() + interval '1 hour' from test.person p where p.name in ('rita', 'max');
update app.customer set name = 'Uniform ' || left(id::text, 8), phone = '+49 30 1234567', email = 'all@same.test';
update app.contact set name = 'Person';
create function test.found(person text, asked text) returns setof text language plpgsql as $$
begin
    perform app.enter(test.session(person), gen_random_uuid(), 'test');
    return query select f.entity || ' ' || f.id from app.search_find(asked, 1000) f;
end
$$;
create function test.shown(person text, relation text, word text) returns setof text language sql as $$
    select word || ' ' || (v->>'id') from jsonb_array_elements(test.seen(person, format('select id from %s where archived_at is null', relation))) v
$$;
create function test.agrees(setting text) returns setof text language plpgsql as $$
declare
    p text;
begin
    for p in select name from test.person where name not in ('nobody') order by 1 loop
        return next set_eq(format('select test.found(%L, ''uni'')', p), format('select test.shown(%L, ''app.customer'', ''customers'')', p), setting || ': ' || p || ' by name');
        return next set_eq(format('select f from test.found(%L, ''all@same.test'') f', p), format('select test.shown(%L, ''app.customer'', ''customers'')', p), setting || ': ' || p || ' by e-mail');
        return next set_eq(format('select test.found(%L, ''+49 30 1234567'')', p), format('select test.shown(%L, ''app.customer'', ''customers'')', p), setting || ': ' || p || ' by phone');
        return next set_eq(format('select test.found(%L, ''person'')', p), format('select test.shown(%L, ''(select k.* from app.contact k join app.customer c using (org_id) where c.id = k.customer_id and c.archived_at is null) k'', ''contacts'')', p), setting || ': ' || p || ' the contacts');
    end loop;
end
$$;
select test.agrees('own');
update app.settings set visibility = 'team';
select test.agrees('team');
update app.settings set visibility = 'open';
select test.agrees('open');
update app.settings set visibility = 'own';
update app.funnel set segments = jsonb_set(segments, '{0,hides}', '["contacts","email"]');
create function test.kept_from(person text) returns bigint language sql as $$ select count(*) from test.found(person, 'all@same.test') $$;
select is((select count(*) from test.found('nina', 'person')), (select count(*) from test.shown('nina', '(select k.* from app.contact k join app.customer c using (org_id) where c.id = k.customer_id and c.archived_at is null) k', 'contacts')), 'contacts that the funnel keeps back');

-- The policies by themselves: were the function to name everybody, nobody would get more than his.
create function test.rows_of(person text) returns setof text language sql as $$
    select v->>'id' from jsonb_array_elements(test.rows(person, 'select entity, id from api.search_find($1, $2, ''uni'', 20) f where not coalesce(_tail, false)')) v where v->>'entity' = 'customers'
$$;
savepoint before;
create or replace function app.search_find(q text, lim int) returns table (entity text, id uuid, matched text) language sql stable security definer as $$
    select v.* from (select 'customers', c.id, 'name' from app.customer c union all select 'contacts', k.id, 'phone' from app.contact k) v
$$;
alter function app.search_find owner to postgres;
select is_empty(format('select f from test.rows_of(%L) f where f::uuid not in (select id from test.customers(%1$L))', p.name), 'the policies alone hold for ' || p.name) from test.person p where p.name in ('nina', 'omar', 'rob', 'olga', 'otto');
select cmp_ok((select count(*) from test.rows_of('omar')), '>', 30::bigint, 'which were asked: his he gets');
rollback to before;

-- Without somebody who asks there is nobody to find anything for.
select set_config('app.org', '', true), set_config('app.role', '', true), set_config('app.me', '', true), set_config('app.visibility', '', true), set_config('app.above', '', true);
select is_empty($$select * from app.search_find('uni', 20)$$, 'nobody finds nothing');
-- What it gives away, and to whom.
select is(pg_get_function_result('app.search_find'::regproc), 'TABLE(entity text, id uuid, matched text)', 'ids and how they were found, nothing else');
select is_empty($$select r from unnest('{holdfast_cgi,holdfast_sessions,public}'::text[]) r where has_function_privilege(r, 'app.search_find(text, int)', 'execute')$$, 'no login calls it');
select is_empty($$select relname from pg_class c where c.relnamespace = 'app'::regnamespace and c.relkind = 'r' and c.relname not in ('calling_code', 'search_word', 'staff_tree', 'test_clock')
    and has_table_privilege('holdfast_search', c.oid, 'select')$$, 'holdfast_search reads no whole table of others');
select is_empty($$select a.attname from pg_attribute a where a.attrelid in ('app.customer'::regclass, 'app.contact'::regclass) and a.attnum > 0
    and a.attname in ('email', 'phone', 'phone_e164', 'notes', 'value') and has_column_privilege('holdfast_search', a.attrelid, a.attnum, 'select')$$, 'nor contact values, but their keys');
select is_empty($$select p from unnest('{insert,update,delete}'::text[]) p, pg_class c where c.relnamespace = 'app'::regnamespace and c.relkind = 'r'
    and c.relname <> 'test_clock' and has_table_privilege('holdfast_search', c.oid, p)$$, 'and writes nothing');

select * from finish();
rollback;
