-- demo.sql: an org to try things on. For development only; conf/stack loads it once into a private database.
--
-- Everybody's password is holdfast-demo-1. Two admins, two managers with three reps each (one per segment), an auditor,
-- 240 customers, forty for each rep in the stages of his segment, and what happened with them (demo_day.sql).

begin;

do $$
declare
    org  int;
    boss record;
    rep  record;
begin
    perform app.org_create('demo', 'Ada Admin', 'ada@demo.test');
    org := (select org_id from app.login where email = 'ada@demo.test');

    -- They have been there for a while, so that they can decide about exports at once.
    insert into app.staff (org_id, id, person_id, name, email, role, manager_id, status, role_since, created_at, updated_at)
    select org, n.id, n.id, n.name, n.email, n.role, null, 'active', app.now() - interval '90 days', app.now(), app.now()
    from (select app.uuid7() id, * from (values
        ('Abby Admin', 'abby@demo.test', 'admin'), ('Max Manager', 'max@demo.test', 'manager'),
        ('Olga Manager', 'olga@demo.test', 'manager'), ('Axel Auditor', 'axel@demo.test', 'auditor')) v(name, email, role)) n;
    for boss in select * from (values ('max@demo.test', 'Rita', 'Nina', 'Carl'), ('olga@demo.test', 'Omar', 'Pia', 'Theo'))
        b(email, prospector, negotiator, closer)
    loop
        for rep in select * from (values (boss.prospector, 'prospecting'), (boss.negotiator, 'negotiation'),
            (boss.closer, 'closing')) r(name, segment)
        loop
            insert into app.staff (org_id, id, person_id, name, email, role, manager_id, segments, status, created_at, updated_at)
            select org, n.id, n.id, rep.name || ' Rep', lower(rep.name) || '@demo.test', 'rep',
                (select staff_id from app.login where login.email = boss.email), array[rep.segment], 'active', app.now(), app.now()
            from (select app.uuid7() id) n;
        end loop;
    end loop;
    update app.staff set status = 'active' where org_id = org;
    update app.invite set used_at = app.now() where org_id = org;
    insert into app.credential (org_id, staff_id, password_hash, changed_at)
    select org, id, '$argon2id$v=19$m=19456,t=2,p=1$6FatioxxCRt2pS7q7VF7HA$gZRjVm6lG/OHZRQpzAf+V4j9rkp1pqW9n1WlV6Adf1E', app.now()
    from app.staff where org_id = org;
end
$$;

-- The customers, each created by its rep; of those in later segments every fifth by the prospector of the team, who hands it over.
do $$
declare
    rep    record;
    moved  record;
    towns  text[] := '{Berlin,Hamburg,München,Wien,Zürich,Paris,Lyon,Madrid,Lisboa,Oslo,Warszawa,Praha}';
    lands  text[] := '{DE,DE,DE,AT,CH,FR,FR,ES,PT,NO,PL,CZ}';
    codes  text[] := '{49 30,49 40,49 89,43 1,41 44,33 1,33 4,34 91,351 21,47 22,48 22,420 2}';
    heads  text[] := '{Adler,Birke,Cedar,Delta,Eiche,Falke,Granit,Hafen,Iris,Juno,Kranich,Linde,Mistral,Nord,Opal,Perle,Quelle,Rabe,Stern,Tanne}';
    tails  text[] := '{Werke,Handel,Logistik,Bau,Technik,Optik,Druck,Energie,Foods,Metall,Textil,Papier}';
begin
    for rep in
        select s.org_id, s.id, row_number() over (order by s.id) n,
            array(select t.id from app.stage t join app.staff_segment g on g.org_id = t.org_id and g.segment_id = t.segment_id
                where g.org_id = s.org_id and g.staff_id = s.id order by t.position) stages,
            (select p.id from app.staff p where p.org_id = s.org_id and p.manager_id = s.manager_id and p.segments = '{prospecting}') as prospector
        from app.staff s where s.org_id = (select org_id from app.login where email = 'ada@demo.test') and s.role = 'rep'
    loop
        perform app.act_as(rep.org_id, rep.id, 'customers.create');
        insert into app.customer (org_id, id, name, email, phone, website, address, city, postal_code, country, source, stage, owner_id,
            value, currency, notes, tags, custom, created_at, updated_at)
        select rep.org_id, app.uuid7(), heads[1 + k % 20] || ' ' || tails[1 + (k / 20 + k) % 12] || ' ' || k,
            'info@' || lower(heads[1 + k % 20]) || k || '.example',
            '+' || codes[1 + k % 12] || ' 5550 ' || lpad(k::text, 4, '0'),
            'https://www.' || lower(heads[1 + k % 20]) || k || '.example', 'Hauptstraße ' || k, towns[1 + k % 12],
            lpad((10000 + k * 37)::text, 5, '0'), lands[1 + k % 12], ('{web,fair,referral,call}'::text[])[1 + k % 4],
            case when w.came then 'qualified' else rep.stages[1 + k % cardinality(rep.stages)] end, case when w.came then rep.prospector else rep.id end, 100000 + k * 12345, 'EUR',
            case when k % 3 = 0 then 'Prefers calls in the morning.' end,
            case when k % 5 = 0 then '{key account}'::text[] else '{}' end,
            jsonb_build_object('employees', 10 + k * 7 % 500),
            app.now() - make_interval(days => 200 - k % 200), app.now() - make_interval(hours => 1 + k)
        from (select (rep.n - 1)::int * 40 + i as k from generate_series(1, 40) i) c, lateral (select c.k % 5 = 0 and rep.prospector <> rep.id as came) w;

        continue when rep.prospector = rep.id;
        perform app.act_as(rep.org_id, rep.prospector, 'customers.stage');
        for moved in select t.id, split_part(t.name, ' ', 3)::int as k from app.customer t
            where t.org_id = rep.org_id and t.owner_id = rep.prospector and split_part(t.name, ' ', 3)::int - 1 >= (rep.n - 1) * 40
              and split_part(t.name, ' ', 3)::int <= rep.n * 40 order by 2
        loop
            perform app.operation_because('Wants two offers; decides before the summer. Ask for the head of purchasing.');
            perform app.hand_over(moved.id, rep.stages[1 + moved.k % cardinality(rep.stages)], rep.id);
            if moved.k % 20 = 0 then
                perform app.tell(rep.id, 'hand_over', moved.id, 'Wants two offers; decides before the summer. Ask for the head of purchasing.');
            end if;
        end loop;
    end loop;
end
$$;

\ir demo_day.sql

commit;
