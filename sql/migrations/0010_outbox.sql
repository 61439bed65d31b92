-- 0010_outbox.sql: what leaves the house: whom an org wants told of what, and what became of each message.

create extension if not exists pgcrypto schema public;   -- hmac()
grant usage on schema public to holdfast_owner;

set local role holdfast_owner;

alter table app.settings no force row level security;
alter table app.history no force row level security;
alter table app.operation no force row level security;

-- Who is told of what: {webhooks: [{url, severity, kinds}], emails: [{email, severity, kinds}], allow_private}. The shapes leave no room for credentials
-- in a URL, or for a second header line.
alter table app.settings
    add notify jsonb not null default '{}'
        constraint notify_size check (octet_length(notify::text) <= 8192)
        constraint notify_count check (not notify @? '$.*.size() ? (@ > 5)')
        constraint notify_shape check (jsonb_typeof(notify) = 'object' and notify - '{webhooks,emails,allow_private}'::text[] = '{}'
            and not notify @? '$.allow_private.type() ? (@ != "boolean")'
            and not notify @? '$.webhooks.type() ? (@ != "array")' and not notify @? '$.emails.type() ? (@ != "array")'
            and not notify @? '$.webhooks[*] ? (!exists(@.url ? (@ like_regex "^https?://([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?([/?][!-~]*)?$")))'
            and not notify @? '$.emails[*] ? (!exists(@.email ? (@ like_regex "^[A-Za-z0-9!#$%&*+/=?^_{|}~.-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)+$")))'
            and not notify @? '$.*[*].severity ? (!exists(@ ? (@ == "info" || @ == "low" || @ == "medium" || @ == "high" || @ == "critical")))'
            and not notify @? '$.*[*].kinds[*] ? (!exists(@ ? (@ like_regex "^[a-z_]+[.][a-z_]+$")))'),
    -- What messages to webhooks are signed with. No answer and no history has it; PostgreSQL signs.
    add webhook_secret text
        constraint webhook_secret_length check (char_length(webhook_secret) between 32 and 200),
    add constraint webhook_secret_required check (webhook_secret is not null or not notify @? '$.webhooks[*]');

-- Every field is the fold of its history, this one too.
with told as (
    select s.*, gen_random_uuid() as operation, now() as moment from app.settings s
    where exists (select from app.history h where h.org_id = s.org_id and h.record_id = s.id)),
operation as (
    insert into app.operation (org_id, id, at, action, via, changes) select t.org_id, t.operation, t.moment, 'history.begin', 'sql', 1 from told t)
insert into app.history (org_id, id, operation_id, entity, record_id, version, field, old, new, via, at)
select t.org_id, encode(overlay(uuid_send(gen_random_uuid()) placing int8send((date_part('epoch', t.moment) * 1000000)::bigint / 1000 * 65536 + 28672
        + (date_part('epoch', t.moment) * 1000000)::bigint % 1000 * 4096 / 1000) from 1 for 8), 'hex')::uuid,
    t.operation, 'settings', t.id, t.version, 'notify', null, t.notify, 'sql', t.moment
from told t;

alter table app.settings force row level security;
alter table app.history force row level security;
alter table app.operation force row level security;

-- What somebody outside is to learn, written by the transaction in which it happened. Appended only. Ids and stable words: nothing with
-- a blank, an @ or a line break gets in, so no name, e-mail or note does.
create table app.outbox (
    org_id  int   not null references app.org on delete restrict,
    id      uuid  not null,
    at      timestamptz not null,
    kind    text  not null constraint kind_shape check (kind ~ '^[a-z_]{1,40}[.][a-z_]{1,40}$'),
    subject jsonb not null
        constraint subject_size check (octet_length(subject::text) <= 4096)
        constraint subject_shape check (jsonb_typeof(subject) = 'object'
            and not subject @? '$.** ? (@.type() == "string" && !(@ like_regex "^[A-Za-z0-9_.:-]{1,100}$"))'
            and not subject @? '$.** ? (@.type() == "object").keyvalue().key ? (!(@ like_regex "^[a-z][a-z0-9_]{0,39}$"))')
        constraint subject_severity check (not subject @? '$.severity ? (!exists(@ ? (@ == "info" || @ == "low" || @ == "medium" || @ == "high" || @ == "critical")))'),
    primary key (org_id, id)
);

-- The way of one of them to one target.
create table app.delivery (
    org_id      int  not null,
    id          uuid not null,
    outbox_id   uuid not null,
    channel     text not null constraint channel_word check (channel in ('webhook', 'email')),
    target      text not null constraint target_length check (char_length(target) between 1 and 500),
    status      text not null default 'queued' constraint status_word check (status in ('queued', 'sent', 'failed')),
    attempts    int  not null default 0,                  -- since it was last queued
    next_at     timestamptz,                              -- when it is tried; while it is being sent, when it is taken for lost
    lease       uuid,                                     -- of the process that sends it now
    last_status int,                                      -- HTTP's or SMTP's
    last_error  text constraint last_error_shape check (last_error ~ '^[a-z_]{1,40}$'),
    at          timestamptz not null,
    sent_at     timestamptz,
    primary key (org_id, id),
    unique (org_id, outbox_id, channel, target),
    foreign key (org_id, outbox_id) references app.outbox on delete restrict,
    constraint next_at_queued check ((status = 'queued') = (next_at is not null))
);
create index delivery_due on app.delivery (next_at) where status = 'queued';

-- What was tried, and what came of it. Appended only.
create table app.delivery_attempt (
    org_id      int  not null,
    id          uuid not null,
    delivery_id uuid not null,
    at          timestamptz not null,
    status      int,
    error       text constraint error_shape check (error ~ '^[a-z_]{1,40}$'),
    primary key (org_id, id),
    foreign key (org_id, delivery_id) references app.delivery on delete restrict
);
create index delivery_attempt_delivery on app.delivery_attempt (org_id, delivery_id, id);

alter table app.outbox enable row level security, force row level security;
alter table app.delivery enable row level security, force row level security;
alter table app.delivery_attempt enable row level security, force row level security;
