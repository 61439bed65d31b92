-- children_test.sql: what belongs to a customer goes along with it, whoever changes it: also an operator, who entered no org or
-- another one.
begin;
select no_plan();
\ir people.sql
select test.other_org();
select test.children();

create function test.one() returns uuid language sql stable as $$ select id from test.customers('rita') order by id limit 1 $$;
create function test.two() returns uuid language sql stable as $$ select id from test.customers('rita') order by id offset 1 limit 1 $$;
create function test.archived() returns bigint language sql stable as $$
    select count(*) from (select customer_id, archived_at from app.contact union all select customer_id, archived_at from app.deal
        union all select customer_id, archived_at from app.activity union all select customer_id, archived_at from app.offer) k
    join app.customer c on c.id = k.customer_id where c.id = test.one() and k.archived_at = c.archived_at
$$;
create function test.number() returns text language sql stable as $$ select phone_e164 || ' ' || phone_key from app.contact where name = 'Noah' $$;
create function test.primary() returns text language sql stable as $$
    select string_agg(name, ' ') from app.contact where customer_id = test.one() and is_primary and archived_at is null $$;

-- All that an operator does; org is the one that he entered.
create function test.operate(org text) returns setof text language plpgsql as $$
declare
    one uuid := test.one();
    two uuid := test.two();
    own int  := (select c.org_id from app.customer c where c.id = one);
    n   int;
begin
    perform set_config('app.org', org, true);
    select count(*) into n from (select id from app.contact where customer_id = one union all select id from app.deal where customer_id = one
        union all select id from app.activity where customer_id = one union all select id from app.offer where customer_id = one) k;
    update app.customer set archived_at = app.clock() where id = one;
    return next is(test.archived(), n::bigint, 'archived with it, ' || quote_literal(org));
    update app.customer set archived_at = null where id = one;
    return next is(test.archived(), 0::bigint, 'back with it, ' || quote_literal(org));

    update app.customer set country = 'DE' where id = one;
    insert into app.contact (org_id, id, customer_id, name, phone, is_primary, created_at, updated_at)
    select own, app.uuid7(), one, v.name, '030 123456', true, app.clock(), app.clock() from unnest('{Ida,Noah}'::text[]) v(name);
    return next is(test.primary(), 'Ida', 'the first of two that were made it at once, ' || quote_literal(org));
    update app.contact set is_primary = true where name = 'Noah';
    return next is(test.primary(), 'Noah', 'the last that was made it, ' || quote_literal(org));
    return next is(test.number(), '+4930123456 +4930123456', 'a number of its country, ' || quote_literal(org));
    update app.customer set country = 'AT' where id = one;
    return next is(test.number(), '+4330123456 +4330123456', 'and of another one, ' || quote_literal(org));

    update app.customer set worked_in = '{prospecting,closing}' where id = one;
    update app.customer set worked_in = '{prospecting}', brought = '{}' where id = two;
    update app.contact set customer_id = two where name = 'Noah';
    return next ok((select brought @> '{closing}' from app.customer where id = two), 'keeps back what is moved there, ' || quote_literal(org));
    return next is((select m.customer_id from app.moved m join app.contact k on k.id = m.record_id where k.name = 'Noah'), two, 'is found again, ' || quote_literal(org));
    update app.customer set worked_in = '{prospecting}', brought = '{}' where id = two;
    update app.customer set merged_into = two, archived_at = app.clock() where id = one;
    return next ok((select brought @> '{closing}' from app.customer where id = two), 'keeps back what is merged into it, ' || quote_literal(org));
    return next is(current_setting('app.org'), org, 'and the operator is where he was');
end
$$;

savepoint here;
select test.operate('');
rollback to here;
select test.operate((select org::text from test.person where name = 'mona'));
rollback to here;
select test.operate((select org::text from test.person where name = 'rita'));
select * from finish();
rollback;
