-- copy.sql: the customers once more, in a table with the same columns, checks, indexes and foreign keys but no triggers.
create schema if not exists bench;
create table bench.customer (like app.customer including all);
alter table bench.customer
    add foreign key (org_id) references app.org on delete restrict,
    add foreign key (org_id, stage, segment) references app.stage (org_id, id, segment_id) on update cascade on delete restrict,
    add foreign key (org_id, owner_id) references app.staff on delete restrict;
insert into bench.customer select * from app.customer;
vacuum (analyze) bench.customer;
