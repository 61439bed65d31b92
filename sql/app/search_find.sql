-- search_find.sql: the one function that searches beyond the policies. It repeats their rule and returns ids only; what these show,
-- the policies decide again (sql/api/search.sql).

-- The words of a search, each once, at most ten, those first that look rare.
create or replace function app.search_words(folded text) returns text[]
language plpgsql immutable parallel safe as $$
begin
    return array(select w.word from unnest(string_to_array(folded, ' ')) with ordinality w(word, n) where w.word <> '' group by 1 order by w.word ~ '[0-9]' desc, char_length(w.word) desc, min(w.n) limit 10);
end
$$;

-- The letters of an alphabet with which words of the index go on that begin so; where they go on in many ways, all of it. Null: no word
-- begins so.
create or replace function app.search_letters(beginning text, alphabet text) returns text[]
language plpgsql stable as $$
declare
    -- What begins with a blank is no word but a whole name.
    after   text := case beginning when '' then ' ' || chr(1114111) else beginning end;
    upto    text := beginning || chr(1114111);
    next    text;
    letters text[];
begin
    for way in 1..8 loop
        select substr(w.word, char_length(beginning) + 1, 1) into next from app.search_word w
        where w.org_id = (select app.org()) and w.word > after and w.word < upto order by w.word limit 1;
        if next is null then
            return letters;
        end if;
        letters := letters || case when strpos(alphabet, next) > 0 then array[next] else '{}' end;
        after := beginning || next || chr(1114111);
    end loop;
    return string_to_array(alphabet, null);
end
$$;

-- The words of the index, of at least four letters, that somebody may mean who typed this one with one error: a letter too many, too few,
-- another one, or two in each other's place. Looked up one by one, but only behind a beginning that there is, and with letters that
-- follow it; what is found this way depends on no threshold.
create or replace function app.search_meant(word text) returns text[]
language plpgsql stable as $$
declare
    n        int := char_length(word);
    alphabet text := case when word ~ '[а-я]' then 'абвгдежзиклмнопрстуфхцчшщъыьэюяієґћљњџђј'
        when word ~ '[α-ω]' then 'αβγδεζηθικλμνξοπρστυφχψω' when word ~ '[a-z]' then 'abcdefghijklmnopqrstuvwxyz' else '' end;
    letters  text[];
    maybe    text[];
begin
    if n not between 3 and 30 or word ~ '[0-9]' then
        return '{}';
    end if;
    for i in 0..n loop    -- how many letters of it stand
        maybe := maybe || (left(word, i) || substr(word, i + 2)) || (left(word, i) || substr(word, i + 2, 1) || substr(word, i + 1, 1) || substr(word, i + 3));
        letters := app.search_letters(left(word, i), alphabet);
        exit when letters is null;
        maybe := maybe || array(select left(word, i) || l || r from unnest(letters) l, unnest(array[substr(word, i + 1), substr(word, i + 2)]) r);
    end loop;
    return array(select distinct m from unnest(maybe) m where char_length(m) >= 4 and m <> word
        and exists (select from app.search_word w where w.org_id = (select app.org()) and w.word = m));
end
$$;

-- Whose names have a word that begins so, or is one of others: the first of them in the order of the index.
-- (The policy lets only leakproof conditions to the index: a function of another column is none.)
create or replace function app.search_postings(word text, others text[], most int) returns table (entity text, id uuid)
language plpgsql stable as $$
begin
    return query
    select p.entity, p.record_id from (
        (select w.entity, w.record_id from app.search_word w
            where w.org_id = (select app.org()) and w.word >= left(search_postings.word, 64) and w.word < left(search_postings.word, 64) || chr(1114111)
            order by w.word, w.record_id limit most)
        union all
        select v.* from unnest(others) o(word), lateral (select w.entity, w.record_id from app.search_word w
            where w.org_id = (select app.org()) and w.word = o.word order by w.record_id limit most) v) p
    limit most;
end
$$;

-- Those who fit among the latest customers of the caller's book, of which most are looked at, and whether there are more: where a
-- word fits very many names, there are enough of these at once. Of more than 50 people it is the org's latest, whoever's they are; of up
-- to 50 the latest of each (by_person), up to 400 no more of them for a larger most.
create or replace function app.search_book(most int, fits text[], own text, enough int, out entities text[], out ids uuid[], out more boolean,
    out by_person boolean)
language plpgsql stable as $$
declare
    people int := case when app.role() not in ('admin', 'auditor') and app.visibility() <> 'open' and app.above() is not null then (
        select count(*) from (select from app.staff_tree t where t.org_id = app.org() and t.above_id = app.above() limit 51) p) end;
    each_  int := case when most > 400 then most / greatest(people, 1) else 0 end + enough;   -- of each person
begin
    by_person := coalesce(people <= 50, false);
    if by_person then
        select array_agg(h.entity) filter (where h.id is not null), array_agg(h.id) filter (where h.id is not null), bool_or(h.id is null) or count(*) >= enough
        into entities, ids, more from (select h.* from (
            select c.* from app.staff_tree t, lateral (select k.*, row_number() over () as n from (
                select c.id, c.name, c.updated_at from app.customer c where c.org_id = app.org() and c.owner_id = t.below_id and c.archived_at is null
                    and (app.role() = 'manager' or c.segment = any((select app.segments())::text[]))
                order by c.updated_at desc, c.id desc limit each_) k) c
            where t.org_id = app.org() and t.above_id = app.above()
            union all
            select c.* from unnest(case when app.role() = 'manager' then app.team_segments() end) g(id), lateral (select k.*, row_number() over () as n from (
                select c.id, c.name, c.updated_at from app.customer c
                where c.org_id = app.org() and c.owner_id is null and c.segment = g.id and c.archived_at is null
                order by c.updated_at desc, c.id desc limit each_) k) c
            order by updated_at desc, id desc) w
        cross join lateral (select ' ' || app.fold(w.name) as name offset 0) f
        cross join lateral (
            select 'customers' as entity, w.id where f.name ~ all(fits)
            union all
            (select 'contacts', k.id from app.contact k, lateral (select ' ' || app.fold(k.name) as name offset 0) g
                where k.org_id = app.org() and k.customer_id = w.id and k.archived_at is null and g.name ~ own and g.name || f.name ~ all(fits)
                order by k.updated_at desc, k.id desc limit 100)
            union all
            select null, null where w.n >= each_) h limit enough) h;
    elsif people is null and app.role() = 'rep' and app.visibility() <> 'open' then
        select array_agg(h.entity) filter (where h.id is not null), array_agg(h.id) filter (where h.id is not null), bool_or(h.id is null) or count(*) >= enough
        into entities, ids, more from (select h.* from (
            select k.*, row_number() over () as n from (
                select c.id, c.name from app.customer c where c.org_id = app.org() and c.owner_id = app.me() and c.archived_at is null
                    and c.segment = any((select app.segments())::text[])
                order by c.updated_at desc, c.id desc limit most) k) w
        cross join lateral (select ' ' || app.fold(w.name) as name offset 0) f
        cross join lateral (
            select 'customers' as entity, w.id where f.name ~ all(fits)
            union all
            (select 'contacts', k.id from app.contact k, lateral (select ' ' || app.fold(k.name) as name offset 0) g
                where k.org_id = app.org() and k.customer_id = w.id and k.archived_at is null and g.name ~ own and g.name || f.name ~ all(fits)
                order by k.updated_at desc, k.id desc limit 100)
            union all
            select null, null where w.n >= most) h limit enough) h;
    else
        select array_agg(h.entity) filter (where h.id is not null), array_agg(h.id) filter (where h.id is not null),
            bool_or(h.id is null) or people is null and count(*) >= enough
        into entities, ids, more from (select h.* from (
            select k.*, row_number() over () as n from (
                select c.id, c.name from app.customer c where c.org_id = app.org() and c.archived_at is null
                order by c.updated_at desc, c.id desc limit most) k) w
        cross join lateral (select ' ' || app.fold(w.name) as name offset 0) f
        cross join lateral (
            select 'customers' as entity, w.id where f.name ~ all(fits)
            union all
            (select 'contacts', k.id from app.contact k, lateral (select ' ' || app.fold(k.name) as name offset 0) g
                where k.org_id = app.org() and k.customer_id = w.id and k.archived_at is null and g.name ~ own and g.name || f.name ~ all(fits)
                order by k.updated_at desc, k.id desc limit 100)
            union all
            select null, null where w.n >= most) h limit case when people is null then enough end) h;
    end if;
    if people is not null or app.role() = 'rep' then
        select entities || array_agg(o.entity), ids || array_agg(o.id) into entities, ids from (
            select 'customers' as entity, c.id from unnest(app.opened()) c(id)
            union all select 'contacts', k.id from unnest(app.opened()) c(id), app.contact k where k.org_id = app.org() and k.customer_id = c.id) o;
    end if;
end
$$;

-- Of these records those that the caller may see, as sql/policy/customers.sql and children.sql have it, whose names fit: a contact's
-- with that of his customer, but not by the latter alone. kept is what the funnel keeps back from the caller.
create or replace function app.search_seen(entities text[], ids uuid[], fits text[], own text default '')
returns table (entity text, id uuid, name text, updated_at timestamptz, kept text[])
language plpgsql stable as $$
declare
    org        int := app.org();
    me         uuid := app.me();
    role       text := app.role();
    everything boolean := role in ('admin', 'auditor') or app.visibility() = 'open';
    segments   text[] := app.segments();
    above      uuid := app.above();
    nobodys    text[] := case when role = 'manager' and not everything then app.team_segments() end;
    opened     uuid[] := case when not everything then app.opened() end;
    hiding     text[] := app.hiding();
    hidden     text[] := case when hiding is not null then app.hiding_contacts() end;
begin
    return query
    select h.entity, h.id, h.own, h.updated_at, case when h.worked_in && hiding then app.kept_back(h.worked_in) end
    from (select u.entity, u.id, c.name, c.worked_in, app.fold(coalesce(k.name, c.name)) as own, coalesce(k.updated_at, c.updated_at) as updated_at
        from (select distinct u.entity, u.id from unnest(entities, ids) u(entity, id)) u
        left join app.contact k on k.org_id = org and k.id = case u.entity when 'contacts' then u.id end and k.archived_at is null
        join app.customer c on c.org_id = org and c.id = case u.entity when 'contacts' then k.customer_id else u.id end and c.archived_at is null
        where (everything
                or (role = 'rep' and c.owner_id = me and c.segment = any(segments))
                or (above is not null and (role = 'manager' or c.segment = any(segments)) and exists (
                    select from app.staff_tree t where t.org_id = org and t.above_id = above and t.below_id = c.owner_id offset 0))
                or (role = 'manager' and c.owner_id is null and c.segment = any(nobodys))
                or c.id = any(opened))
          and (u.entity = 'customers' or not coalesce(c.worked_in && hidden, false))
        offset 0) h     -- a name is folded once
    where case h.entity when 'contacts' then ' ' || h.own ~ search_seen.own and ' ' || h.own || ' ' || app.fold(h.name) ~ all(fits) else ' ' || h.own ~ all(fits) end;
end
$$;

-- Those whom the caller sees by all of these words, each the beginning of one of the name or, from others (in a row, with | between),
-- the whole of one. The rarest word says whom to look at. Where even that fits many, the latest of the caller's book are looked at
-- instead: there are some among them soon. If not, some of all that it fits may do, and if not, more and more of both: what it costs is
-- bounded, it finds the same each time, and of up to 200 that fit the best.
create or replace function app.search_named(folded text, words text[], others text[], enough int)
returns table (entity text, id uuid, name text, updated_at timestamptz)
language plpgsql stable as $$
declare
    fits text[] := array(select ' ' || case t.others when '' then t.word else '(' || t.word || '|(' || t.others || ')( |$))' end from unnest(words, others) t(word, others));
    own  text := array_to_string(fits, '|');
    rare text[];
    them uuid[];
    e    text[];
    r    uuid[];
    book record;
    most int;
    n    int;
    many boolean;   -- more than are looked at
begin
    foreach most in array '{200,2000,20000}'::int[] loop
        n := most + 1;
        for i in 1 .. cardinality(words) loop
            select array_agg(p.entity), array_agg(p.id) into e, r from app.search_postings(words[i], string_to_array(nullif(others[i], ''), '|'), n) p;
            if r is null then
                return;
            elsif i = 1 or cardinality(r) < n then
                rare := e;
                them := r;
                n := cardinality(r);
            end if;
        end loop;
        many := n > most;
        if many then
            if most = 200 then   -- the whole name is the best match, however many begin so
                select array_agg(p.entity), array_agg(p.record_id) into e, r from (select p.entity, p.record_id from app.search_word p
                    where p.org_id = app.org() and p.word = left(' ' || folded, 64) order by p.record_id limit 100) p;
                if r is not null then
                    return query select s.entity, s.id, s.name, s.updated_at from app.search_seen(e, r, '{}') s where s.name = folded;
                end if;
            end if;
            book := app.search_book(case most when 200 then 40 else most end, fits, own, enough);
            if most = 200 and book.ids is not null and cardinality(book.ids) < enough and book.more and not book.by_person then
                book := app.search_book(150, fits, own, enough);    -- only where some of the latest fit do more of them pay
            end if;
            e := book.entities;
            r := book.ids;
            n := 0;
            if r is not null then
                return query select s.entity, s.id, s.name, s.updated_at from app.search_seen(e, r, fits, own) s
                    order by s.name <> folded, s.updated_at desc, s.id, s.entity limit enough;
                get diagnostics n = row_count;
            end if;
            if n >= enough or book.more is not true then
                return;
            end if;
        end if;
        if cardinality(words) > 1 then   -- one of them may be the contact's, another his customer's
            select rare || coalesce(array_agg('contacts'::text), '{}'), them || coalesce(array_agg(k.id), '{}') into rare, them
            from (select k.id from unnest(rare, them) h(entity, id), app.contact k
                where h.entity = 'customers' and k.org_id = app.org() and k.customer_id = h.id and k.archived_at is null limit most) k;
        end if;
        -- By one word, which the index has uncut, it was looked up already who fits.
        return query select s.entity, s.id, s.name, s.updated_at
        from app.search_seen(rare, them, case when cardinality(words) > 1 or char_length(folded) > 64 then fits else '{}' end, case when cardinality(words) > 1 then own else '' end) s
            order by s.name <> folded, s.updated_at desc, s.id, s.entity limit enough;
        get diagnostics n = row_count;
        exit when not many or n >= enough;
    end loop;
end
$$;

-- Those whom the caller sees by exactly this e-mail address or phone number in any written form, unless it is kept back from him.
-- Never by a part of one, nor by a similar one: that would tell a masked value piece by piece.
create or replace function app.search_keyed(q text) returns table (entity text, id uuid, matched text, updated_at timestamptz)
language plpgsql stable as $$
declare
    phones text[];
begin
    if strpos(q, '@') > 0 then
        return query select s.entity, s.id, 'email', s.updated_at from (select array_agg(k.entity) as e, array_agg(k.id) as r from (
                (select 'customers' as entity, c.id from app.customer c where c.org_id = (select app.org()) and c.email_key = app.email_key(q) limit 1000)
                union all (select 'contacts', k.id from app.contact k where k.org_id = (select app.org()) and k.email_key = app.email_key(q) limit 1000)) k) k,
            app.search_seen(k.e, k.r, '{}') s where s.kept is null or 'email' <> all(s.kept);
    elsif app.phone_good(q) then
        -- Fewer digits are a number in the writing of hardly any country, and to look for it in each of them takes long.
        phones := case when char_length(regexp_replace(app.phone_plain(q), '[^0-9]', '', 'g')) >= 6 then app.phone_keys(q) else array[app.phone_key(q)] end;
        return query select s.entity, s.id, 'phone', s.updated_at from (select array_agg(k.entity) as e, array_agg(k.id) as r from (
                (select 'customers' as entity, c.id from app.customer c
                    where c.org_id = (select app.org()) and c.phone_key = any(phones) and app.phone_means(c.phone_key, c.country, q) limit 1000)
                union all (select 'contacts', k.id from app.contact k join app.customer c on c.org_id = (select app.org()) and c.id = k.customer_id
                    where k.org_id = (select app.org()) and k.phone_key = any(phones) and app.phone_means(k.phone_key, c.country, q) limit 1000)) k) k,
            app.search_seen(k.e, k.r, '{}') s where s.kept is null or 'phone' <> all(s.kept);
    end if;
end
$$;

-- The customers and contacts that fit what somebody typed, the best first: by number or address, by the whole name, by the
-- beginnings of its words; where there is none, by words with a typing error. Among those the latest changed. Plans are kept, for
-- making them takes 20 ms.
create or replace function app.search_find(q text, lim int) returns table (entity text, id uuid, matched text)
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp
    set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
    set enable_bitmapscan = off set enable_memoize = off as $$
declare
    folded text := app.fold(q);
    words  text[] := app.search_words(folded);
    keyed  boolean := strpos(q, '@') > 0 or char_length(regexp_replace(app.phone_plain(q), '[^0-9]', '', 'g')) >= 7 and app.phone_good(q);   -- no name looks like this
    others text[];
    es     text[];
    ids    uuid[];
    how    text[];
    ranks  int[];
    ats    timestamptz[];
begin
    select array_agg(k.entity), array_agg(k.id), array_agg(k.matched), array_agg(0), array_agg(k.updated_at) into es, ids, how, ranks, ats
    from app.search_keyed(q) k;
    if ids is null or not keyed then
        select es || array_agg(n.entity), ids || array_agg(n.id), how || array_agg('name'::text), ranks || array_agg(case n.name when folded then 1 else 2 end),
            ats || array_agg(n.updated_at) into es, ids, how, ranks, ats
        from app.search_named(folded, words, array_fill(''::text, array[cardinality(words)]), lim) n;
    end if;
    if not keyed and ids is null then
        others := array(select array_to_string(app.search_meant(w.word), '|') from unnest(words) with ordinality w(word, n) order by w.n);
        if array_to_string(others, '') <> '' then
            select es || array_agg(n.entity), ids || array_agg(n.id), how || array_agg('name'::text), ranks || array_agg(3), ats || array_agg(n.updated_at)
            into es, ids, how, ranks, ats from app.search_named(folded, words, others, lim) n;
        end if;
    end if;
    return query select b.entity, b.id, b.matched from (
            select distinct on (u.entity, u.id) u.* from unnest(es, ids, how, ranks, ats) u(entity, id, matched, rank, updated_at)
            order by u.entity, u.id, u.rank) b
        order by b.rank, b.updated_at desc, b.id, b.entity limit lim;
end
$$;
alter function app.search_find owner to holdfast_search;
