-- 0008_duplicates.sql: what customers are found by who are there twice, and what a merge leaves behind.

set local role holdfast_owner;

alter table app.customer
    add dup_key text,                                     -- derived from name: folded, without the legal form
    add brought text[] not null default '{}';             -- segments that a merge brought into worked_in; they stay there

-- As sql/app/search.sql and sql/app/duplicates.sql had it when this was written.
create function app.migration_fold(name text) returns text
language sql immutable parallel safe as $$
    select case when name !~ '[^ -~]' then btrim(regexp_replace(lower(name), '[^a-z0-9]+', ' ', 'g'))
        else btrim(regexp_replace(normalize(regexp_replace(
            replace(replace(replace(replace(translate(normalize(lower(name collate "und-x-icu"), nfkd), 'øłđıðħς', 'oldidhσ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
            '[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u0610-\u061a\u064b-\u065f\u0670\u3099\u309a\ufe00-\ufe0f\u200b-\u200f\u2060\ufeff\u00ad]', '', 'g'), nfc),
            '[^[:alnum:]]+' collate "und-x-icu", ' ', 'g')) collate "default" end
$$;

create function app.migration_firm(key text) returns text
language plpgsql immutable parallel safe as $$
declare
    last text;
begin
    if key ~ '(^| )[a-z] [a-z]( |$)' then
        key := regexp_replace(key, '(?<![^ ])([a-z]) (?=[a-z]( |$))', '\1', 'g');
    end if;
    loop
        last := split_part(key, ' ', -1);
        exit when last = key or strpos(' ab ag aps as bv bvba co company corp corporation doo eg ek eood eurl ev gbr gmbh inc incorporated kft kg kgaa '
            'kk lda limited llc llp lp ltd mbh nv ohg ood oy oyj plc pte pty pvt rl rt sa sarl sas se sl spa spol srl sro ug zrt ',
            ' ' || last || ' ') = 0 and right(key, 7) <> ' sp zoo';
        key := left(key, case last when 'zoo' then -7 else -1 - char_length(last) end);
    end loop;
    return nullif(key, '');
end
$$;

alter table app.customer no force row level security;
alter table app.customer disable trigger user;
update app.customer c set dup_key = app.migration_firm(app.migration_fold(c.name));
alter table app.customer enable trigger user;
alter table app.customer force row level security;
drop function app.migration_fold, app.migration_firm;
create index customer_dup on app.customer (org_id, dup_key) where archived_at is null;

-- Whose something is that once belonged to another customer.
create table app.moved (
    org_id      int  not null,
    record_id   uuid not null,
    customer_id uuid not null,
    primary key (org_id, record_id),
    foreign key (org_id, customer_id) references app.customer on delete restrict
);
alter table app.moved enable row level security, force row level security;

-- Nobody is told twice of the same two.
create unique index notice_pair on app.notice (org_id, staff_id, (least(customer_id, other_id)), (greatest(customer_id, other_id)))
    where kind = 'duplicate';
