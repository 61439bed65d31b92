-- fold_test.sql: the check of the history, which every test of the API ends with, sees what is wrong: in what was written since a
-- transaction as in everything.
begin;
select no_plan();
\ir people.sql
\ir fold.sql

create temp table made as
with c as (insert into app.customer (org_id, id, name, stage, owner_id, created_at, updated_at)
    select org, app.uuid7(), 'Folded', 'new', id, app.now(), app.now() from test.person where name = 'rita' returning id)
select id from c;
update app.customer set city = 'Ulm' where id = (select id from made);
update app.customer set city = 'Bonn' where id = (select id from made);
create function test.wrong(since xid) returns text language sql as $$
    select string_agg(distinct w.wrong || coalesce(' ' || w.field, ''), ', ') from app.test_fold_differences(since) w $$;

select is(test.wrong(null), null, 'nothing is wrong');
select is(test.wrong(pg_current_xact_id()::xid), null, 'nor in what was written');

-- What nobody can do, but a fault in a trigger might: each is taken back.
set local session_replication_role = replica;
create function test.spoilt(by text) returns text[] language plpgsql as $$
declare
    found text[];
begin
    begin
        execute by using (select id from made);
        found := array[test.wrong(null), test.wrong(pg_current_xact_id()::xid)];
        raise exception 'back';
    exception when raise_exception then
        return found;
    end;
end
$$;
select is(test.spoilt(v.by), array[v.wrong, v.wrong], v.says) from (values
    ('a change without history', 'update app.customer set city = ''Zug'' where id = $1', 'fold'),
    ('a record without history', 'insert into app.customer select (jsonb_populate_record(c, jsonb_build_object(''id'', gen_random_uuid()))).* from app.customer c where id = $1', 'fold'),
    ('a record that is gone', 'delete from app.customer where id = $1', 'fold'),
    ('a wrong new value', 'update app.history set new = ''"Zug"'' where record_id = $1 and new = ''"Bonn"''', 'fold'),
    ('a wrong old value', 'update app.history set old = ''"Zug"'' where record_id = $1 and new = ''"Bonn"''', 'chain city'),
    ('a change that is none', 'update app.history set old = new where record_id = $1 and new = ''"Ulm"''', 'chain city'),
    ('two creations', 'insert into app.history select (jsonb_populate_record(h, jsonb_build_object(''id'', app.uuid7()))).* from app.history h where record_id = $1 and field is null',
        'changes sql, creation'),
    ('a change before the creation', 'update app.history set version = 9 where record_id = $1 and field is null', 'creation'),
    ('a change that was forgotten', 'delete from app.history where record_id = $1 and new = ''"Ulm"''', 'chain city, changes sql'),
    ('a wrong count', 'update app.operation set changes = changes + 1 where id = app.operation_id()', 'changes sql')) v(says, by, wrong);
select * from finish();
rollback;
