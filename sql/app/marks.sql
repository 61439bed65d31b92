-- marks.sql: how each export spells its rows a little differently, and what of that a text says which turned up somewhere.

-- The marks of a row in the export with this key: 1 chooses how its phone is grouped, 2 the case in which the domain of its e-mail
-- begins. id is the row's own. This is the only place that says so.
create or replace function app.marks(id uuid, mark bigint) returns int
language sql immutable parallel safe as $$ select (uuid_hash_extended(id, mark) & 3)::int $$;

-- What the end of a phone number says: " ddd dd" 0, " dd ddd" 1, anything else nothing. Whoever put points or dashes where the blanks
-- were left the groups. What an export does not touch (lib/mark.c) says nothing either: short ones, masked ones, those with an extension.
create or replace function app.mark_of_phone(phone text) returns int
language sql immutable parallel safe as $$
    select case when phone ~ '[^0-9 ()./+\u00A0\u202F-]' or char_length(translate(phone, translate(phone, '0123456789', ''), '')) < 7 then null
        when phone ~ '[ .\u00A0\u202F-][0-9]{3}[ .\u00A0\u202F-][0-9]{2}$' then 0
        when phone ~ '[ .\u00A0\u202F-][0-9]{2}[ .\u00A0\u202F-][0-9]{3}$' then 1 end
$$;

-- The same of an e-mail: its domain begins with a small letter 0, with a capital 1.
create or replace function app.mark_of_email(email text) returns int
language sql immutable parallel safe as $$
    select case when ascii(split_part(email, '@', 2)) between 97 and 122 then 0 when ascii(split_part(email, '@', 2)) between 65 and 90 then 1 end
$$;

-- The e-mails and phone numbers in a text, as they are spelled there, each spelling once; whatever stands between them: CSV with its
-- quotes and the ' that a spreadsheet needs, JSON, prose. Ids and dates are no numbers, nor is an amount: digits alone, which begin
-- with neither + nor 0, are eight at least.
create or replace function app.leak_values(leak text) returns table (kind text, value text)
language sql immutable parallel safe as $$
    select distinct 'email', m[1] from regexp_matches(leak,
        '([^[:space:]"''.(),:;<=>@\[\]\\`{|}*\u00A0\u00AB\u00BB\u2000-\u200F\u2018-\u201F\u2028-\u202F\uFEFF]'
        '[^[:space:]"(),:;<=>@\[\]\\`{|}*\u00A0\u00AB\u00BB\u2000-\u200F\u2018-\u201F\u2028-\u202F\uFEFF]{0,63}'
        '@[[:alnum:]]+(?:-+[[:alnum:]]+)*(?:[.][[:alnum:]]+(?:-+[[:alnum:]]+)*)+)', 'g') m
    union all
    select distinct 'phone', m[1] from regexp_matches(
        regexp_replace(leak, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\m(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9](?![0-9])|\m[0-3]?[0-9][./][01]?[0-9][./](19|20)[0-9]{2}\M', '|', 'gi'),
        '(?<![[:alnum:]_@])([+(\uFF0B]{0,2}[0-9\uFF10-\uFF19\u0660-\u0669\u06F0-\u06F9]'
        '(?:[ \u00A0\u2007-\u200A\u202F]?[()./\u2010-\u2014\u2212-]{0,2}[ \u00A0\u2007-\u200A\u202F]?[0-9\uFF10-\uFF19\u0660-\u0669\u06F0-\u06F9]){6,19}'
        '(?:[ ,;]{0,2}(?:ext(?:ension|n)?|x|#|доб)[ .:=]{0,2}[0-9]{1,7})?)(?![[:alnum:]_@])', 'gi') m
    where m[1] !~ '^[1-9][0-9]{0,6}$'
$$;

-- What a text says, by whom it may mean: of each e-mail and each number, however often and however spelled, how it is typed and which
-- mark (flag) it shows: 0 or the flag itself. Null where it tells nothing, where it stands there in both spellings, as two exports laid
-- together have it, and where somebody made all e-mails alike.
create or replace function app.leak_marks(leak text) returns table (n int, kind text, key text, typed text, flag int, shown int)
language sql stable parallel safe as $$
    with spelled as (
        select v.kind, v.value, k.flag, k.key, k.mark * k.flag as shown
        from app.leak_values(leak) v cross join lateral (
            select 1 as flag, app.phone_key(v.value) as key, app.mark_of_phone(v.value) as mark where v.kind = 'phone'
            union all select 2, app.email_key(v.value), app.mark_of_email(v.value) where v.kind = 'email') k
        where k.key is not null),
    alike as (select count(s.shown) >= 8 and min(s.shown) = max(s.shown) as emails from spelled s where s.kind = 'email')
    select row_number() over (order by s.kind, s.key)::int, s.kind, s.key, min(s.value), min(s.flag),
        case when min(s.shown) = max(s.shown) and not (s.kind = 'email' and a.emails) then min(s.shown) end
    from spelled s, alike a group by s.kind, s.key, a.emails
$$;

-- How probable it is that an export is among the sources of a text, given how many marks fit it and how many do not, how many of
-- its decoys are there, and how many exports there are.
--
-- Each export has odds of its own against "not from this one", by Bayes, and is not compared with the others: of two that were laid
-- together both are sources, while as rivals the one with a few marks more would take all. That accuses nobody else, for the marks of
-- two exports have nothing to do with each other: whatever the text and whoever else it is from, a wrong one fits half of it.
--
-- A mark that fits is as likely as 0.8 to 0.5, one that does not as 0.2 to 0.5. So a fifth may be altered, and of a text of which half
-- is from elsewhere, three of four fit: both are proved by a few hundred marks. Over all keys that an export might have had
-- the ratio is 1 in the mean (0.5 * 1.6 + 0.5 * 0.4) for any text at all; hence it is beyond x for one in x at most, and with odds of
-- 1 to a million for all exports together not one innocent text in ten thousand names anybody with 0.01.
create or replace function app.leak_probability(fit bigint, against bigint, decoys bigint, exports bigint) returns float8
language sql immutable parallel safe as $$
    -- In logarithms, and cut where nothing can be told from 0 and 1: exp() of a thousand is too much.
    select 1 / (1 + exp(greatest(-200, least(200,
        ln(1e6::float8 * exports) - fit * ln(0.8::float8 / 0.5) - against * ln(0.2::float8 / 0.5) - decoys * ln(1e9::float8)))))
$$;
