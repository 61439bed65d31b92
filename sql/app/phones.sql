-- phones.sql: phone numbers and e-mail addresses: what is taken at the door, and the form that they are found by.

-- A number without what people write around it: in ASCII digits, without "tel:" and the extension.
create or replace function app.phone_plain(phone text) returns text
language plpgsql immutable parallel safe as $$
declare
    plain text := phone;
begin
    if plain !~ '[^0-9 ()./+-]' then
        return plain;
    end if;
    plain := translate(plain, U&'\FF10\FF11\FF12\FF13\FF14\FF15\FF16\FF17\FF18\FF19\0660\0661\0662\0663\0664\0665\0666\0667\0668\0669'
        '\06F0\06F1\06F2\06F3\06F4\06F5\06F6\06F7\06F8\06F9\FF0B\FF08\FF09\2010\2011\2012\2013\2014\2212\FF0D\00A0\2007\2008\2009\200A\202F\205F\3000',
        '012345678901234567890123456789+()-------        ');
    plain := regexp_replace(plain, '^ *tel[.:]* *', '', 'i');
    return regexp_replace(plain, '[ ,;]*(ext(ension|n)?|x|#|[дД][оО][бБ])[ .:=]*[0-9]{1,7} *$', '', 'i');
end
$$;

-- The digits of a number as a country writes it, in E.164 form; null where they are no whole number, as one without its area
-- code. The rest are columns of app.calling_code. A trunk other than 0
-- can begin a number too: there the length tells.
create or replace function app.phone_national(n text, code text, trunk text, digits int[], zero boolean) returns text
language sql immutable parallel safe as $$
    select '+' || code || case
        when char_length(n) = any(digits) and (zero or left(n, 1) <> '0') then n
        when trunk <> '' and n ~ ('^(' || replace(trunk, ' ', '|') || ')[1-9]') and (
            char_length(regexp_replace(n, '^(' || replace(trunk, ' ', '|') || ')', '')) = any(digits) or left(n, 1) = '0'
                and char_length(regexp_replace(n, '^(' || replace(trunk, ' ', '|') || ')', '')) <= coalesce(digits[cardinality(digits)], 14))
            then regexp_replace(n, '^(' || replace(trunk, ' ', '|') || ')', '')
        when char_length(n) - char_length(code) = any(digits) and left(n, char_length(code)) = code then substr(n, char_length(code) + 1)
        when trunk = '' and digits is null and (zero or left(n, 1) <> '0') then n end
$$;

-- The number in E.164 form: of any written form that begins with + or 00, and of one as it is written in this country. Null
-- where that cannot be said for certain.
create or replace function app.phone_e164(phone text, country text default null) returns text
language plpgsql stable parallel safe as $$
declare
    plain  text;
    abroad text;
    parts  text[];
    rest   text;
    found_ text;
begin
    -- The usual form, for which nothing is looked up: a mass insert has 100,000 of them.
    if phone ~ '^\+[1-9][0-9]*([ ./-]+[1-9][0-9 ()./-]*|[ ./-]*\([1-9][0-9][0-9 ()./-]*)?$' then
        found_ := '+' || translate(phone, '+ ()./-', '');
        return case when char_length(found_) between 8 and 16 then found_ end;
    end if;
    plain := app.phone_plain(phone);
    if plain is null or plain !~ '^[ (]*\+?[0-9 ()./-]+$' then
        return null;
    end if;
    abroad := coalesce(substring(plain, '^[ (]*\+(.*)$'), substring(plain, '^[ (]*0 ?0(.*)$'));
    -- 001 is also how one dials abroad from some countries.
    if abroad ~ '^[ )]*1' and strpos(plain, '+') = 0 and regexp_replace(abroad, '[^0-9]', '', 'g') !~ '^1[2-9][0-9]{9}$' then
        return null;
    end if;
    if abroad is null and plain ~ '^[ (]*011' and exists (select from app.calling_code c where c.country = phone_e164.country and c.code = '1') then
        abroad := substring(plain, '^[ (]*011(.*)$');
    end if;
    if abroad is not null then
        -- The trunk behind the country's code, which is not dialled: +49 (0)30, +49 030.
        parts := regexp_match(abroad, '^[ (]*([1-9][0-9]{0,2})[ )./-]*[ )(./-]([0-9].*)$');
        if parts is not null then
            select substr(parts[2], char_length(t) + 1) into rest
            from app.calling_code c, unnest(string_to_array(c.trunk, ' ')) t
            where c.code = parts[1] and parts[2] ~ ('^' || t || case when left(t, 1) = '0' then '' else '[)]' end) limit 1;
            abroad := coalesce(parts[1] || rest, abroad);
        end if;
        found_ := '+' || regexp_replace(abroad, '[^0-9]', '', 'g');
    else
        select app.phone_national(regexp_replace(plain, '[^0-9]', '', 'g'), c.code, c.trunk, c.digits, c.zero) into found_
        from app.calling_code c where c.country = phone_e164.country;
    end if;
    return case when found_ ~ '^\+[1-9][0-9]{6,14}$' then found_ end;
end
$$;

-- What somebody is found by exactly: his e-mail without regard to case; his number in E.164 form where it has one, else by its
-- digits.
create or replace function app.email_key(email text) returns text
language sql immutable parallel safe as $$ select lower(email) $$;

create or replace function app.phone_key(phone text, country text default null) returns text
language plpgsql stable parallel safe as $$
begin
    return coalesce(app.phone_e164(phone, country), nullif(regexp_replace(app.phone_plain(phone), '[^0-9]', '', 'g'), ''));
end
$$;

-- The keys that a number which somebody types may stand for: as one without a country, and as one of each country that it can be
-- written in. Which country is meant, only the one who is found tells:
--     phone_key = any((select app.phone_keys(typed))::text[]) and app.phone_means(phone_key, country, typed)
create or replace function app.phone_keys(phone text) returns text[]
language plpgsql stable parallel safe as $$
declare
    bare text := app.phone_key(phone);
    n    text := ltrim(bare, '+');
begin
    if bare is null or left(bare, 1) = '+' then
        return array[bare];
    end if;
    return array(select bare union select app.phone_national(n, c.code, c.trunk, c.digits, c.zero) from app.calling_code c
        union select '+' || substr(n, 4) where left(n, 3) = '011');
end
$$;

create or replace function app.phone_means(key text, country text, typed text) returns boolean
language plpgsql stable parallel safe as $$
begin
    return key in (app.phone_key(typed), app.phone_key(typed, country));
end
$$;

-- Whether somebody could call this number, write to this address. The form is looked at, not whether there is such a one.
create or replace function app.phone_good(phone text) returns boolean
language plpgsql immutable parallel safe as $$
declare
    plain text;
begin
    -- The usual ones, of which nothing is to be taken away first: 2 us against 6.
    if phone !~ '[^0-9 ()./+-]' then
        return char_length(translate(phone, ' ()./+-', '')) between 3 and 20;
    end if;
    plain := app.phone_plain(phone);
    return plain !~ '[A-Za-z\u00AA-\U0010FFFF]' and char_length(regexp_replace(plain, '[^0-9]', '', 'g')) between 3 and 20;
end
$$;

-- The labels of the domain may be of any script.
create or replace function app.email_good(email text) returns boolean
language plpgsql immutable parallel safe as $$
begin
    -- The usual ones, which are shorter than the least that is too long: 3 us against 15.
    return char_length(email) <= 60 and email ~ '^[A-Za-z0-9_+-]+([.][A-Za-z0-9_+-]+)*@([A-Za-z0-9]+(-+[A-Za-z0-9]+)*[.])+[A-Za-z]+$'
        or email ~ '^[^\u0001-\u0020"(),:;<>@\[\\\]\u007F-\u00A0\u2000-\u200F\u2028-\u202F\u205F-\u206F\u3000\uFEFF]{1,64}@([^.]{1,63}[.])+[^.]{1,63}$'
        and email !~ '^[.]|[.][.]|[.]@|@-|-[.]|[.]-|-$|[.][0-9]+$'
        and substr(email, strpos(email, '@') + 1) !~ '[^.0-9A-Za-z\u00AA\u00B5\u00BA\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u1FFF\u2C00-\u2DFF\u3005-\uD7FF\uF900-\uFDFF\uFE70-\uFEFE\uFF10-\uFFDC\U00010000-\U0001EFFF\U00020000-\U0003FFFF-]';
end
$$;

-- Refuses an address or a number that comes in and is none; 422 names the member. What was there before stays, and a restore
-- or a merge brings it back. A masked value has a refusal of its own (email_mask, phone_mask). Returns true, so that triggers can ask
-- it in an expression, which costs a third of a perform.
create or replace function app.contact_values_check(new_email text, old_email text, new_phone text, old_phone text) returns boolean
language plpgsql volatile as $$
begin
    if current_setting('app.via', true) = 'restore' or current_setting('app.action', true) = 'customers.merge' then
        return true;
    end if;
    if new_email is distinct from old_email and not app.email_good(new_email) and strpos(new_email, '*') = 0 then
        perform app.refuse_member(422, 'invalid_value', '/email', 'format', 'This is no e-mail address, as name@firm.example is.');
    end if;
    if new_phone is distinct from old_phone and not app.phone_good(new_phone) and strpos(new_phone, '*') = 0 then
        perform app.refuse_member(422, 'invalid_value', '/phone', 'format', 'A phone number has 3 to 20 digits and no letters, but for an extension ("ext. 12").');
    end if;
    return true;
end
$$;
