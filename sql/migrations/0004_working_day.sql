-- 0004_working_day.sql: what happens between a company and its customers: contacts, deals, offers, activities; and what a merge,
-- a duplicate and a restore of these need.
--
-- Each belongs to a customer and follows his visibility. None is ever deleted; archiving a customer archives them with him.

set local role holdfast_owner;

alter table app.customer no force row level security;
alter table app.settings no force row level security;
alter table app.restore_conflict no force row level security;

-- A person at a customer.
create table app.contact (
    org_id      int  not null,
    id          uuid not null,
    customer_id uuid not null,
    name        text not null constraint name_length check (char_length(name) between 1 and 200),
    title       text constraint title_length check (char_length(title) between 1 and 100),
    email       text constraint email_length check (char_length(email) between 3 and 254)
                     constraint email_mask check (strpos(email, '*') = 0),
    phone       text constraint phone_length check (char_length(phone) between 1 and 40)
                     constraint phone_mask check (strpos(phone, '*') = 0),
    phone_e164  text,                                     -- derived, as the next two
    email_key   text,
    phone_key   text,
    is_primary  boolean not null default false,           -- whom to ask for first; one of a customer
    notes       text constraint notes_length check (char_length(notes) between 1 and 10000),
    version     int not null default 1,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    archived_at timestamptz,
    primary key (org_id, id),
    foreign key (org_id, customer_id) references app.customer on delete restrict
);
create index contact_customer on app.contact (org_id, customer_id, updated_at, id);
create index contact_updated on app.contact (org_id, updated_at, id) where archived_at is null;
create index contact_name on app.contact (org_id, name, id) where archived_at is null;
create index contact_email on app.contact (org_id, email_key);
create index contact_phone on app.contact (org_id, phone_key);

-- A chance to sell something.
create table app.deal (
    org_id         int  not null,
    id             uuid not null,
    customer_id    uuid not null,
    title          text not null constraint title_length check (char_length(title) between 1 and 200),
    stage          text not null,
    amount         bigint constraint amount_range check (amount between 0 and 1000000000000000),
    currency       text,                                  -- its check is the customer's, below
    expected_close date,
    status         text not null default 'open' constraint status_word check (status in ('open', 'won', 'lost')),
    reason         text constraint reason_length check (char_length(reason) between 1 and 1000),   -- why it was won or lost
    closed_at      timestamptz,                           -- derived from status
    notes          text constraint notes_length check (char_length(notes) between 1 and 10000),
    version        int not null default 1,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    archived_at    timestamptz,
    primary key (org_id, id),
    foreign key (org_id, customer_id) references app.customer on delete restrict,
    constraint stage_fkey foreign key (org_id, stage) references app.stage (org_id, id) on update cascade on delete restrict
);
create index deal_customer on app.deal (org_id, customer_id, updated_at, id);
create index deal_updated on app.deal (org_id, updated_at, id) where archived_at is null;
create index deal_stage on app.deal (org_id, stage);

-- What was said, done or is to be done.
create table app.activity (
    org_id      int  not null,
    id          uuid not null,
    customer_id uuid not null,
    contact_id  uuid,
    deal_id     uuid,
    kind        text not null constraint kind_word check (kind in ('call', 'email', 'meeting', 'message', 'visit', 'note', 'task')),
    direction   text constraint direction_word check (direction in ('in', 'out')),
    subject     text constraint subject_length check (char_length(subject) between 1 and 200),
    body        text constraint body_length check (char_length(body) between 1 and 10000),
    outcome     text constraint outcome_length check (char_length(outcome) between 1 and 500),
    at          timestamptz not null                      -- when it happened
                     constraint at_range check (at >= '1900-01-01 00:00+00' and at < '3000-01-01 00:00+00'),
    next_step   text constraint next_step_length check (char_length(next_step) between 1 and 500),
    due_at      timestamptz                               -- of the next step, or of the task
                     constraint due_at_range check (due_at >= '1900-01-01 00:00+00' and due_at < '3000-01-01 00:00+00'),
    done_at     timestamptz                               -- when that was done
                     constraint done_at_range check (done_at >= '1900-01-01 00:00+00' and done_at < '3000-01-01 00:00+00'),
    author_id   uuid,                                     -- who wrote it down
    backdated   boolean not null default false,           -- derived: it says to have happened longer ago than the org allows
    version     int not null default 1,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    archived_at timestamptz,
    primary key (org_id, id),
    foreign key (org_id, customer_id) references app.customer on delete restrict,
    constraint contact_id_fkey foreign key (org_id, contact_id) references app.contact (org_id, id) on delete restrict,
    constraint deal_id_fkey foreign key (org_id, deal_id) references app.deal (org_id, id) on delete restrict,
    foreign key (org_id, author_id) references app.staff on delete restrict
);
create index activity_customer on app.activity (org_id, customer_id, at, id);
create index activity_at on app.activity (org_id, at, id) where archived_at is null;
create index activity_due on app.activity (org_id, customer_id, due_at)
    where (next_step is not null or kind = 'task') and done_at is null and archived_at is null;
create index activity_deal on app.activity (org_id, deal_id, at) where deal_id is not null;
create index activity_contact on app.activity (org_id, contact_id, at) where contact_id is not null;

-- What was offered at which price. A sent one never changes; the next version is another row with the same number.
create table app.offer (
    org_id        int  not null,
    id            uuid not null,
    customer_id   uuid not null,
    contact_id    uuid,
    deal_id       uuid,
    number        text not null constraint number_shape check (number ~ '^[0-9]{4}-[0-9]{4,9}$'),
    revision      int  not null constraint revision_range check (revision > 0),   -- 1, 2, ... within the number
    title         text constraint title_length check (char_length(title) between 1 and 200),
    currency      text not null,
    lines         jsonb not null default '[]',            -- [{description, quantity, unit_price, discount, tax}]
    net           bigint not null constraint lines_range check (net between 0 and 1000000000000000),   -- derived, as the next two
    tax           bigint not null,
    gross         bigint not null,
    status        text not null default 'draft' constraint status_word check (status in ('draft', 'sent', 'accepted', 'declined')),
    valid_until   date constraint valid_until_range check (valid_until between '2000-01-01' and '2999-12-31'),   -- the last day on which it can be accepted, in UTC
    promised_by   uuid,                                   -- who sent it
    sent_at       timestamptz,                            -- derived from status, as the next
    decided_at    timestamptz,
    superseded_at timestamptz,                            -- when the next revision was sent
    reason        text constraint reason_length check (char_length(reason) between 1 and 1000),   -- why it was accepted or declined
    notes         text constraint notes_length check (char_length(notes) between 1 and 10000),
    version       int not null default 1,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    archived_at   timestamptz,
    primary key (org_id, id),
    unique (org_id, number, revision),
    constraint sent_at_status check ((sent_at is null) = (status = 'draft')),
    constraint decided_at_status check ((decided_at is null) = (status in ('draft', 'sent'))),
    foreign key (org_id, customer_id) references app.customer on delete restrict,
    constraint contact_id_fkey foreign key (org_id, contact_id) references app.contact (org_id, id) on delete restrict,
    constraint deal_id_fkey foreign key (org_id, deal_id) references app.deal (org_id, id) on delete restrict,
    foreign key (org_id, promised_by) references app.staff on delete restrict
);
create index offer_customer on app.offer (org_id, customer_id, updated_at, id);
create index offer_deal on app.offer (org_id, deal_id) where deal_id is not null;
create index offer_contact on app.offer (org_id, contact_id) where contact_id is not null;
create index offer_updated on app.offer (org_id, updated_at, id) where archived_at is null;

-- The last offer number of a year.
create table app.offer_counter (
    org_id int not null references app.org on delete restrict,
    year   int not null,
    last   int not null,
    primary key (org_id, year)
);

-- Codes of currencies and countries are checked alike everywhere: the list stands once, at app.customer.
do $$
declare
    rule text := (select pg_get_constraintdef(c.oid) from pg_constraint c
        where c.conrelid = 'app.customer'::regclass and c.conname = 'currency_code');
begin
    execute 'alter table app.deal add constraint currency_code ' || rule;
    execute 'alter table app.offer add constraint currency_code ' || rule;
end
$$;

alter table app.settings
    add backdate_days int not null default 7              -- an activity of longer ago is marked as backdated
        constraint backdate_days_range check (backdate_days between 0 and 365);

-- Every field is the fold of its history, this one too.
alter table app.history no force row level security;
alter table app.operation no force row level security;
with told as (
    select s.*, gen_random_uuid() as operation, now() as moment from app.settings s
    where exists (select from app.history h where h.org_id = s.org_id and h.record_id = s.id)),
operation as (
    insert into app.operation (org_id, id, at, action, via, changes) select t.org_id, t.operation, t.moment, 'history.begin', 'sql', 1 from told t)
insert into app.history (org_id, id, operation_id, entity, record_id, version, field, old, new, via, at)
select t.org_id, encode(overlay(uuid_send(gen_random_uuid()) placing int8send((date_part('epoch', t.moment) * 1000000)::bigint / 1000 * 65536 + 28672
        + (date_part('epoch', t.moment) * 1000000)::bigint % 1000 * 4096 / 1000) from 1 for 8), 'hex')::uuid,
    t.operation, 'settings', t.id, t.version, 'backdate_days', null, to_jsonb(t.backdate_days), 'sql', t.moment
from told t;

-- The customer that this one was merged into.
alter table app.customer
    add merged_into uuid,
    add foreign key (org_id, merged_into) references app.customer on delete restrict;
create index customer_merged on app.customer (org_id, merged_into) where merged_into is not null;

-- A manager is told of customers that are there twice; the other one.
alter table app.notice
    drop constraint kind_word,
    add constraint kind_word check (kind in ('break_glass', 'hand_over', 'duplicate')),
    add other_id uuid;

-- Conflicts of what belongs to a customer follow his visibility.
alter table app.restore_conflict add customer_id uuid;
update app.restore_conflict set customer_id = record_id where entity = 'customers';
alter type app.restore_field add attribute customer_id uuid;

do $$
declare
    t text;
begin
    foreach t in array array['contact', 'deal', 'activity', 'offer', 'offer_counter', 'customer', 'settings', 'restore_conflict', 'history', 'operation'] loop
        execute format('alter table app.%I enable row level security, force row level security', t);
    end loop;
end
$$;
