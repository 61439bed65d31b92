-- 0011_exports.sql: taking data out, which nobody does alone.

set local role holdfast_owner;

-- When a person got his role, or came back: whoever was made or promoted of late decides on no export (app.export_deciders).
alter table app.staff add role_since timestamptz not null default '-infinity';

-- {"rows_most", "two_approvers_above", "preamble"}: see app.export_settings.
alter table app.settings add exports jsonb constraint exports_shape check (jsonb_typeof(exports) = 'object');

-- A wish to take data out, frozen as it was asked for.
create table app.export (
    org_id           int  not null,
    id               uuid not null,
    staff_id         uuid not null,                           -- who asks
    entity           text not null constraint entity_word check (entity in ('customers', 'contacts', 'deals', 'offers', 'activities', 'history', 'events')),
    filter           jsonb not null,                          -- as the list has it (app.export_filter)
    columns          text[] not null constraint columns_count check (cardinality(columns) between 1 and 40),
    format           text not null constraint format_word check (format in ('csv', 'ndjson', 'xlsx')),
    bom              boolean not null default false,
    reason           text not null constraint reason_length check (char_length(reason) between 1 and 1000),
    row_count        int  not null,                           -- that he could see when he asked
    digest           bytea not null,                          -- of their ids, whatever their order
    sample           uuid[] not null,                         -- some of them, for whoever decides
    approvals_needed int  not null constraint approvals_range check (approvals_needed in (1, 2)),
    status           text not null default 'pending'
        constraint status_word check (status in ('pending', 'approved', 'rejected', 'expired', 'voided', 'downloaded')),
    voided_why       text constraint voided_word check (voided_why in ('inactive', 'role', 'segments', 'departure')),
    mark             bigint not null,                         -- the key of its watermark: bits of uuid_hash_extended(row's id, mark)
    asked_at         timestamptz not null,
    expires_at       timestamptz not null,                    -- when nobody has decided
    decided_at       timestamptz,
    downloaded_at    timestamptz,
    rows_sent        int,
    primary key (org_id, id),
    foreign key (org_id, staff_id) references app.staff on delete restrict
);
create index export_staff on app.export (org_id, staff_id, id);
create index export_open on app.export (org_id, staff_id) where status in ('pending', 'approved');

-- Who said what. Appended only.
create table app.export_decision (
    org_id    int  not null,
    export_id uuid not null,
    staff_id  uuid not null,
    decision  text not null constraint decision_word check (decision in ('approve', 'reject')),
    note      text not null constraint note_length check (char_length(note) between 1 and 1000),
    at        timestamptz not null,
    primary key (org_id, export_id, staff_id),
    foreign key (org_id, export_id) references app.export on delete restrict,
    foreign key (org_id, staff_id) references app.staff on delete restrict
);

-- A link for one download by the requester in one session. Its downloads are in the ledger under request_id.
create table app.export_ticket (
    org_id      int  not null,
    id          uuid not null,
    export_id   uuid not null,
    secret_hash bytea not null,                               -- app.secret_hash of what the link holds
    session_id  uuid not null,
    at          timestamptz not null,
    expires_at  timestamptz not null,
    status      text not null default 'open' constraint status_word check (status in ('open', 'taken', 'failed', 'done')),
    tries       int  not null default 0,
    request_id  uuid,                                         -- of the last download
    requests    uuid[] not null default '{}',                 -- of those before
    taken_at    timestamptz,                                  -- first
    clear       boolean,                                      -- whether contact values go out as they are
    after_id    uuid,                                         -- the last row that went out
    rows        int  not null default 0,                      -- that went out
    counted     boolean not null default true,                -- app.seen knows of them (app.export_counted)
    primary key (org_id, id),
    constraint export_ticket_secret unique (org_id, secret_hash),
    foreign key (org_id, export_id) references app.export on delete restrict
);
create index export_ticket_export on app.export_ticket (org_id, export_id);

-- Customers that are nobody's but this export's, by whom a leak of it is known.
create table app.export_decoy (
    org_id    int  not null,
    export_id uuid not null,
    id        uuid not null,
    record    jsonb not null,                                 -- a row of app.customer
    primary key (org_id, export_id, id),
    foreign key (org_id, export_id) references app.export on delete restrict
);
create index export_decoy_id on app.export_decoy (org_id, id);

create index export_ticket_uncounted on app.export_ticket (org_id, id) where not counted;

alter table app.notice
    drop constraint kind_word,
    add constraint kind_word check (kind in ('break_glass', 'hand_over', 'duplicate', 'hold', 'export'));

do $$
declare
    t text;
begin
    foreach t in array array['export', 'export_decision', 'export_ticket', 'export_decoy'] loop
        execute format('alter table app.%I enable row level security, force row level security', t);
    end loop;
end
$$;
