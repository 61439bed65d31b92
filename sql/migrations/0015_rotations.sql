-- 0015_rotations.sql: customers that ought to go to somebody else in time; what a batch did, beside it.

set local role holdfast_owner;

-- What a request did where that is more than one thing (api.batch_run).
alter table app.retry add results jsonb;

-- {segment: {longest_days, share_of_touches, ...}}: see app.rotation_policy.
alter table app.settings add rotation jsonb constraint rotation_shape check (jsonb_typeof(rotation) = 'object');

-- The day (UTC) for which it was looked last whose turn is over.
alter table app.org add rotated_on date not null default '-infinity';

-- A proposal: customers of one person in one segment that ought to go to others. It is made anew each night until somebody decides.
create table app.rotation (
    org_id     int  not null,
    id         uuid not null,
    segment_id text not null,
    staff_id   uuid not null,                           -- whose customers
    status     text not null default 'open' constraint status_word check (status in ('open', 'applied', 'dismissed', 'lapsed')),
    customers  int  not null,                           -- how many
    why        jsonb not null,                          -- {rule: how many of them}
    receivers  jsonb not null,                          -- [{staff_id, customers}]: who would get them; staff_id null: nobody could
    made_at    timestamptz not null,
    checked_at timestamptz not null,                    -- the last night
    decided_by uuid,
    decided_at timestamptz,
    note       text constraint note_length check (char_length(note) between 1 and 1000),
    bulk_id    uuid,                                    -- the transfer that it was applied as
    primary key (org_id, id),
    foreign key (org_id, staff_id) references app.staff on delete restrict,
    foreign key (org_id, decided_by) references app.staff on delete restrict
);
create unique index rotation_open on app.rotation (org_id, segment_id, staff_id) where status = 'open';
create index rotation_staff on app.rotation (org_id, staff_id, id);

-- The customers of one, those that are due for longest first.
create table app.rotation_item (
    org_id      int  not null,
    rotation_id uuid not null,
    n           int  not null,
    customer_id uuid not null,
    why         text[] not null,
    since       timestamptz not null,                   -- from when it is his
    touches     int  not null,                          -- of anybody in the window
    share       int  not null,                          -- of these by him, in per cent
    to_id       uuid,                                   -- who would get it
    primary key (org_id, rotation_id, n),
    foreign key (org_id, rotation_id) references app.rotation on delete cascade,
    foreign key (org_id, customer_id) references app.customer on delete restrict
);
create index rotation_item_customer on app.rotation_item (org_id, customer_id);

alter table app.notice
    drop constraint kind_word,
    add constraint kind_word check (kind in ('break_glass', 'hand_over', 'duplicate', 'hold', 'export', 'bulk', 'transfer', 'rotation'));

do $$
declare
    t text;
begin
    foreach t in array array['rotation', 'rotation_item'] loop
        execute format('alter table app.%I enable row level security, force row level security', t);
    end loop;
end
$$;
