-- 0005_phones.sql: how numbers are dialled in each country, and each customer's number in the form that follows from it.
--
-- The calling codes are the same for every org, like the list of tables that have a history.

set local role holdfast_owner;

-- Antarctica, Bouvet, Heard and the outlying islands of the United States have none of their own.
create table app.calling_code (
    country text primary key constraint country_code check (country ~ '^[A-Z]{2}$'),
    code    text not null constraint code_shape check (code ~ '^[1-9][0-9]{0,2}$'),
    trunk   text not null                                 -- dialled before a number within the country, not from abroad; several by blanks
            constraint trunk_shape check (trunk ~ '^([0-9]{1,3}( [0-9]{1,3})*)?$'),
    digits  int[],                                        -- how many a whole number has without it; null where that does not tell one
    zero    boolean not null default false                -- numbers can begin with a 0 that is dialled from abroad too
);
insert into app.calling_code (country, code, trunk, digits) values
    ('AD', '376', '', null), ('AE', '971', '0', '{8,9}'), ('AF', '93', '0', '{9}'), ('AG', '1', '1', '{10}'),
    ('AI', '1', '1', '{10}'), ('AL', '355', '0', null), ('AM', '374', '0', '{8}'), ('AO', '244', '', '{9}'),
    ('AR', '54', '0', '{10}'), ('AS', '1', '1', '{10}'), ('AT', '43', '0', null), ('AU', '61', '0', '{9}'),
    ('AW', '297', '', '{7}'), ('AX', '358', '0', null), ('AZ', '994', '0', '{9}'), ('BA', '387', '0', null),
    ('BB', '1', '1', '{10}'), ('BD', '880', '0', null), ('BE', '32', '0', '{8,9}'), ('BF', '226', '', '{8}'),
    ('BG', '359', '0', null), ('BH', '973', '', '{8}'), ('BI', '257', '', '{8}'), ('BJ', '229', '', '{10}'),
    ('BL', '590', '0', '{9}'), ('BM', '1', '1', '{10}'), ('BN', '673', '', '{7}'), ('BO', '591', '0', '{8}'),
    ('BQ', '599', '', '{7}'), ('BR', '55', '0', '{10,11}'), ('BS', '1', '1', '{10}'), ('BT', '975', '', null),
    ('BW', '267', '', null), ('BY', '375', '80 8 0', '{9}'), ('BZ', '501', '', '{7}'), ('CA', '1', '1', '{10}'),
    ('CC', '61', '0', '{9}'), ('CD', '243', '0', null), ('CF', '236', '', '{8}'), ('CG', '242', '', '{9}'),
    ('CH', '41', '0', '{9}'), ('CI', '225', '', '{10}'), ('CK', '682', '', '{5}'), ('CL', '56', '', '{9}'),
    ('CM', '237', '', '{9}'), ('CN', '86', '0', '{11}'), ('CO', '57', '0', '{10}'), ('CR', '506', '', '{8}'),
    ('CU', '53', '0', '{8}'), ('CV', '238', '', '{7}'), ('CW', '599', '', null), ('CX', '61', '0', '{9}'), ('CY', '357', '', '{8}'),
    ('CZ', '420', '', '{9}'), ('DE', '49', '0', null), ('DJ', '253', '', '{8}'), ('DK', '45', '', '{8}'), ('DM', '1', '1', '{10}'),
    ('DO', '1', '1', '{10}'), ('DZ', '213', '0', null), ('EC', '593', '0', '{8,9}'), ('EE', '372', '', null),
    ('EG', '20', '0', '{10}'), ('EH', '212', '0', '{9}'), ('ER', '291', '0', '{7}'), ('ES', '34', '', '{9}'),
    ('ET', '251', '0', '{9}'), ('FI', '358', '0', null), ('FJ', '679', '', '{7}'), ('FK', '500', '', '{5}'),
    ('FM', '691', '', '{7}'), ('FO', '298', '', '{6}'), ('FR', '33', '0', '{9}'), ('GA', '241', '', '{8}'),
    ('GB', '44', '0', '{10}'), ('GD', '1', '1', '{10}'), ('GE', '995', '0', '{9}'), ('GF', '594', '0', '{9}'),
    ('GG', '44', '0', '{10}'), ('GH', '233', '0', '{9}'), ('GI', '350', '', '{8}'), ('GL', '299', '', '{6}'),
    ('GM', '220', '', '{7}'), ('GN', '224', '', null), ('GP', '590', '0', '{9}'), ('GQ', '240', '', '{9}'),
    ('GR', '30', '', '{10}'), ('GS', '500', '', null), ('GT', '502', '', '{8}'), ('GU', '1', '1', '{10}'), ('GW', '245', '', '{9}'),
    ('GY', '592', '', '{7}'), ('HK', '852', '', '{8}'), ('HN', '504', '', '{8}'), ('HR', '385', '0', null),
    ('HT', '509', '', '{8}'), ('HU', '36', '06', null), ('ID', '62', '0', null), ('IE', '353', '0', null),
    ('IL', '972', '0', '{8,9}'), ('IM', '44', '0', '{10}'), ('IN', '91', '0', '{10}'), ('IO', '246', '', '{7}'),
    ('IQ', '964', '0', null), ('IR', '98', '0', null), ('IS', '354', '', '{7}'), ('IT', '39', '', null), ('JE', '44', '0', '{10}'),
    ('JM', '1', '1', '{10}'), ('JO', '962', '0', null), ('JP', '81', '0', null), ('KE', '254', '0', '{9}'),
    ('KG', '996', '0', '{9}'), ('KH', '855', '0', null), ('KI', '686', '0', '{8}'), ('KM', '269', '', '{7}'),
    ('KN', '1', '1', '{10}'), ('KP', '850', '0', null), ('KR', '82', '0', null), ('KW', '965', '', '{8}'), ('KY', '1', '1', '{10}'),
    ('KZ', '7', '8', '{10}'), ('LA', '856', '0', null), ('LB', '961', '0', '{8}'), ('LC', '1', '1', '{10}'),
    ('LI', '423', '', '{7,9}'), ('LK', '94', '0', '{9}'), ('LR', '231', '0', null), ('LS', '266', '', '{8}'),
    ('LT', '370', '0 8', '{8}'), ('LU', '352', '', null), ('LV', '371', '', '{8}'), ('LY', '218', '0', '{9}'),
    ('MA', '212', '0', '{9}'), ('MC', '377', '0', '{8,9}'), ('MD', '373', '0', '{8}'), ('ME', '382', '0', '{8}'),
    ('MF', '590', '0', '{9}'), ('MG', '261', '0', '{9}'), ('MH', '692', '1', '{7}'), ('MK', '389', '0', '{8}'),
    ('ML', '223', '', '{8}'), ('MM', '95', '0', null), ('MN', '976', '0', '{8}'), ('MO', '853', '', '{8}'),
    ('MP', '1', '1', '{10}'), ('MQ', '596', '0', '{9}'), ('MR', '222', '', '{8}'), ('MS', '1', '1', '{10}'),
    ('MT', '356', '', '{8}'), ('MU', '230', '', null), ('MV', '960', '', '{7}'), ('MW', '265', '0', null),
    ('MX', '52', '045 044 01', '{10}'), ('MY', '60', '0', null), ('MZ', '258', '', null), ('NA', '264', '0', null),
    ('NC', '687', '', '{6}'), ('NE', '227', '', '{8}'), ('NF', '672', '', '{6}'), ('NG', '234', '0', '{10}'),
    ('NI', '505', '', '{8}'), ('NL', '31', '0', '{9}'), ('NO', '47', '', '{8}'), ('NP', '977', '0', '{10}'),
    ('NR', '674', '', '{7}'), ('NU', '683', '', null), ('NZ', '64', '0', null), ('OM', '968', '', '{8}'), ('PA', '507', '', null),
    ('PE', '51', '0', '{9}'), ('PF', '689', '', '{8}'), ('PG', '675', '', null), ('PH', '63', '0', '{10}'),
    ('PK', '92', '0', '{10}'), ('PL', '48', '', '{9}'), ('PM', '508', '0', '{6}'), ('PN', '64', '0', null),
    ('PR', '1', '1', '{10}'), ('PS', '970', '0', null), ('PT', '351', '', '{9}'), ('PW', '680', '', '{7}'),
    ('PY', '595', '0', null), ('QA', '974', '', '{8}'), ('RE', '262', '0', '{9}'), ('RO', '40', '0', '{9}'),
    ('RS', '381', '0', null), ('RU', '7', '8', '{10}'), ('RW', '250', '0', '{9}'), ('SA', '966', '0', '{9}'),
    ('SB', '677', '', null), ('SC', '248', '', '{7}'), ('SD', '249', '0', '{9}'), ('SE', '46', '0', null), ('SG', '65', '', '{8}'),
    ('SH', '290', '', null), ('SI', '386', '0', '{8}'), ('SJ', '47', '', '{8}'), ('SK', '421', '0', '{9}'),
    ('SL', '232', '0', '{8}'), ('SM', '378', '', null), ('SN', '221', '', '{9}'), ('SO', '252', '0', '{9}'),
    ('SR', '597', '', null), ('SS', '211', '0', '{9}'), ('ST', '239', '', '{7}'), ('SV', '503', '', '{8}'),
    ('SX', '1', '1', '{10}'), ('SY', '963', '0', null), ('SZ', '268', '', '{8}'), ('TC', '1', '1', '{10}'),
    ('TD', '235', '', '{8}'), ('TF', '262', '0', null), ('TG', '228', '', '{8}'), ('TH', '66', '0', '{8,9}'),
    ('TJ', '992', '', '{9}'), ('TK', '690', '', null), ('TL', '670', '', null), ('TM', '993', '8', '{8}'), ('TN', '216', '', '{8}'),
    ('TO', '676', '', null), ('TR', '90', '0', '{10}'), ('TT', '1', '1', '{10}'), ('TV', '688', '', null), ('TW', '886', '0', null),
    ('TZ', '255', '0', '{9}'), ('UA', '380', '0', '{9}'), ('UG', '256', '0', '{9}'), ('US', '1', '1', '{10}'),
    ('UY', '598', '0', '{8}'), ('UZ', '998', '8', '{9}'), ('VA', '39', '', null), ('VC', '1', '1', '{10}'),
    ('VE', '58', '0', '{10}'), ('VG', '1', '1', '{10}'), ('VI', '1', '1', '{10}'), ('VN', '84', '0', '{9}'),
    ('VU', '678', '', null), ('WF', '681', '', '{6}'), ('WS', '685', '', null), ('YE', '967', '0', null), ('YT', '262', '0', '{9}'),
    ('ZA', '27', '0', '{9}'), ('ZM', '260', '0', '{9}'), ('ZW', '263', '0', null);
update app.calling_code set zero = true where country in ('BF', 'BJ', 'CG', 'CI', 'GA', 'IT', 'NE', 'SM', 'VA');

-- As sql/app/phones.sql had it when this was written.
create function app.migration_plain(phone text) returns text
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

create function app.migration_national(n text, code text, trunk text, digits int[], zero boolean) returns text
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

create function app.migration_e164(phone text, country text default null) returns text
language plpgsql stable parallel safe as $$
declare
    plain  text;
    abroad text;
    parts  text[];
    rest   text;
    found_ text;
begin
    if phone ~ '^\+[1-9][0-9]*([ ./-]+[1-9][0-9 ()./-]*|[ ./-]*\([1-9][0-9][0-9 ()./-]*)?$' then
        found_ := '+' || translate(phone, '+ ()./-', '');
        return case when char_length(found_) between 8 and 16 then found_ end;
    end if;
    plain := app.migration_plain(phone);
    if plain is null or plain !~ '^[ (]*\+?[0-9 ()./-]+$' then
        return null;
    end if;
    abroad := coalesce(substring(plain, '^[ (]*\+(.*)$'), substring(plain, '^[ (]*0 ?0(.*)$'));
    if abroad ~ '^[ )]*1' and strpos(plain, '+') = 0 and regexp_replace(abroad, '[^0-9]', '', 'g') !~ '^1[2-9][0-9]{9}$' then
        return null;
    end if;
    if abroad is null and plain ~ '^[ (]*011' and exists (select from app.calling_code c where c.country = migration_e164.country and c.code = '1') then
        abroad := substring(plain, '^[ (]*011(.*)$');
    end if;
    if abroad is not null then
        parts := regexp_match(abroad, '^[ (]*([1-9][0-9]{0,2})[ )./-]*[ )(./-]([0-9].*)$');
        if parts is not null then
            select substr(parts[2], char_length(t) + 1) into rest
            from app.calling_code c, unnest(string_to_array(c.trunk, ' ')) t
            where c.code = parts[1] and parts[2] ~ ('^' || t || case when left(t, 1) = '0' then '' else '[)]' end) limit 1;
            abroad := coalesce(parts[1] || rest, abroad);
        end if;
        found_ := '+' || regexp_replace(abroad, '[^0-9]', '', 'g');
    else
        select app.migration_national(regexp_replace(plain, '[^0-9]', '', 'g'), c.code, c.trunk, c.digits, c.zero) into found_
        from app.calling_code c where c.country = migration_e164.country;
    end if;
    return case when found_ ~ '^\+[1-9][0-9]{6,14}$' then found_ end;
end
$$;

alter table app.customer no force row level security;
alter table app.customer disable trigger user;
-- What begins with + and holds nothing odd was understood before.
update app.customer c set phone_e164 = n.e164, phone_key = coalesce(n.e164, nullif(regexp_replace(n.plain, '[^0-9]', '', 'g'), ''))
from (select k.org_id, k.id, app.migration_e164(k.phone, k.country) as e164, app.migration_plain(k.phone) as plain
    from app.customer k where k.phone !~ '^\+[1-9][0-9]*([ ./-]+[1-9][0-9 ()./-]*|[ ./-]*\([1-9][0-9][0-9 ()./-]*)?$' offset 0) n
where c.org_id = n.org_id and c.id = n.id;
alter table app.customer enable trigger user;
alter table app.customer force row level security;

drop function app.migration_e164, app.migration_national, app.migration_plain;
alter table app.calling_code enable row level security, force row level security;
