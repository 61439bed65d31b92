-- bare.sql: the UPDATE of mass.sql on the copy that copy.sql makes.
begin;
select app.act_as(org_id, staff_id, 'customers.change')
from app.login where email = 'ada@demo.test';
update bench.customer set city = 'Place ' || :town
where org_id = 1 and id <= ('01920000-0000-7000-8000-' || lpad(:count::text, 12, '0'))::uuid;
commit;
