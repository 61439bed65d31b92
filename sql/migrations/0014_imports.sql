-- 0014_imports.sql: files that become customers, contacts or activities.

set local role holdfast_owner;

-- One file. Until the whole of it is there it has no job, and nobody sees it.
create table app.import (
    org_id          int  not null,
    id              uuid not null,                        -- of its job
    staff_id        uuid not null,
    entity          text not null constraint entity_word check (entity in ('customers', 'contacts', 'activities')),
    dry_run         boolean not null,
    header          text[] not null,
    targets         text[] not null,                      -- of each column, the member that it becomes, or null
    encoding        text,
    delimiter       text not null,
    nulls           text,
    decimal_mark    text constraint decimal_word check (decimal_mark in ('comma', 'point')),
    dates           text constraint dates_word check (dates in ('dmy', 'mdy')),
    on_error        text not null constraint on_error_word check (on_error in ('skip', 'refuse')),
    duplicates      text not null constraint duplicates_word check (duplicates in ('tell', 'skip', 'refuse')),
    source          text constraint source_length check (char_length(source) between 1 and 100),
    lawful_basis    text constraint lawful_basis_length check (char_length(lawful_basis) between 1 and 500),
    operation_id    uuid not null,                        -- under which its rows went in
    checks          boolean not null,                     -- it is looked through before anything goes in
    part            int  not null default 0,              -- the last one that is done
    rows            int  not null default 0,
    good            int  not null default 0,
    bad             int  not null default 0,
    skipped         int  not null default 0,
    duplicate_count int  not null default 0,
    duplicates_seen jsonb not null default '[]',          -- the first of them
    sample          jsonb not null default '[]',
    taken_back      uuid,                                 -- the operation by which one that ended half-way was taken back
    taken_to        int  not null default 0,              -- the last line that was
    settled         boolean not null default false,       -- nothing is left to do, not even that
    created_at      timestamptz not null,
    primary key (org_id, id),
    constraint told check (dry_run or source is not null and lawful_basis is not null),
    foreign key (org_id, staff_id) references app.staff on delete restrict
);
create index import_staff on app.import (org_id, staff_id, id);
create index import_open on app.import (org_id, id) where not settled;

-- Its rows while they wait, a thousand at most: an array for each column.
create table app.import_part (
    org_id    int  not null,
    import_id uuid not null,
    n         int  not null,
    lines     int[] not null,
    columns   text[] not null,                            -- each the text of an array of texts
    odd       jsonb not null,                             -- [row, column, whether several lines may hold it]: values with control characters
    primary key (org_id, import_id, n),
    foreign key (org_id, import_id) references app.import on delete restrict
);

-- A row that did not go in, and why.
create table app.import_error (
    org_id    int  not null,
    import_id uuid not null,
    line      int  not null,
    errors    jsonb not null,                             -- [{column, code, detail}]
    fields    text[] not null,
    primary key (org_id, import_id, line),
    foreign key (org_id, import_id) references app.import on delete restrict
);

-- What a row became: where a record comes from. Without a key to the import, as below: none that has rows is ever deleted.
create table app.import_row (
    org_id    int  not null,
    import_id uuid not null,
    line      int  not null,
    record_id uuid not null,
    primary key (org_id, import_id, line)
);
create index import_row_record on app.import_row (org_id, record_id);

-- E-mails and phones that came before in the same file, by their hashes. Without a key to it, which is asked for each of 1,000,000; the
-- policy lets nobody write one of another import than his own.
create table app.import_key (
    org_id    int  not null,
    import_id uuid not null,
    key       bigint not null,
    line      int  not null,
    primary key (org_id, import_id, key)
);

do $$
declare
    t text;
begin
    foreach t in array array['import', 'import_part', 'import_error', 'import_row', 'import_key'] loop
        execute format('alter table app.%I enable row level security, force row level security', t);
    end loop;
end
$$;
