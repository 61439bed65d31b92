-- 0020_seen_key.sql: one index finds both who has seen a customer and whether a person has: a first sight enters one instead of two.

set local role holdfast_owner;

alter table app.seen drop constraint seen_pkey, add primary key (org_id, customer_id, staff_id);
drop index app.seen_customer;
