-- 0007_changes.sql: in which order operations became visible, for apps that follow what happens.

set local role holdfast_owner;

-- The clock does not tell that order: of two transactions the one that began first may end last. An operation that goes on over
-- several transactions has its last one. Null for those of before.
alter table app.operation add tx xid8;
create index operation_tx on app.operation (org_id, tx, id);

-- The changes of each kind of a customer and what belongs to it, the latest first, creations apart: api.customer_timeline.
create index history_customer on app.history (org_id, customer_id, entity, (field is null), id);

-- What came from another customer, which is rare: app.customers_behind.
create index history_moved on app.history (org_id, customer_id) where field = 'customer_id';
