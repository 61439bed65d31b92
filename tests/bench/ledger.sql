-- ledger.sql: rows in the ledger up to :count, of everybody, and what the people have seen by them: as years of work leave them.
begin;
insert into app.disclosure (org_id, at, id, request_id, staff_id, session_id, channel, customer_ids, classes, masked)
select s.org_id, now() - n * interval '1 millisecond', app.uuid7(now() - n * interval '1 millisecond'), gen_random_uuid(), s.ids[1 + n % 6], gen_random_uuid(), 'read',
    array[('01920000-0000-7000-8000-' || lpad((n % :customers)::text, 12, '0'))::uuid], 'base contact money notes', false
from generate_series((select count(*) from app.disclosure) + 1, :count) n,
    (select org_id, array_agg(id order by email) as ids from app.staff where role = 'rep' and email !~ '-' group by org_id) s;
insert into app.seen (org_id, staff_id, customer_id, first_at, at)
select distinct on (1, 2, 3) s.org_id, s.ids[1 + n % 6], ('01920000-0000-7000-8000-' || lpad((n % :customers)::text, 12, '0'))::uuid, now() - interval '90 days', now() - interval '60 days'
from generate_series(1, least(:count, 6 * :customers)) n,
    (select org_id, array_agg(id order by email) as ids from app.staff where role = 'rep' and email !~ '-' group by org_id) s
on conflict do nothing;
commit;
vacuum analyze app.disclosure, app.seen;
