-- handover.sql: a customer of rita with 10,000 activities, another one with 50, and book, a rep of 2,000 customers with contacts,
-- activities and offers, who has the demo's password. After seed.sql, which counts the reps.
begin;
select app.act_as(org_id, staff_id, 'activities.create') from app.login where email = 'rita@demo.test';
insert into app.customer (org_id, id, name, email, phone, country, city, stage, owner_id, value, currency, created_at, updated_at)
select app.org(), ('01930000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Spoken to ' || n, 'info@talk.example', '+49 30 1234567', 'DE', 'Ulm', 'new', app.me(),
    1000, 'EUR', now() - interval '3 years', now()
from unnest(array[50, 10000]) n;
insert into app.contact (org_id, id, customer_id, name, email, phone, is_primary, created_at, updated_at)
select c.org_id, overlay(c.id::text placing lpad(g::text, 4, '0') from 15)::uuid, c.id, 'Contact ' || g, 'c' || g || '@talk.example', '+49 30 123400' || g, g = 1, now(), now()
from app.customer c, generate_series(1, 10) g where c.org_id = app.org() and c.name in ('Spoken to 50', 'Spoken to 10000');
insert into app.activity (org_id, id, customer_id, contact_id, kind, direction, subject, body, outcome, at, next_step, due_at, done_at, author_id, created_at, updated_at)
select c.org_id, app.uuid7(m.at), c.id, overlay(c.id::text placing lpad((1 + g % 10)::text, 4, '0') from 15)::uuid,
    (array['call', 'email', 'meeting', 'note', 'message', 'visit'])[1 + g % 6], (array['in', 'out', null, null, 'out', null])[1 + g % 6],
    'About ' || g, repeat('We talked about it. ', 20), case when g % 3 = 0 then 'Agreed.' end, m.at, case when g % 20 = 0 then 'Call again' end,
    case when g % 20 = 0 then m.at + interval '4 days' end, case when g % 40 = 0 then now() end, app.me(), m.at, m.at
from app.customer c, generate_series(1, split_part(c.name, ' ', 3)::int) g, lateral (select now() - g * interval '2 hours' as at) m
where c.org_id = app.org() and c.name in ('Spoken to 50', 'Spoken to 10000');

insert into app.staff (org_id, id, person_id, name, email, role, manager_id, segments, status, created_at, updated_at)
select app.org(), i.id, i.id, 'Book', 'book@demo.test', 'rep', null, '{negotiation}', 'active', now(), now() from (select app.uuid7() as id) i;
insert into app.credential (org_id, staff_id, password_hash, changed_at)
select c.org_id, b.staff_id, c.password_hash, now() from app.credential c, app.login b where c.staff_id = app.me() and b.email = 'book@demo.test';
insert into app.customer (org_id, id, name, country, city, stage, owner_id, value, currency, created_at, updated_at)
select b.org_id, app.uuid7(), 'Book ' || g, 'DE', case when g % 2 = 0 then 'Ulm' end, 'proposal', b.staff_id, g * 100, (array['EUR', 'USD'])[1 + g % 2], now(), now()
from app.login b, generate_series(1, 2000) g where b.email = 'book@demo.test';
insert into app.contact (org_id, id, customer_id, name, email, phone, is_primary, created_at, updated_at)
select c.org_id, app.uuid7(), c.id, 'Contact ' || g, 'c@book.example', '+49 30 1234000', g = 1, now(), now()
from app.customer c join app.login b on b.staff_id = c.owner_id and b.email = 'book@demo.test', generate_series(1, 2) g where c.org_id = app.org();
insert into app.activity (org_id, id, customer_id, contact_id, kind, direction, at, next_step, due_at, author_id, created_at, updated_at)
select k.org_id, app.uuid7(), k.customer_id, k.id, (array['call', 'email', 'note'])[1 + g % 3], case when g % 3 < 2 then 'in' end, now() - g * interval '20 days',
    case when g = 5 then 'Call again' end, now() + interval '1 day', c.owner_id, now(), now()
from app.contact k join app.customer c on c.org_id = k.org_id and c.id = k.customer_id join app.login b on b.staff_id = c.owner_id and b.email = 'book@demo.test',
    generate_series(1, 5) g where k.org_id = app.org();
insert into app.offer (org_id, id, customer_id, number, revision, currency, net, tax, gross, created_at, updated_at)
select c.org_id, app.uuid7(), c.id, '2000-' || lpad(row_number() over ()::text, 6, '0'), 1, 'EUR', 0, 0, 0, now(), now()
from app.customer c join app.login b on b.staff_id = c.owner_id and b.email = 'book@demo.test' where c.org_id = app.org();
commit;
vacuum (analyze) app.staff, app.customer, app.contact, app.activity, app.offer, app.history;
