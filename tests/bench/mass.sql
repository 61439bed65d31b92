-- mass.sql: another town for customers 1 to :count, in one statement, with all that Holdfast does.
begin;
select app.act_as(org_id, staff_id, 'customers.change')
from app.login where email = 'ada@demo.test';
update app.customer set city = 'Place ' || :town
where org_id = 1 and id <= ('01920000-0000-7000-8000-' || lpad(:count::text, 12, '0'))::uuid;
commit;
