-- 0003_visibility.sql: how an org works, its funnel as one record, and what a person may see beyond his own.

-- Every table with a version is touched by the same trigger function now.
drop trigger if exists _200_touch on app.customer;
drop function if exists app.tg_customer_touch();

set local role holdfast_owner;

-- What is written here reaches all orgs, whatever the policies of the version before say.
alter table app.org no force row level security;
alter table app.segment no force row level security;
alter table app.stage no force row level security;
alter table app.staff no force row level security;
alter table app.staff_segment no force row level security;
alter table app.customer no force row level security;

-- How an org works: one row for each.
create table app.settings (
    org_id          int  not null references app.org on delete restrict,
    id              uuid not null,
    visibility      text not null default 'own'           -- how far reps see beyond their own customers
        constraint visibility_word check (visibility in ('own', 'team', 'open')),
    contact_masking text not null default 'lists'         -- where phone and e-mail are masked
        constraint contact_masking_word check (contact_masking in ('off', 'lists', 'always')),
    classification  text not null default 'Confidential'  -- the stamp on every answer with customer data
        constraint classification_shape check (classification ~ '^[ -~]{1,200}$'),
    hides           jsonb,                                -- derived from the funnel: {segment: [what it hides]}, null for none
    version         int  not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    primary key (org_id, id),
    unique (org_id)
);
insert into app.settings (org_id, id, classification, created_at, updated_at)
select o.org_id, gen_random_uuid(), o.classification, o.created_at, o.created_at from app.org o;
alter table app.org drop column classification;
alter table app.org add secret bytea not null                -- keys app.keyed_hash
    default sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

-- The funnel as its admin writes it; app.segment and app.stage are derived from it.
create table app.funnel (
    org_id     int   not null references app.org on delete restrict,
    id         uuid  not null,
    segments   jsonb not null,                            -- [{id, name, rule, hides, stages: [{id, name}]}] in order
    version    int   not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (org_id, id),
    unique (org_id)
);
alter table app.segment
    add rule  text   not null default 'round_robin'       -- who gets a customer that is handed over to it
        constraint rule_word check (rule in ('manual', 'round_robin', 'least_loaded')),
    add hides text[] not null default '{}';               -- fields and kinds of children that other segments do not get
insert into app.funnel (org_id, id, segments, created_at, updated_at)
select o.org_id, gen_random_uuid(), coalesce((select jsonb_agg(jsonb_build_object('id', g.id, 'name', g.name, 'rule', g.rule,
        'hides', to_jsonb(g.hides), 'stages', coalesce((select jsonb_agg(jsonb_build_object('id', s.id, 'name', s.name) order by s.position)
            from app.stage s where s.org_id = g.org_id and s.segment_id = g.id), '[]')) order by g.position)
    from app.segment g where g.org_id = o.org_id), '[]'), o.created_at, o.created_at
from app.org o;

-- The segments a person works in; app.staff_segment is derived from it.
alter table app.staff add segments text[] not null default '{}';
update app.staff s set segments = array(select g.segment_id from app.staff_segment g join app.segment e
    on e.org_id = g.org_id and e.id = g.segment_id where g.org_id = s.org_id and g.staff_id = s.id order by e.position);
alter table app.staff_segment add handed_at timestamptz;  -- when a hand-over by the segment's rule last went to this person
alter table app.staff_segment rename constraint staff_segment_org_id_segment_id_fkey to segments_fkey;   -- the member at fault
create index staff_segment_segment on app.staff_segment (org_id, segment_id, staff_id);
create index staff_name on app.staff (org_id, name, id);  -- its list
-- Only the trigger of app.staff writes the tree, from rows that it has in hand; these checks made it twice as slow (a manager
-- with 5,900 people moved eleven levels down: 1.1 s against 0.5).
alter table app.staff_tree
    drop constraint staff_tree_org_id_above_id_fkey,
    drop constraint staff_tree_org_id_below_id_fkey;

-- What a customer is found by exactly, and the segments it was worked in, which decide what their hides keep back.
alter table app.customer
    add email_key text,                                   -- derived from email: lower case
    add phone_key text,                                   -- derived from phone: phone_e164, else its digits
    add worked_in text[] not null default '{}';           -- derived from stage
alter table app.customer disable trigger user;
update app.customer c set email_key = lower(c.email), worked_in = array(
        select c.segment union select s.segment_id from app.history h join app.stage s on s.org_id = h.org_id
            and s.id in (h.old #>> '{}', h.new #>> '{}', h.new->>'stage')
        where h.org_id = c.org_id and h.record_id = c.id and (h.field = 'stage' or h.field is null)),
    phone_key = coalesce(c.phone_e164, nullif(regexp_replace(c.phone, '[^0-9]', '', 'g'), ''));
alter table app.customer enable trigger user;
alter table app.customer rename constraint customer_org_id_stage_segment_fkey to stage_fkey;
create index customer_email on app.customer (org_id, email_key);
create index customer_phone on app.customer (org_id, phone_key);
-- With the segment, which the rules ask for, the latest customer of each of 500 people is found without touching the table.
drop index app.customer_owner;
create index customer_owner on app.customer (org_id, owner_id, updated_at, id) include (segment) where archived_at is null;
create index customer_unowned on app.customer (org_id, segment, updated_at, id) where owner_id is null and archived_at is null;

-- A record that is no customer's (a person, the settings) has its history too.
alter table app.history alter customer_id drop not null;
alter table app.entity alter customer_column drop not null;

-- Somebody looked up the customer of a caller who is not his: readable until expires_at.
create table app.break_glass (
    org_id      int  not null,
    id          uuid not null,
    staff_id    uuid not null,
    customer_id uuid not null,
    reason      text not null constraint reason_length check (char_length(reason) between 1 and 1000),
    at          timestamptz not null,
    expires_at  timestamptz not null,
    primary key (org_id, id),
    foreign key (org_id, staff_id) references app.staff on delete restrict,
    foreign key (org_id, customer_id) references app.customer on delete restrict
);
create index break_glass_staff on app.break_glass (org_id, staff_id, customer_id, expires_at);

-- What somebody is told.
create table app.notice (
    org_id      int  not null,
    id          uuid not null,
    staff_id    uuid not null,                            -- who is told
    kind        text not null constraint kind_word check (kind in ('break_glass', 'hand_over')),
    customer_id uuid,
    actor_id    uuid,                                     -- who did it
    reason      text constraint reason_length check (char_length(reason) between 1 and 1000),
    at          timestamptz not null,
    primary key (org_id, id),
    foreign key (org_id, staff_id) references app.staff on delete restrict,
    foreign key (org_id, actor_id) references app.staff on delete restrict
);
create index notice_staff on app.notice (org_id, staff_id, id);

alter table app.disclosure add reason text;               -- of a reveal
alter table app.invite add created_by uuid;               -- null: an operator

do $$
declare
    t text;
begin
    foreach t in array array['org', 'segment', 'stage', 'staff', 'staff_segment', 'customer', 'settings', 'funnel', 'break_glass', 'notice'] loop
        execute format('alter table app.%I enable row level security, force row level security', t);
    end loop;
end
$$;
