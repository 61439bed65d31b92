-- demo_day.sql: what happened between the demo's people and their customers: contacts, deals, activities, offers. Part of the
-- transaction of demo.sql.

do $$
declare
    org    int := (select org_id from app.login where email = 'ada@demo.test');
    rep    record;
    firsts text[] := '{Anna,Bruno,Clara,David,Élise,Felix,Greta,Hugo,Inès,Jakub,Karin,Lukas,Marta,Nils,Olivia,Pavel,Rosa,Søren,Tomás,Ursula}';
    lasts  text[] := '{Müller,Schmidt,Dubois,García,Kowalski,Novák,Hansen,Rossi,Silva,Weber,Lindqvist,Moreau,Huber,Ferreira,Nowak,Brandt,Keller}';
    titles text[] := '{Head of purchasing,Managing director,Assistant,Technical lead,Controller}';
begin
    for rep in select s.id, s.name from app.staff s where s.org_id = org and s.role = 'rep' loop
        perform app.act_as(org, rep.id, 'contacts.create');
        insert into app.contact (org_id, id, customer_id, name, title, email, phone, is_primary, notes, created_at, updated_at)
        select org, app.uuid7(), c.id, p.name, titles[1 + (c.k + i) % 5], lower(translate(split_part(p.name, ' ', 1), 'Éèáø', 'eeao')) || '@' || split_part(c.email, '@', 2),
            case when (c.k + i) % 4 > 0 then left(c.phone, -4) || lpad((c.k * 10 + i)::text, 5, '0') end, i = 1,
            case when i = 1 and c.k % 6 = 0 then 'Speaks French. Never before ten.' end, t.at, t.at
        from (select c.*, row_number() over (order by c.id) as k from app.customer c where c.org_id = org and c.owner_id = rep.id) c,
            generate_series(1, 1 + c.k::int % 3) i,
            lateral (select least(c.created_at + i * interval '1 hour', app.now()) as at) t,
            lateral (select firsts[1 + (c.k * 7 + i * 3) % 20] || ' ' || lasts[1 + (c.k * 5 + i) % 17] as name) p
        where c.k % 13 <> 0;                              -- a few have nobody: completeness says so

        perform app.act_as(org, rep.id, 'deals.create');
        insert into app.deal (org_id, id, customer_id, title, stage, amount, currency, expected_close, status, reason, created_at, updated_at)
        select org, app.uuid7(), c.id, (array['Annual supply', 'Pilot order', 'Service contract', 'Replacement of the old line'])[1 + c.k % 4],
            c.stage, c.value / (1 + i), c.currency, (app.now() + make_interval(days => (c.k * 3 % 90 - 10)::int))::date, d.status,
            case d.status when 'won' then 'Best delivery time.' when 'lost' then 'Price; stayed with the old supplier.' end,
            d.at, d.at
        from (select c.*, row_number() over (order by c.id) as k from app.customer c where c.org_id = org and c.owner_id = rep.id) c,
            generate_series(1, c.k::int % 3) i,
            lateral (select case when c.stage = 'won' and i = 1 then 'won' when c.stage = 'lost' then 'lost' when i = 2 and c.k % 4 = 0 then 'lost' else 'open' end as status, least(c.created_at + interval '3 days', app.now()) as at) d;

        perform app.act_as(org, rep.id, 'activities.create');
        insert into app.activity (org_id, id, customer_id, contact_id, deal_id, kind, direction, subject, body, outcome, at, next_step, due_at, done_at,
            author_id, created_at, updated_at)
        select org, app.uuid7(), c.id, p.id, d.id, w.kind, w.direction, w.subject, w.body, w.outcome, t.at,
            case when i = 1 and c.k % 3 > 0 then w.next end, case when i = 1 and c.k % 3 > 0 then app.now() + make_interval(days => (c.k % 14 - 4)::int) end,
            case when i > 1 and w.kind = 'task' then t.at + interval '2 days' end, rep.id, t.at + interval '10 minutes', t.at + interval '10 minutes'
        from (select c.*, row_number() over (order by c.id) as k from app.customer c where c.org_id = org and c.owner_id = rep.id) c
        cross join generate_series(1, 2 + c.k::int % 4) i
        cross join lateral (select x.* from (values
            ('call', 'out', 'First call', 'Introduced us. They buy twice a year and are not happy with their delivery times.', 'Interested', 'Send the price list'),
            ('email', 'in', 'Question about terms', 'Asks for payment within 45 days and for a sample.', 'Answered', 'Send a sample'),
            ('meeting', null, 'Visit at their plant', 'Saw the line. Decision is made by the head of purchasing together with the owner.', 'Wants an offer', 'Send an offer for 500 pieces'),
            ('message', 'out', 'Confirmed the date', 'See you on Tuesday at ten.', null, 'Prepare the meeting'),
            ('note', null, 'Background', 'Family business, third generation. The daughter takes over next year.', null, 'Ask who signs'),
            ('task', null, 'Check the credit line', null, null, 'Check the credit line')) x(kind, direction, subject, body, outcome, next)
            offset ((c.k + i) % 6)::int limit 1) w
        cross join lateral (select greatest(c.created_at + interval '1 day', app.now() - make_interval(days => (i * i * 9 + c.k % 11)::int, hours => (c.k % 8)::int)) as at) t
        left join lateral (select k.id from app.contact k where k.org_id = org and k.customer_id = c.id order by k.is_primary desc, k.id limit 1) p on w.kind not in ('note', 'task')
        left join lateral (select k.id from app.deal k where k.org_id = org and k.customer_id = c.id order by k.id limit 1) d on i = 1
        where c.k % 17 <> 0 and t.at < app.now() - interval '10 minutes';
    end loop;
end
$$;

-- Offers: drafts, sent ones that are open, expired, accepted, declined, and some in their second version.
do $$
declare
    org int := (select org_id from app.login where email = 'ada@demo.test');
    rep record;
    o   record;
begin
    for rep in select s.id from app.staff s where s.org_id = org and s.role = 'rep' and s.segments <> '{prospecting}' loop
        perform app.act_as(org, rep.id, 'offers.create');
        for o in
            select c.id, c.k, c.currency, c.value, r.revision, r.last, d.id as deal, p.id as contact
            from (select c.*, row_number() over (order by c.id) as k from app.customer c where c.org_id = org and c.owner_id = rep.id) c
            cross join lateral (select g as revision, g = 1 + c.k::int / 2 % 2 as last from generate_series(1, 1 + c.k::int / 2 % 2) g) r
            left join lateral (select k.id from app.deal k where k.org_id = org and k.customer_id = c.id order by k.id limit 1) d on true
            left join lateral (select k.id from app.contact k where k.org_id = org and k.customer_id = c.id and k.is_primary) p on true
            where c.k % 2 = 0 order by c.k, r.revision
        loop
            insert into app.offer (org_id, id, customer_id, contact_id, deal_id, number, revision, title, currency, lines, net, tax, gross, valid_until, created_at, updated_at)
            select org, app.uuid7(), o.id, o.contact, o.deal, case o.revision when 1 then app.offer_number() else b.number end, o.revision,
                'Annual supply', o.currency, jsonb_build_array(
                    jsonb_build_object('description', 'Housing, aluminium', 'quantity', 100 + o.k, 'unit_price', 1250 - 50 * (o.revision - 1), 'discount', 0, 'tax', 19),
                    jsonb_build_object('description', 'Assembly, hours', 'quantity', 12.5, 'unit_price', 8500, 'discount', case o.revision when 1 then 0 else 5 end, 'tax', 19)),
                0, 0, 0, (app.now() + make_interval(days => case when o.k % 10 = 4 then 1 else 30 end))::date, app.now(), app.now()
            from (select max(b.number) as number from app.offer b where b.org_id = org and b.customer_id = o.id) b;
            continue when o.last and o.k % 10 = 6;        -- still a draft
            update app.offer t set status = 'sent', promised_by = rep.id
            where t.org_id = org and t.customer_id = o.id and t.revision = o.revision;
            update app.offer t set status = case when o.k % 10 = 2 then 'accepted' else 'declined' end, reason = case when o.k % 10 = 2 then 'Delivery within a week.' else 'Too dear.' end
            where t.org_id = org and t.customer_id = o.id and t.revision = o.revision and o.last and o.k % 10 in (2, 8);
        end loop;
    end loop;
end
$$;
