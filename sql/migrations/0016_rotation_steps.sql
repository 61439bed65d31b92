-- 0016_rotation_steps.sql: the proposals of a night are made a segment at a time.

set local role holdfast_owner;

-- The day (UTC) for which its proposals were made last.
alter table app.segment add rotated_on date not null default '-infinity';
