-- 0019_plain_sight.sql: what cannot bring a person to a limit is counted with one small write.

set local role holdfast_owner;

-- How many customers of his own a person saw for the first time since this row was made, of those that were counted here and not in
-- app.exposure: it may be most, and that until then (app.plain_room). What his numbers have of it already is in app.exposure.plain, so
-- that nothing is ever taken out of here.
create table app.plain_sight (
    org_id    int  not null,
    staff_id  uuid not null,
    customers int  not null default 0,
    contacts  int  not null default 0,                        -- with contact values that were not masked
    opened    int  not null default 0,                        -- as records of their own
    most      int  not null,
    until     timestamptz not null,
    primary key (org_id, staff_id)
) with (fillfactor = 40);
alter table app.plain_sight enable row level security, force row level security;

alter table app.exposure add plain int[] not null default '{0,0,0}';   -- customers, contacts, opened

-- One index finds both who has seen a customer and whether a person has: a first sight enters one instead of two.
alter table app.seen drop constraint seen_pkey, add primary key (org_id, customer_id, staff_id);
drop index app.seen_customer;
