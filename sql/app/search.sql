-- search.sql: the words of a name, as customers and contacts are found by them.

-- A name without capitals, accents and punctuation: its words, runs of letters and digits of any script, between single blanks.
-- (Not inlined: of the usual names it is not asked, and a plan holds app.fold in many places.)
create or replace function app.fold_wide(name text) returns text
language plpgsql immutable parallel safe as $$
begin
    return btrim(regexp_replace(normalize(regexp_replace(
        replace(replace(replace(replace(translate(normalize(lower(name collate "und-x-icu"), nfkd), 'øłđıðħς', 'oldidhσ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
        '[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u0610-\u061a\u064b-\u065f\u0670\u3099\u309a\ufe00-\ufe0f\u200b-\u200f\u2060\ufeff\u00ad]', '', 'g'), nfc),
        '[^[:alnum:]]+' collate "und-x-icu", ' ', 'g')) collate "default";
end
$$;

-- The usual ones are ASCII.
create or replace function app.fold(name text) returns text
language sql immutable parallel safe as $$
    select case when name !~ '[^ -~]' then btrim(regexp_replace(lower(name), '[^a-z0-9]+', ' ', 'g')) else app.fold_wide(name) end
$$;

-- What stands in app.search_word for a name: its words, and the whole of it behind a blank. The first 64 characters: an index takes
-- no longer ones.
create or replace function app.search_terms(folded text) returns text[]
language sql immutable parallel safe as $$
    select array(select distinct left(t.word, 64) from unnest(string_to_array(folded, ' ') || (' ' || folded)) t(word) where folded <> '')
$$;

-- Keeps them. A record's name is written seldom and its other columns all the time: those cost nothing here. A statement's rows go
-- in the order of the index, which also finds those that are there twice: 1,000 names in 12 ms, where app.search_terms and "on conflict"
-- took 24. Of a new record there are none yet.
create or replace function app.tg_search_insert() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    insert into app.search_word (org_id, word, entity, record_id)
    select distinct n.org_id, left(t.word, 64) as term, tg_argv[0], n.id
    from (select r.org_id, r.id, app.fold(r.name) as folded from new_rows r offset 0) n,
        unnest(string_to_array(n.folded, ' ') || (' ' || n.folded)) t(word)
    where n.folded <> ''
    order by n.org_id, term, n.id;
    return null;
end
$$;
alter function app.tg_search_insert owner to holdfast_owner;

create or replace function app.tg_search_delete() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    delete from app.search_word w using (select o.org_id, o.id, t.word from old_rows o, unnest(app.search_terms(app.fold(o.name))) t(word)) g
    where w.org_id = g.org_id and w.word = g.word and w.entity = tg_argv[0] and w.record_id = g.id;
    return null;
end
$$;
alter function app.tg_search_delete owner to holdfast_owner;

create or replace function app.tg_search_update() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    before text[] := app.search_terms(app.fold(old.name));
    after_ text[] := app.search_terms(app.fold(new.name));
begin
    delete from app.search_word w
    where w.org_id = new.org_id and w.word = any(before) and w.word <> all(after_) and w.entity = tg_argv[0] and w.record_id = new.id;
    insert into app.search_word (org_id, word, entity, record_id)
    select new.org_id, t.word, tg_argv[0], new.id from unnest(after_) t(word) where t.word <> all(before)
    on conflict do nothing;
    return null;
end
$$;
alter function app.tg_search_update owner to holdfast_owner;

do $do$
declare
    e record;
begin
    for e in select * from (values ('customer', 'customers'), ('contact', 'contacts')) t(singular, name) loop
        execute format('create or replace trigger _850_search_insert after insert on app.%I referencing new table as new_rows '
            'for each statement execute function app.tg_search_insert(%L)', e.singular, e.name);
        execute format('create or replace trigger _850_search_delete after delete on app.%I referencing old table as old_rows '
            'for each statement execute function app.tg_search_delete(%L)', e.singular, e.name);
        execute format('create or replace trigger _850_search_update after update of name on app.%I '
            'for each row when (old.name is distinct from new.name) execute function app.tg_search_update(%L)', e.singular, e.name);
    end loop;
end
$do$;
