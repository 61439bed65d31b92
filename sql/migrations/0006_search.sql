-- 0006_search.sql: the words that customers and contacts are found by.

set local role holdfast_owner;

-- A row for each word of a name, and one for the whole name, which begins with a blank. Not with the customer himself: each change
-- of his would write these again. A b-tree with the word in front serves prefixes in order, so that a search may stop: of the
-- 1,000,000 rows that "cus" fits, a GIN index hands over all before the first is looked at.
create table app.search_word (
    org_id    int  not null,
    word      text collate "C" not null,                  -- folded, its first 64 characters
    entity    text not null constraint entity_word check (entity in ('customers', 'contacts')),
    record_id uuid not null,
    primary key (org_id, word, record_id, entity)
);

-- As sql/app/search.sql had it when this was written.
create function app.migration_fold(name text) returns text
language sql immutable parallel safe as $$
    select case when name !~ '[^ -~]' then btrim(regexp_replace(lower(name), '[^a-z0-9]+', ' ', 'g'))
        else btrim(regexp_replace(normalize(regexp_replace(
            replace(replace(replace(replace(translate(normalize(lower(name collate "und-x-icu"), nfkd), 'øłđıðħς', 'oldidhσ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
            '[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u0610-\u061a\u064b-\u065f\u0670\u3099\u309a\ufe00-\ufe0f\u200b-\u200f\u2060\ufeff\u00ad]', '', 'g'), nfc),
            '[^[:alnum:]]+' collate "und-x-icu", ' ', 'g')) end
$$;

alter table app.customer no force row level security;
alter table app.contact no force row level security;
insert into app.search_word (org_id, word, entity, record_id)
select distinct n.org_id, w.word, n.entity, n.id
from (select c.org_id, 'customers' as entity, c.id, app.migration_fold(c.name) as name from app.customer c
    union all select k.org_id, 'contacts', k.id, app.migration_fold(k.name) from app.contact k) n,
    lateral (select left(t.word, 64) from unnest(string_to_array(n.name, ' ') || (' ' || n.name)) t(word)) w(word)
where n.name <> '';
alter table app.customer force row level security;
alter table app.contact force row level security;
drop function app.migration_fold;
alter table app.search_word enable row level security, force row level security;   -- forced earlier it would refuse these rows
