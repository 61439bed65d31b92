-- 0002_base.sql: orgs, people, sessions, customers, and what is remembered of them.
--
-- org_id leads every primary key, unique constraint and foreign key, so that the data can be sharded
-- by org. The exceptions are the directory that finds the org of a log-in e-mail with its throttle,
-- the list of tables that have a history, and the row of the chores, which are the same everywhere.

set local role holdfast_owner;

-- One tenant.
create table app.org (
    org_id         int primary key check (org_id > 0),
    name           text not null constraint name_length check (char_length(name) between 1 and 200),
    classification text not null default 'Confidential'   -- the stamp on every answer with customer data
        constraint classification_shape check (classification ~ '^[ -~]{1,200}$'),
    created_at     timestamptz not null
);

-- A named group of stages that a rep is assigned to.
create table app.segment (
    org_id   int  not null references app.org on delete restrict,
    id       text not null constraint id_shape check (id ~ '^[a-z][a-z0-9_]{0,39}$'),
    name     text not null constraint name_length check (char_length(name) between 1 and 100),
    position int  not null,
    primary key (org_id, id),
    unique (org_id, position) deferrable initially deferred
);

-- A step of the funnel.
create table app.stage (
    org_id     int  not null,
    id         text not null constraint id_shape check (id ~ '^[a-z][a-z0-9_]{0,39}$'),
    name       text not null constraint name_length check (char_length(name) between 1 and 100),
    segment_id text not null,
    position   int  not null,                             -- within the funnel
    primary key (org_id, id),
    unique (org_id, position) deferrable initially deferred,
    unique (org_id, id, segment_id),
    foreign key (org_id, segment_id) references app.segment on delete restrict
);

-- A person who logs in.
create table app.staff (
    org_id     int  not null references app.org on delete restrict,
    id         uuid not null,
    person_id  uuid not null,                             -- joins two accounts of one person
    name       text not null constraint name_length check (char_length(name) between 1 and 200),
    email      text not null constraint email_shape check (email ~ '^[^@[:space:]]+@[^@[:space:]]+$')
                             constraint email_case check (email = lower(email))
                             constraint email_length check (char_length(email) <= 254),
    role       text not null constraint role_word check (role in ('admin', 'manager', 'rep', 'auditor')),
    manager_id uuid,
    status     text not null default 'invited'
        constraint status_word check (status in ('invited', 'active', 'inactive')),
    version    int not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (org_id, id),
    foreign key (org_id, manager_id) references app.staff on delete restrict
);
create index staff_manager on app.staff (org_id, manager_id);

-- Who is above whom, at any distance; everybody is below himself at distance 0.
create table app.staff_tree (
    org_id   int  not null,
    above_id uuid not null,
    below_id uuid not null,
    distance int  not null,
    primary key (org_id, above_id, below_id),
    foreign key (org_id, above_id) references app.staff on delete restrict,
    foreign key (org_id, below_id) references app.staff on delete restrict
);
create index staff_tree_below on app.staff_tree (org_id, below_id);

create table app.staff_segment (
    org_id     int  not null,
    staff_id   uuid not null,
    segment_id text not null,
    primary key (org_id, staff_id, segment_id),
    foreign key (org_id, staff_id) references app.staff on delete restrict,
    foreign key (org_id, segment_id) references app.segment on delete restrict
);

-- The directory: which org does a log-in e-mail belong to?
create table app.login (
    email    text primary key,
    org_id   int  not null,
    staff_id uuid not null,
    unique (org_id, staff_id),
    foreign key (org_id, staff_id) references app.staff on delete restrict
);

-- Failed log-ins of an e-mail from one network (net '' : from anywhere), known or not.
create table app.login_throttle (
    email_hash bytea not null,
    net        text  not null,
    failures   int   not null,
    last_at    timestamptz not null,
    primary key (email_hash, net)
);

create index login_throttle_last on app.login_throttle (last_at);

create table app.credential (
    org_id        int  not null,
    staff_id      uuid not null,
    password_hash text not null,                          -- argon2id, as libsodium writes it
    changed_at    timestamptz not null,
    primary key (org_id, staff_id),
    foreign key (org_id, staff_id) references app.staff on delete restrict
);

-- One-time tokens to set a password. Only their SHA-256 is stored, as with all secrets here.
create table app.invite (
    org_id     int   not null,
    token_hash bytea not null,
    staff_id   uuid  not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at    timestamptz,
    primary key (org_id, token_hash),
    foreign key (org_id, staff_id) references app.staff on delete restrict
);
create index invite_staff on app.invite (org_id, staff_id);

create table app.session (
    org_id      int   not null,
    id          uuid  not null,
    staff_id    uuid  not null,
    secret_hash bytea not null,
    address     inet,
    agent       text,
    created_at  timestamptz not null,
    expires_at  timestamptz not null,
    revoked_at  timestamptz,
    revoked_why text,
    primary key (org_id, id),
    unique (org_id, secret_hash),
    foreign key (org_id, staff_id) references app.staff on delete restrict
);
create index session_staff on app.session (org_id, staff_id, created_at);

-- Refresh tokens of a session: each is used once and names its successor. sealed is the successor, encrypted
-- under the token it follows, for a client that lost the answer.
create table app.refresh (
    org_id     int   not null,
    token_hash bytea not null,
    session_id uuid  not null,
    issued_at  timestamptz not null,
    expires_at timestamptz not null,
    used_at    timestamptz,
    successor  bytea,
    sealed     bytea,
    primary key (org_id, token_hash),
    foreign key (org_id, session_id) references app.session on delete restrict
);
create index refresh_session on app.refresh (org_id, session_id);
create index refresh_expires on app.refresh (expires_at);                        -- for the chores, as the next

create table app.customer (
    org_id      int  not null references app.org on delete restrict,
    id          uuid not null,
    name        text not null constraint name_length check (char_length(name) between 1 and 200),
    email       text constraint email_length check (char_length(email) between 3 and 254)
                     constraint email_shape check (email ~ '^[^@[:space:]]+@[^@[:space:]]+$')
                     constraint email_mask check (strpos(email, '*') = 0),
    phone       text constraint phone_length check (char_length(phone) between 1 and 40)
                     constraint phone_mask check (strpos(phone, '*') = 0),
    phone_e164  text,                                     -- derived from phone, null where it cannot be
    website     text constraint website_length check (char_length(website) between 1 and 500),
    address     text constraint address_length check (char_length(address) between 1 and 500),
    city        text constraint city_length check (char_length(city) between 1 and 100),
    region      text constraint region_length check (char_length(region) between 1 and 100),
    postal_code text constraint postal_code_length check (char_length(postal_code) between 1 and 20),
    country     text constraint country_code check (country ~ '^[A-Z]{2}$' and strpos(
        ' AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ'
        ' CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO'
        ' FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE'
        ' JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO'
        ' MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW'
        ' PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM'
        ' TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW ', country) > 0),
    source      text constraint source_length check (char_length(source) between 1 and 100),
    stage       text not null,
    segment     text not null,                            -- derived from stage; the key below holds them together
    owner_id    uuid,
    value       bigint constraint value_range check (value between 0 and 1000000000000000),
    currency    text constraint currency_code check (currency ~ '^[A-Z]{3}$' and strpos(
        ' AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF'
        ' CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG'
        ' HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA'
        ' MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD'
        ' RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX'
        ' USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG ', currency) > 0),
    notes       text constraint notes_length check (char_length(notes) between 1 and 10000),
    tags        text[] not null default '{}' constraint tags_count check (cardinality(tags) <= 50)
                     constraint tags_length check (char_length(array_to_string(tags, ' ')) <= 3300),
    custom      jsonb not null default '{}'
        constraint custom_object check (jsonb_typeof(custom) = 'object')
        constraint custom_size check (octet_length(custom::text) <= 16384),
    version     int not null default 1,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    archived_at timestamptz,
    primary key (org_id, id),
    foreign key (org_id, stage, segment) references app.stage (org_id, id, segment_id) on update cascade on delete restrict,
    foreign key (org_id, owner_id) references app.staff on delete restrict
);
-- The pages: of all, and of one owner; archived ones are listed apart and are few.
create index customer_updated on app.customer (org_id, updated_at, id) where archived_at is null;
create index customer_owner on app.customer (org_id, owner_id, updated_at, id) where archived_at is null;
create index customer_name on app.customer (org_id, name, id) where archived_at is null;
create index customer_created on app.customer (org_id, created_at, id) where archived_at is null;
create index customer_archived on app.customer (org_id, owner_id, updated_at, id) where archived_at is not null;

-- One committed change request, the parent of its history rows.
create table app.operation (
    org_id     int  not null,
    id         uuid not null,
    at         timestamptz not null,
    actor_id   uuid,                                      -- null: typed into psql by an operator
    session_id uuid,
    request_id uuid,
    action     text not null,                             -- customers.change, restores.create, ...
    via        text not null,                             -- api, restore, sql
    reason     text constraint reason_length check (char_length(reason) between 1 and 1000),
    undoes     uuid,                                      -- the operation it takes back
    changes    int not null,                              -- its history rows
    primary key (org_id, id)
);
create index operation_request on app.operation (org_id, request_id);
create index operation_actor on app.operation (org_id, actor_id, id);

-- One row per changed field; a creation is one row with field null and the record in new. Appended only. No key
-- to the record: history outlives everything. The id is a UUIDv7 of the moment of the change, taken while the
-- record was locked, so ids order the changes of a record as they happened.
create table app.history (
    org_id       int  not null,
    id           uuid not null,
    operation_id uuid not null,
    entity       text not null,                           -- the first word of the record's URL
    record_id    uuid not null,
    customer_id  uuid not null,                           -- the customer whose visibility it follows
    version      int  not null,                           -- of the record, after the change
    field        text,
    old          jsonb,
    new          jsonb,
    actor_id     uuid,
    via          text not null,                           -- of its operation
    at           timestamptz not null,
    primary key (org_id, id)
);
create index history_record on app.history (org_id, record_id, id);
create index history_actor on app.history (org_id, actor_id, id);
create index history_operation on app.history (org_id, operation_id, record_id);

-- One response that carried customer data, written before a byte of it leaves. Appended only.
create table app.disclosure (
    org_id       int  not null,
    at           timestamptz not null,
    id           uuid not null,
    request_id   uuid not null,
    staff_id     uuid not null,
    session_id   uuid not null,
    channel      text not null,                           -- list, read, history, change, ...
    customer_ids uuid[] not null,
    classes      text not null,                           -- which classes of fields: "base contact money notes"
    masked       boolean not null,
    primary key (org_id, at, id)
) partition by range (at);
create index disclosure_staff on app.disclosure (org_id, staff_id, at);
create table app.disclosure_rest partition of app.disclosure default;

-- What a request with an Idempotency-Key did, so that its repetition does nothing more.
create table app.retry (
    org_id      int  not null,
    staff_id    uuid not null,
    action      text not null,
    key         text not null,
    fingerprint text not null,
    result      uuid not null,
    at          timestamptz not null,
    primary key (org_id, staff_id, action, key),
    foreign key (org_id, staff_id) references app.staff on delete restrict
);
create index retry_at on app.retry (org_id, at);

-- Work that goes on after the answer.
create table app.job (
    org_id      int  not null,
    id          uuid not null,
    program     text not null,                            -- whose step process does it
    staff_id    uuid not null,
    session_id  uuid not null,
    request_id  uuid not null,
    status      text not null constraint status_word check (status in ('queued', 'running', 'done', 'failed', 'cancelled')),
    done        int  not null default 0,
    total       int  not null,
    why         text,                                     -- of failed and cancelled, a stable word
    tried_at    timestamptz,                              -- when its last piece began
    created_at  timestamptz not null,
    started_at  timestamptz,
    finished_at timestamptz,
    primary key (org_id, id),
    foreign key (org_id, staff_id) references app.staff on delete restrict
);
create index job_waiting on app.job (program, created_at) where status in ('queued', 'running');

create table app.restore (
    org_id         int  not null,
    id             uuid not null,                         -- of its job
    operation_id   uuid not null,
    staff_id       uuid not null,
    scope          jsonb not null,
    reason         text not null,
    undoes         uuid,
    restored       int not null default 0,
    conflict_count int not null default 0,
    outside        int not null,
    primary key (org_id, id),
    foreign key (org_id, id) references app.job on delete restrict,
    foreign key (org_id, staff_id) references app.staff on delete restrict
);
create index restore_staff on app.restore (org_id, staff_id, id);

-- One field of one record in the plan of a restore; why is null where it comes back.
create type app.restore_field as (
    entity text, record_id uuid, field text, undone jsonb, target jsonb, current jsonb, why text);

-- What a restore has still to look at, in pieces of up to 10,000 records.
create table app.restore_item (
    org_id     int  not null,
    restore_id uuid not null,
    n          int  not null,
    entity     text not null,
    records    uuid[] not null,                           -- in order
    primary key (org_id, restore_id, n),
    foreign key (org_id, restore_id) references app.restore on delete restrict
);

create table app.restore_conflict (
    org_id     int  not null,
    restore_id uuid not null,
    entity     text not null,
    record_id  uuid not null,
    field      text not null,
    undone     jsonb,                                     -- the value that was to be taken back
    current    jsonb,
    target     jsonb,                                     -- what would have come back
    why        text not null,
    primary key (org_id, restore_id, entity, record_id, field),
    foreign key (org_id, restore_id) references app.restore on delete restrict
);

-- The tables that have a history, filled by app.track; the same for every org.
create table app.entity (
    name            text primary key,                     -- the first word of the URL
    singular        text not null,
    relation        text not null,
    customer_column text not null                         -- the column that names the customer it belongs to
);

-- When the chores were done last; one row for the whole database.
create table app.chore (
    one     boolean primary key default true check (one),
    last_at timestamptz not null
);
insert into app.chore (last_at) values ('-infinity');

do $$
declare
    t regclass;
begin
    for t in select c.oid from pg_class c
        where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p')
          and pg_get_userbyid(c.relowner) = 'holdfast_owner'
    loop
        execute format('alter table %s enable row level security, force row level security', t);
    end loop;
end
$$;
create index operation_undoes on app.operation (org_id, undoes) where undoes is not null;
