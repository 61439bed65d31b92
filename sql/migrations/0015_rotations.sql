-- 0015_rotations.sql: customers that ought to go to somebody else in time; what a batch did, beside it.

set local role holdfast_owner;

-- What a request did where that is more than one thing (api.batch_run).
alter table app.retry add results jsonb;
