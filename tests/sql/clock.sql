-- clock.sql: a clock that a test can set ahead. Only test databases get this.
create table if not exists app.test_clock (ahead interval not null);
insert into app.test_clock select '0' where not exists (select from app.test_clock);
grant select on app.test_clock to public;
create or replace function app.now() returns timestamptz
language sql stable as 'select now() + (select ahead from app.test_clock)';
create or replace function app.clock() returns timestamptz
language sql volatile as 'select clock_timestamp() + (select ahead from app.test_clock)';
