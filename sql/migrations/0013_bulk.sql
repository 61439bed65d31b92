-- 0013_bulk.sql: many records changed by one wish: previewed, approved, done in pieces, taken back.

set local role holdfast_owner;

-- {"approval_above", "introduction_days"}: see app.bulk_settings.
alter table app.settings add bulk jsonb constraint bulk_shape check (jsonb_typeof(bulk) = 'object');

-- A wish to change many records: first planned, by a dry run; then asked for in earnest, and perhaps approved; from then on a job of the
-- same id goes on with it. What is planned and not asked for is forgotten.
create table app.bulk (
    org_id       int  not null,
    id           uuid not null,                           -- of its job, when it has one
    operation_id uuid not null,                           -- of all that it changes
    staff_id     uuid not null,                           -- who asks
    cause        text not null default 'bulk'             -- what history calls it, and where it comes from
        constraint cause_word check (cause in ('bulk', 'rotation', 'departure')),
    action       text not null constraint action_word check (action in ('update', 'transfer', 'stage', 'archive', 'tag')),
    entity       text not null constraint entity_word check (entity in ('customers', 'deals', 'activities')),
    wish         jsonb not null,                          -- as it was asked for: filter or ids, changes, to
    reason       text constraint reason_length check (char_length(reason) between 1 and 1000),
    introduce    boolean not null default true,           -- whether who gets a customer is given a task to introduce himself
    status       text not null default 'planned'
        constraint status_word check (status in ('planned', 'pending', 'begun', 'rejected', 'expired', 'withdrawn')),
    total        int  not null,                           -- records in its set
    moved        int  not null,                           -- those of them that get another owner
    refused      jsonb not null default '[]',             -- [{why, count, ids}]: what was selected and stays as it is
    affected     jsonb not null default '[]',             -- [{staff_id, loses, receives}]
    approved_by  uuid,
    session_id   uuid not null,                           -- of whoever asks
    request_id   uuid not null,
    pace         int  not null default 5,                 -- pieces of the next chunk
    next_n       int  not null default 1,                 -- the first piece that is not done
    stopped      boolean not null default false,          -- it ended before its end, and what it did is still to be taken back
    asked_at     timestamptz not null,
    expires_at   timestamptz not null,                    -- the plan; then the wait for a decision
    decided_at   timestamptz,
    retry_at     timestamptz,                             -- taking it back failed, and is tried again then
    undo_id      uuid,                                    -- the restore of a job that stopped before its end, or was taken back
    primary key (org_id, id),
    foreign key (org_id, staff_id) references app.staff on delete restrict,
    foreign key (org_id, approved_by) references app.staff on delete restrict
);
create index bulk_staff on app.bulk (org_id, staff_id, id);
create index bulk_open on app.bulk (expires_at) where status in ('planned', 'pending');
create index bulk_operation on app.bulk (org_id, operation_id);
create index bulk_stopped on app.bulk (org_id, id) where stopped;

-- The set in pieces. They stay until the job has ended: nobody else changes these records by another job meanwhile.
create table app.bulk_item (
    org_id   int  not null,
    bulk_id  uuid not null,
    n        int  not null,
    records  uuid[] not null,                             -- in order
    versions int[]  not null,                             -- as they were previewed
    owners   uuid[] not null,                             -- of a customer, as it was previewed
    heirs    uuid[],                                      -- who has each from then on; null where nobody gets anything
    primary key (org_id, bulk_id, n),
    foreign key (org_id, bulk_id) references app.bulk on delete cascade
);

-- One record that a wish reaches: whose it is (of a child, its customer's), where it is worked, who has it from then on, and why it stays as it is, or null.
create type app.bulk_row as (id uuid, version int, owner_id uuid, segment text, country text, heir uuid, why text);

-- Who said what of one that needs a second person. Appended only.
create table app.bulk_decision (
    org_id   int  not null,
    bulk_id  uuid not null,
    staff_id uuid not null,
    decision text not null constraint decision_word check (decision in ('approve', 'reject')),
    note     text not null constraint note_length check (char_length(note) between 1 and 1000),
    at       timestamptz not null,
    primary key (org_id, bulk_id, staff_id),
    foreign key (org_id, bulk_id) references app.bulk on delete restrict,
    foreign key (org_id, staff_id) references app.staff on delete restrict
);

-- A task by which the new owner of a customer introduces himself.
alter table app.activity add introduction boolean not null default false;
create index activity_introduction on app.activity (org_id, customer_id) where introduction and done_at is null and archived_at is null;

alter table app.notice
    drop constraint kind_word,
    add constraint kind_word check (kind in ('break_glass', 'hand_over', 'duplicate', 'hold', 'export', 'bulk', 'transfer'));

do $$
declare
    t text;
begin
    foreach t in array array['bulk', 'bulk_item', 'bulk_decision'] loop
        execute format('alter table app.%I enable row level security, force row level security', t);
    end loop;
end
$$;
