-- export.sql: what an export of all customers is measured against: the same query in the name of the same person, by psql's \copy.
begin;
select app.act_as(org_id, staff_id, 'exports.file'), app.single() from app.login where email = 'ada@demo.test';
set local role holdfast_api;
\copy (select id, name, email, phone, website, address, city, postal_code, country, source, stage, owner_id, value, currency, notes, tags, custom, created_at, updated_at from api.customer where _org = (select app.org()) and archived_at is null order by id) to '/dev/null' csv header
commit;
