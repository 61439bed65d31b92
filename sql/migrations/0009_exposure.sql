-- 0009_exposure.sql: how much of the base each person has seen, what is odd about what he does, and what waits for approval.

set local role holdfast_owner;

-- The ledger is read by its ids, which are in the order of time as everything else's, and knows how much left.
alter table app.disclosure add bytes int;                     -- of the rows as PostgreSQL hands them out
alter table app.disclosure drop constraint disclosure_pkey;
alter table app.disclosure add primary key (org_id, id, at);
drop index app.disclosure_staff;
create index disclosure_staff on app.disclosure (org_id, staff_id, id);

alter table app.customer add owner_since timestamptz;         -- derived: when it came to its owner; null: he made it, or long ago

-- What an org sets differently from app.budget_defaults: {role or person: {measure: {window: {soft, hard}}}}.
alter table app.settings
    add budgets jsonb constraint budgets_object check (jsonb_typeof(budgets) = 'object')
        constraint budgets_size check (octet_length(budgets::text) <= 65536),
    add ledger_months int constraint ledger_months_range check (ledger_months between 12 and 1200);   -- null: 36

-- Whom a person has seen: one row for each customer that any answer showed him. The times are of the first answer within the
-- last hour that had it, so that looking again costs no write.
create table app.seen (
    org_id      int  not null,
    staff_id    uuid not null,
    customer_id uuid not null,
    first_at    timestamptz not null,
    at          timestamptz not null,                         -- in any answer
    opened_at   timestamptz,                                  -- as a record of its own, not in a list
    contact_at  timestamptz,                                  -- with contact values that were not masked
    primary key (org_id, staff_id, customer_id)
) with (fillfactor = 80);
create index seen_customer on app.seen (org_id, customer_id);

-- The same of everybody below a person together, without what is somebody's own; only in bases large enough for shares.
create table app.team_seen (
    org_id      int  not null,
    above_id    uuid not null,
    customer_id uuid not null,
    at          timestamptz not null,
    primary key (org_id, above_id, customer_id)
) with (fillfactor = 80);

-- How much that is: for each of the windows (hour, day, month of 30 days) and measures of app.measures(), distinct customers in the
-- window in hand and in the one before, less those that were seen again since.
create table app.exposure (
    org_id         int  not null,
    staff_id       uuid not null,
    began          timestamptz[] not null,                    -- the windows in hand
    used           int[] not null,                            -- [window][measure]
    before         int[] not null,
    own            int not null default 0,                    -- of the day: his own customers, which are free up to 1.2 times his book
    book           int,                                       -- how many are his
    limits         int[],                                     -- [window][measure][soft, hard]: what holds for him, as it was worked out
    limits_of      text,                                      -- ... from this
    remaining      int,                                       -- customers that he can still see before a hard limit
    masked_until   timestamptz,                               -- beyond a soft limit
    blocked_until  timestamptz,                               -- refused; infinity: frozen by somebody
    blocked_why    text,
    primary key (org_id, staff_id),
    foreign key (org_id, staff_id) references app.staff on delete restrict
) with (fillfactor = 40);

-- What each day came to, for comparison with later ones.
create table app.exposure_day (
    org_id   int  not null,
    staff_id uuid not null,
    day      date not null,
    used     int[] not null,                                  -- by measure
    primary key (org_id, staff_id, day),
    foreign key (org_id, staff_id) references app.staff on delete restrict
);

-- Of which segments, in the week in hand and the one before: of a person, and of all below him together (team).
create table app.exposure_share (
    org_id   int  not null,
    staff_id uuid not null,
    team     boolean not null,
    segment  text not null,
    began    timestamptz not null,
    used     int not null,
    before   int not null,
    primary key (org_id, staff_id, team, segment),
    foreign key (org_id, staff_id) references app.staff on delete restrict
) with (fillfactor = 60);

-- How many customers there are in a segment, which shares are taken of; counted once an hour.
create table app.base (
    org_id    int  not null references app.org on delete restrict,
    segment   text not null,
    customers int  not null,
    at        timestamptz not null,
    primary key (org_id, segment)
);

-- More than the limits for a while. Appended only.
create table app.exposure_grant (
    org_id     int  not null,
    id         uuid not null,
    staff_id   uuid not null,
    measure    text not null constraint measure_word check (measure in ('customers', 'contacts', 'reveals', 'contact_changes', 'deletions')),
    amount     int  not null constraint amount_range check (amount between 1 and 1000000),
    reason     text not null constraint reason_length check (char_length(reason) between 1 and 1000),
    granted_by uuid not null,
    at         timestamptz not null,
    until      timestamptz not null constraint until_range check (until > at and until <= at + interval '90 days'),
    primary key (org_id, id),
    foreign key (org_id, staff_id) references app.staff on delete restrict,
    foreign key (org_id, granted_by) references app.staff on delete restrict
);
create index exposure_grant_staff on app.exposure_grant (org_id, staff_id, until);

-- What happened that is neither an answer with customer data (app.disclosure) nor a change (app.operation): log-ins, refusals,
-- grants, reading what others did. Appended only; the three together are the event log.
create table app.event (
    org_id     int  not null references app.org on delete restrict,
    id         uuid not null,
    at         timestamptz not null,
    kind       text not null constraint kind_shape check (kind ~ '^[a-z_]+[.][a-z_]+$'),
    staff_id   uuid,                                          -- who; null where that is not known
    session_id uuid,
    request_id uuid,
    subject_id uuid,                                          -- the person or record it is about
    status     int,                                           -- of a refusal
    code       text constraint code_shape check (code ~ '^[a-z0-9_]{1,64}$'),
    rows       int,                                           -- how many it showed
    detail     jsonb,                                         -- ids and stable words
    primary key (org_id, id)
);
create index event_staff on app.event (org_id, staff_id, id);
create index event_subject on app.event (org_id, subject_id, id) where subject_id is not null;

-- What somebody ought to look at. One of a rule for a person and a day: what follows is counted in it.
create table app.alert (
    org_id    int  not null,
    id        uuid not null,
    at        timestamptz not null,
    rule      text not null constraint rule_word check (rule in ('exposure_soft', 'exposure_hard', 'unusual_reveals', 'denied', 'read_only',
        'segment_share', 'team_share', 'contact_changes', 'near_misses', 'deletions', 'transfers', 'log_ins', 'rights', 'decoy', 'off_hours')),
    severity  text not null constraint severity_word check (severity in ('info', 'low', 'medium', 'high', 'critical')),
    staff_id  uuid not null,                                  -- about whom
    day       date not null,
    times     int  not null default 1,
    last_at   timestamptz not null,
    evidence  jsonb not null,                                 -- {operations: [], disclosures: [], events: [], …}: ids, words and numbers
    answer    text not null constraint answer_word check (answer in ('none', 'hold', 'freeze', 'restore')),
    status    text not null default 'open' constraint status_word check (status in ('open', 'closed')),
    closed_by uuid,
    closed_at timestamptz,
    note      text constraint note_length check (char_length(note) between 1 and 1000),
    told      text,                                           -- the severity of which people outside were told
    primary key (org_id, id),
    constraint alert_day unique (org_id, staff_id, rule, day),
    foreign key (org_id, staff_id) references app.staff on delete restrict,
    foreign key (org_id, closed_by) references app.staff on delete restrict
);

-- A change that waits for a manager.
create table app.hold (
    org_id       int  not null,
    id           uuid not null,
    at           timestamptz not null,
    staff_id     uuid not null,                               -- who wants it
    entity       text not null constraint entity_word check (entity in ('customers', 'contacts')),
    record_id    uuid not null,
    customer_id  uuid not null,
    version      int  not null,                               -- of the record, when it was wanted
    body         jsonb not null,                              -- the merge patch
    rule         text not null,                               -- why it waits: a rule of app.alert
    session_id   uuid,
    request_id   uuid,
    status       text not null default 'pending' constraint status_word check (status in ('pending', 'approved', 'rejected', 'expired')),
    decided_by   uuid,
    decided_at   timestamptz,
    note         text constraint note_length check (char_length(note) between 1 and 1000),
    operation_id uuid,                                        -- of an approved one
    primary key (org_id, id),
    foreign key (org_id, staff_id) references app.staff on delete restrict,
    foreign key (org_id, decided_by) references app.staff on delete restrict,
    foreign key (org_id, customer_id) references app.customer on delete restrict
);
create index hold_pending on app.hold (org_id, staff_id, id) where status = 'pending';
create index hold_record on app.hold (org_id, record_id) where status = 'pending';
create index hold_staff on app.hold (org_id, staff_id, id);

-- What a person changed of late, by which changes begin to wait (app.held_by), and what he gave to others (app.watch_transfers).
create index history_contact on app.history (org_id, actor_id, id) where field in ('email', 'phone');
create index history_archived on app.history (org_id, actor_id, id) where field = 'archived_at';
create index history_given on app.history (org_id, actor_id, id) where field = 'owner_id';

-- Customers that nobody has any reason to look at.
create table app.decoy (
    org_id      int  not null,
    id          uuid not null,
    customer_id uuid not null,
    made_by     uuid not null,
    at          timestamptz not null,
    primary key (org_id, id),
    constraint decoy_customer unique (org_id, customer_id),
    foreign key (org_id, customer_id) references app.customer on delete restrict,
    foreign key (org_id, made_by) references app.staff on delete restrict
);

-- In which hours a person works (app.habit_of), worked out once a day while he does.
create table app.habit (
    org_id   int  not null,
    staff_id uuid not null,
    day      date not null,
    days     int  not null,                                   -- on how many of the last 90 he worked
    earliest int,                                             -- the hours (UTC) between which nine tenths of it lie
    latest   int,
    primary key (org_id, staff_id),
    foreign key (org_id, staff_id) references app.staff on delete restrict
);

-- When the rules that only tell (app.watch) were asked about an org last.
alter table app.org add watched_at timestamptz not null default '-infinity';

alter table app.notice
    drop constraint kind_word,
    add constraint kind_word check (kind in ('break_glass', 'hand_over', 'duplicate', 'hold'));

do $$
declare
    t text;
begin
    foreach t in array array['habit', 'seen', 'team_seen', 'exposure', 'exposure_day', 'exposure_share', 'base', 'exposure_grant', 'event', 'alert', 'hold', 'decoy'] loop
        execute format('alter table app.%I enable row level security, force row level security', t);
    end loop;
end
$$;
