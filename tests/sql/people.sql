-- people.sql: the people of the demo data, logged in, and ways to act as one of them. A test includes it behind begin, and
-- nothing of it stays.
--
--   test.rows('rita', $$select id from api.customer_get($1, $2, …)$$)    rows as a JSON array; $1 session, $2 request
--   test.state('rita', $$…$$)                                            'ok', or the SQLSTATE it fails with
--   test.seen('rita', $$select …$$)                                      rows of tables as policies show them to her
--
-- The first two run as the programs do (holdfast_cgi), the third as holdfast_api with the context of the person.
set client_min_messages = warning;
set jit = off;   -- as the programs have it
create schema test;
grant usage on schema test to public;

create table test.person (name text primary key, org int not null, id uuid not null, session text not null);

-- Logs in everybody who has no session here yet; a name is the first word of the e-mail.
create function test.log_in() returns void
language plpgsql as $$
begin
    insert into test.person
    select n.name, l.org_id, l.staff_id, l.org_id || '.' || rpad(n.name, 43, '-')
    from app.login l, lateral (select split_part(l.email, '@', 1)) n(name)
    where l.email ~ '^[a-z]+@(demo|other)\.test$'
    on conflict do nothing;
    insert into app.session (org_id, id, staff_id, secret_hash, created_at, expires_at)
    select p.org, app.uuid7(), p.id, app.secret_hash(p.session), app.now(), app.now() + interval '12 hours'
    from test.person p
    where not exists (select from app.session s where s.org_id = p.org and s.secret_hash = app.secret_hash(p.session));
end
$$;

create function test.id(person text) returns uuid
language sql stable security definer as $$ select p.id from test.person p where p.name = person $$;

create function test.session(person text) returns text
language sql stable security definer as $$ select p.session from test.person p where p.name = person $$;

-- A new member of staff, active and logged in.
create function test.hire(who text, role text, boss text, segment text default null) returns void
language plpgsql as $$
declare
    b app.staff;
    s uuid := app.uuid7();
begin
    select * into strict b from app.staff t where t.id = test.id(boss);
    insert into app.staff (org_id, id, person_id, name, email, role, manager_id, segments, status, created_at, updated_at)
    values (b.org_id, s, s, initcap(who), who || '@' || split_part(b.email, '@', 2), role,
        case when b.role = 'manager' then b.id end, array_remove(array[segment], null), 'active', app.now(), app.now());
    perform test.log_in();
end
$$;

-- The second org, with an admin, a manager and a rep.
create function test.other_org() returns void
language plpgsql as $$
begin
    perform app.org_create('Other', 'Otto', 'otto@other.test');
    update app.staff s set status = 'active' where s.email = 'otto@other.test';
    perform test.log_in();
    perform test.hire('mona', 'manager', 'otto');
    perform test.hire('rob', 'rep', 'mona', 'prospecting');
end
$$;

-- Runs a query as a database role and gives its rows.
create function test.run(role text, query text, session text default null) returns jsonb
language plpgsql as $$
declare
    doc jsonb;
begin
    perform set_config('role', role, true);
    execute format('select jsonb_agg(to_jsonb(q)) from (%s) q', query) into doc using session, gen_random_uuid();
    perform set_config('role', 'none', true);
    return coalesce(doc, '[]');
end
$$;

create function test.rows(person text, query text) returns jsonb
language sql as $$ select test.run('holdfast_cgi', query, test.session(person)) $$;

-- What a statement of a role ends with.
create function test.fate(role text, statement text, session text default null) returns text
language plpgsql as $$
begin
    perform set_config('role', role, true);
    execute statement using session, gen_random_uuid();
    perform set_config('role', 'none', true);
    return 'ok';
exception when others then
    return sqlstate;
end
$$;

create function test.state(person text, statement text) returns text
language sql as $$ select test.fate('holdfast_cgi', statement, test.session(person)) $$;

-- The rows that the policies show to a person, or the SQLSTATE as a JSON string.
create function test.seen(person text, query text) returns jsonb
language plpgsql as $$
begin
    perform app.enter(test.session(person), gen_random_uuid(), 'test');
    return test.run('holdfast_api', query);
exception when others then
    return to_jsonb(sqlstate);
end
$$;

-- Everybody below a manager and himself, by the manager of each: what app.staff_tree should say.
create function test.below(person uuid) returns setof uuid
language sql stable as $$
    with recursive t(id) as (select person union select s.id from app.staff s join t on s.manager_id = t.id) select id from t
$$;

-- Whose customers a person sees (null: all of his org).
create function test.whose(person text) returns uuid[]
language sql stable as $$
    select case s.role when 'admin' then null when 'auditor' then null
        when 'manager' then array(select test.below(s.id)) else array[s.id] end
    from app.staff s where s.id = test.id(person)
$$;

-- The customers that a person ought to see with the default settings: a rep those of his own in his segments, a manager also
-- nobody's in the segments of his people.
create function test.customers(person text) returns setof app.customer
language plpgsql stable as $$
declare
    whose uuid[] := test.whose(person);
    home  int := (select p.org from test.person p where p.name = person);
    me    app.staff;
    works text[];
begin
    select * into me from app.staff s where s.id = test.id(person);
    works := case me.role when 'rep' then me.segments
        when 'manager' then array(select distinct g from app.staff s, unnest(s.segments) g where s.id = any(whose)) end;
    return query select c.* from app.customer c where c.org_id = home and (whose is null
        or c.owner_id = any(whose) and (me.role = 'manager' or c.segment = any(works))
        or me.role = 'manager' and c.owner_id is null and c.segment = any(works));
end
$$;

-- Something of each kind for each customer: n contacts, deals, activities and offers.
create function test.children(n int default 1) returns void
language plpgsql as $$
begin
    insert into app.contact (org_id, id, customer_id, name, email, phone, is_primary, created_at, updated_at)
    select c.org_id, app.uuid7(), c.id, 'Contact ' || i, 'contact' || i || '@child.test', '+49 30 55501' || 10 + i, false, app.clock(), app.clock()
    from app.customer c, generate_series(1, n) i;
    insert into app.deal (org_id, id, customer_id, title, stage, created_at, updated_at)
    select c.org_id, app.uuid7(), c.id, 'Deal ' || i, c.stage, app.clock(), app.clock() from app.customer c, generate_series(1, n) i;
    insert into app.activity (org_id, id, customer_id, kind, at, created_at, updated_at)
    select c.org_id, app.uuid7(), c.id, 'note', app.clock() - make_interval(hours => i), app.clock(), app.clock() from app.customer c, generate_series(1, n) i;
    insert into app.offer (org_id, id, customer_id, number, revision, currency, created_at, updated_at)
    select c.org_id, app.uuid7(), c.id, '2020-' || 10000 + row_number() over (), 1, 'EUR', app.clock(), app.clock() from app.customer c, generate_series(1, n) i;
end
$$;

-- A page, and all pages, of a person's customers; pages that never end are cut.
create function test.page(person text, cursor jsonb, sort text default '-updated_at', filter jsonb default '{}',
    archived boolean default false, lim int default 200) returns jsonb
language sql as $$
    select test.rows(person, format('select id, _next, _tail from api.customer_list($1, $2, %L, %L, null, %L, %L, %s, null)',
        filter, archived, sort, cursor, lim))
$$;

create function test.pages(person text, sort text default '-updated_at', filter jsonb default '{}', archived boolean default false,
    lim int default 200) returns uuid[]
language plpgsql as $$
declare
    cursor jsonb;
    page   jsonb;
    ids    uuid[] := '{}';
begin
    loop
        page := test.page(person, cursor, sort, filter, archived, lim);
        ids := ids || array(select (r.v->>'id')::uuid from jsonb_array_elements(page) with ordinality r(v, n)
            where r.v->'_tail' is distinct from 'true' order by r.n);
        cursor := (page->-1->>'_next')::jsonb;
        exit when cursor is null or cardinality(ids) > 5000;
    end loop;
    return ids;
end
$$;

select test.log_in() is null as logged_in \gset
