-- timeline_seed.sql: the life of two customers of the rep :rep, one with 10,000 entries and one with 50, a half each of activities
-- and of changes.
begin;
select app.act_as(org_id, staff_id, 'customers.change') from app.login where email = 'rita@demo.test';
create temp table life as
select c.org_id, c.id, c.owner_id, l.n from app.customer c
join (values (:rep + 6, 5000), (:rep + 12, 25)) l(number, n) on c.id = ('01920000-0000-7000-8000-' || lpad(l.number::text, 12, '0'))::uuid;
insert into app.activity (org_id, id, customer_id, kind, direction, subject, body, at, author_id, created_at, updated_at)
select l.org_id, app.uuid7(), l.id, 'call', 'out', 'Call ' || i, 'What was said in it.', m.at, l.owner_id, m.at, m.at
from life l, generate_series(1, l.n) i, lateral (select now() - make_interval(mins => 10 * i) as at) m;
insert into app.history (org_id, id, operation_id, entity, record_id, customer_id, version, field, old, new, actor_id, via, at)
select l.org_id, app.uuid7(m.at), app.uuid7(m.at), 'customers', l.id, l.id, 1 + i, 'notes', to_jsonb('Note ' || i), to_jsonb('Note ' || i + 1), l.owner_id, 'api', m.at
from life l, generate_series(1, l.n) i, lateral (select now() - make_interval(mins => 10 * i - 5) as at) m;
commit;
vacuum (analyze) app.activity, app.history;
