-- 0019_plain_sight.sql: what cannot bring a person to a limit is counted with one small write.

set local role holdfast_owner;

-- A person's sights that were counted here and not in app.exposure. While there are fewer than most, before until, and under the settings
-- of that version, one more needs no look at any limit (app.plain_room). No committed number ever falls: app.exposure.plain says how much
-- of them app.exposure has.
create table app.plain_sight (
    org_id    int  not null,
    staff_id  uuid not null,
    sights    int  not null default 0,
    customers int  not null default 0,                        -- of these, whom he had never seen
    contacts  int  not null default 0,                        -- whose contact values he had never seen
    opened    int  not null default 0,                        -- that he had never opened
    most      int  not null default 0,
    until     timestamptz not null default '-infinity',
    settings  int  not null default 0,
    primary key (org_id, staff_id)
) with (fillfactor = 40);
alter table app.plain_sight enable row level security, force row level security;

alter table app.exposure add plain int[] not null default '{0,0,0}';   -- customers, contacts, opened
