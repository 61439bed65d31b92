-- imports.sql: what people write in files, as our members have it; and what becomes of an import that ended half-way.

-- The members that a column can become, with the names that columns have for them in English, German and Russian, as
-- app.import_word has them. Of several in one file the first counts.
create or replace function app.import_targets(entity text) returns table (name text, words text[])
language sql immutable as $$
    select t.name, array[replace(t.name, '_', '')] || string_to_array(t.words, ' ') from (values
        ('customers', 'name', 'company companyname companytitle firm firma firmenname firmenbezeichnung unternehmen organisation organization account accountname customername customer kunde kundenname название компания организация наименование фирма клиент'),
        ('customers', 'email', 'emailaddress mail mailaddress epost emailadresse mailadresse почта электроннаяпочта элпочта емеил'),
        ('customers', 'phone', 'telephone tel phonenumber telephonenumber telefon telefonnummer rufnummer телефон номертелефона тел'),
        ('customers', 'website', 'web url homepage internet webseite internetseite саит вебсаит'),
        ('customers', 'address', 'street streetaddress address1 addressline1 billingstreet strasse adresse anschrift strasseundhausnummer адрес улица'),
        ('customers', 'city', 'town billingcity ort stadt wohnort город населенныипункт'),
        ('customers', 'region', 'state province county stateprovince billingstate bundesland kanton provinz регион область краи'),
        ('customers', 'postal_code', 'postcode zip zipcode zippostalcode billingpostalcode plz postleitzahl индекс почтовыииндекс'),
        ('customers', 'country', 'countrycode billingcountry land laendercode landercode staat страна'),
        ('customers', 'source', 'leadsource origin quelle herkunft источник'),
        ('customers', 'stage', 'status phase salesstage stufe стадия этап статус'),
        ('customers', 'owner', 'owneremail salesrep accountowner betreuer verantwortlicher zustandig ответственныи менеджер'),
        ('customers', 'value', 'amount revenue annualrevenue dealvalue wert betrag umsatz сумма стоимость оборот'),
        ('customers', 'currency', 'currencycode currencyisocode wahrung waehrung валюта'),
        ('customers', 'notes', 'note comment comments description remarks notiz notizen bemerkung bemerkungen kommentar beschreibung примечание комментарии описание'),
        ('customers', 'tags', 'tag labels label keywords schlagworte schlagworter метки теги'),
        ('contacts', 'customer', 'customerid customeremail customername company companyname account accountname firma firmenname kunde kundenname kundennummer компания организация клиент'),
        ('contacts', 'name', 'contact contactname fullname person ansprechpartner kontakt имя фио контакт контактноелицо'),
        ('contacts', 'title', 'jobtitle position role contacttitle funktion titel должность'),
        ('contacts', 'email', 'emailaddress mail mailaddress epost emailadresse mailadresse почта электроннаяпочта элпочта емеил'),
        ('contacts', 'phone', 'telephone tel phonenumber telephonenumber mobile mobilephone telefon telefonnummer handy телефон номертелефона тел мобильныи'),
        ('contacts', 'notes', 'note comment comments description remarks notiz notizen bemerkung bemerkungen kommentar примечание комментарии'),
        ('activities', 'customer', 'customerid customeremail customername company companyname account accountname firma firmenname kunde kundenname компания организация клиент'),
        ('activities', 'kind', 'type activitytype art typ тип вид'),
        ('activities', 'direction', 'inout richtung направление'),
        ('activities', 'subject', 'title topic betreff thema тема'),
        ('activities', 'body', 'text description details notes note comment inhalt beschreibung notiz описание текст комментарии'),
        ('activities', 'outcome', 'result ergebnis результат итог'),
        ('activities', 'at', 'date datetime time when datum zeitpunkt zeit дата время датаивремя'),
        ('activities', 'next_step', 'followup nextaction nachsterschritt wiedervorlage следующиишаг'),
        ('activities', 'due_at', 'due duedate deadline fallig falligam frist срок'),
        ('activities', 'done_at', 'done completed completedat erledigt erledigtam выполнено')) t(entity, name, words)
    where t.entity = import_targets.entity
$$;

-- A value without blanks around it and without the apostrophe that our own files have before what a spreadsheet would calculate, as
-- in '+49 30 1; null where it is empty or the word for that.
create or replace function app.import_plain(written text, nulls text) returns text
language sql immutable parallel safe as $$
    select nullif(nullif(case when left(written, 1) = '''' and strpos('=+@-', nullif(substr(written, 2, 1), '')) > 0 then substr(written, 2) else btrim(written) end, ''), nulls)
$$;

-- The name of a column without what different programs write differently: CompanyName, "Company name", company_name.
create or replace function app.import_word(name text) returns text
language sql immutable as $$ select replace(app.fold(name), ' ', '') $$;

-- Decimal places of an amount of a currency, as lib/page_value.c has them (ISO 4217).
create or replace function app.currency_places(currency text) returns int
language sql immutable parallel safe as $$
    select case when strpos(' BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF ', ' ' || currency || ' ') > 0 then 0
        when strpos(' BHD IQD JOD KWD LYD OMR TND ', ' ' || currency || ' ') > 0 then 3 else 2 end
$$;

-- An amount as people write it, in minor units; why not, where it is none. decimal_mark says what stands before the decimals; without it
-- 1.234 could be read in two ways.
create or replace function app.import_amount(written text, decimal_mark text, currency text, out amount bigint, out why text)
language plpgsql immutable parallel safe as $$
declare
    plain  text := translate(written, U&' \00A0\2009\202F''\2019€$£¥₽', '');
    point  text := case decimal_mark when 'comma' then ',' when 'point' then '.' end;
    places int := app.currency_places(currency);
    n      numeric;
begin
    if written is null then
        return;
    elsif places = 2 and point is null and written ~ '^[0-9]{1,12}[.,][0-9]{2}$' then   -- as most are
        amount := translate(written, '.,', '')::bigint;
        return;
    elsif plain !~ '^[0-9][0-9.,]*$' or char_length(plain) > 30 then
        why := 'format';
        return;
    end if;
    if point is null and strpos(plain, ',') > 0 and strpos(plain, '.') > 0 then
        point := right(translate(plain, '0123456789', ''), 1);
    elsif point is null and plain ~ '^[0-9]+[.,][0-9]+$' then
        if plain ~ '^[1-9][0-9]{0,2}[.,][0-9]{3}$' then
            why := 'ambiguous';
            return;
        end if;
        point := translate(plain, '0123456789', '');
    end if;
    if point is null and plain !~ '^[0-9]+$|^[0-9]{1,3}([.][0-9]{3})+$|^[0-9]{1,3}(,[0-9]{3})+$'
        or point = '.' and plain !~ '^([0-9]+|[0-9]{1,3}(,[0-9]{3})+)([.][0-9]+)?$'
        or point = ',' and plain !~ '^([0-9]+|[0-9]{1,3}([.][0-9]{3})+)(,[0-9]+)?$' then
        why := 'format';
        return;
    end if;
    n := case point when ',' then replace(replace(plain, '.', ''), ',', '.') when '.' then replace(plain, ',', '') else translate(plain, ',.', '') end::numeric
        * ('{1,10,100,1000}'::numeric[])[places + 1];
    if n <> trunc(n) then
        why := 'places';
    elsif n > 1000000000000000 then
        why := 'range';
    else
        amount := n;
    end if;
end
$$;

-- A moment as people write it; UTC where it says no zone. dates is the order of 1/2/2026.
create or replace function app.import_time(written text, dates text, out moment timestamptz, out why text)
language plpgsql stable parallel safe as $$
declare
    p   text[];
    ymd int[];
begin
    if written is null then
        return;
    end if;
    p := regexp_match(written, '^([0-9]{1,4})([-./])([0-9]{1,2})\2([0-9]{1,4})(?:[T ]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]{1,9})?)?)? ?(Z|[+-][0-9]{2}:?[0-9]{2})?$');
    if p is null then
        why := 'format';
        return;
    elsif char_length(p[1]) = 4 then
        ymd := array[p[1], p[3], p[4]];
    elsif char_length(p[4]) = 4 and p[2] = '/' and dates is null and p[1]::int <= 12 and p[3]::int <= 12 and p[1]::int <> p[3]::int then
        why := 'ambiguous';
        return;
    elsif char_length(p[4]) = 4 then
        ymd := case when p[2] = '/' and (dates = 'mdy' or dates is null and p[3]::int > 12) then array[p[4], p[1], p[3]] else array[p[4], p[3], p[1]] end;
    end if;
    why := 'format';
    if ymd[1] between 1900 and 2999 and ymd[2] between 1 and 12 and ymd[3] >= 1
        and ymd[3] <= extract(day from make_date(ymd[1], ymd[2], 1) + interval '1 month' - interval '1 day')
        and coalesce(p[5]::int, 0) <= 23 and coalesce(p[6]::int, 0) <= 59 and coalesce(p[7]::int, 0) <= 59
        and coalesce(abs(left(replace(nullif(p[8], 'Z'), ':', ''), 3)::int), 0) <= 14 and coalesce(right(nullif(p[8], 'Z'), 2)::int, 0) <= 59 then
        moment := make_timestamptz(ymd[1], ymd[2], ymd[3], coalesce(p[5]::int, 0), coalesce(p[6]::int, 0), coalesce(p[7]::int, 0), 'UTC')
            - case when p[8] is null or p[8] = 'Z' then interval '0'
                else make_interval(mins => (left(p[8], 1) || '1')::int * (substr(p[8], 2, 2)::int * 60 + right(p[8], 2)::int)) end;
        why := null;
    end if;
end
$$;

-- What is said of a value that is wrong.
create or replace function app.import_says(target text, code text) returns text
language sql immutable as $$
    select case code
        when 'required' then case target when 'customer' then 'Say whose this is.' when 'direction' then 'Say whether it came in or went out.' else 'This is needed.' end
        when 'length' then 'This is too short or too long.'
        when 'characters' then 'Control characters are not stored.'
        when 'mask' then 'This is masked; a masked value is not stored.'
        when 'ambiguous' then case target when 'value' then 'This amount could be read in two ways. Name decimal.'
            when 'customer' then 'Several customers have this name or e-mail. Give the id.' else 'This date could be read in two ways. Name dates.' end
        when 'unknown' then case target when 'country' then 'There is no country of this name or code.' when 'stage' then 'There is no such stage.'
            when 'currency' then 'There is no currency of this code.' when 'owner' then 'Nobody active in your own tree has this e-mail.' when 'customer' then 'You work with no customer of this id, e-mail or name.' else 'This is none of the words that are known.' end
        when 'range' then 'This is out of range.'
        when 'places' then 'This has more decimals than its currency.'
        when 'forbidden' then 'You may not write this.'
        when 'duplicate' then 'This is there already, or came before in the file.'
        when 'count' then 'At most 50 of up to 64 characters.'
        when 'form' then 'A note or a task has no direction.'
        else case target when 'email' then 'This is no e-mail address, as name@firm.example is.'
            when 'phone' then 'A phone number has 3 to 20 digits and no letters, but for an extension ("ext. 12").'
            when 'value' then 'This is no amount.' when 'currency' then 'This is no ISO 4217 code, as EUR is.' else 'This does not have the right form.' end end
$$;

-- Live customers and contacts of the org, seen by the caller or not, with these e-mails and phones; a few for each.
create or replace function app.import_matches(lines int[], emails text[], phones text[])
returns table (line int, entity text, id uuid, customer_id uuid, how text)
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
    return query
        select n.line, m.entity, m.id, m.customer_id, m.how
        from unnest(lines, emails, phones) n(line, email, phone)
        cross join lateral (
            (select 'customers', c.id, c.id, 'email' from app.customer c where c.org_id = app.org() and c.email_key = n.email and c.archived_at is null limit 3)
            union all
            (select 'customers', c.id, c.id, 'phone' from app.customer c where c.org_id = app.org() and c.phone_key = n.phone and c.archived_at is null limit 3)
            union all
            (select 'contacts', k.id, k.customer_id, 'email' from app.contact k where k.org_id = app.org() and k.email_key = n.email and k.archived_at is null limit 3)
            union all
            (select 'contacts', k.id, k.customer_id, 'phone' from app.contact k where k.org_id = app.org() and k.phone_key = n.phone and k.archived_at is null limit 3)
            ) m(entity, id, customer_id, how);
end
$$;
alter function app.import_matches owner to holdfast_mover;

-- Forgets what was put aside of a file that became no import.
create or replace function app.import_forget(org int, import uuid) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    -- Whoever is making one of it holds it.
    perform from app.import i where i.org_id = org and i.id = import for update;
    if not exists (select from app.job j where j.org_id = org and j.id = import) then
        delete from app.import_part p where p.org_id = org and p.import_id = import;
        delete from app.import_error e where e.org_id = org and e.import_id = import;
        delete from app.import i where i.org_id = org and i.id = import;
    end if;
end
$$;
alter function app.import_forget owner to holdfast_owner;

-- The same for files whose process died. A dry run is kept for a week, with the rows that were wrong.
create or replace function app.imports_forget() returns void
language sql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
    select app.import_forget(i.org_id, i.id) from app.import i where not i.settled and i.created_at < app.now() - interval '1 hour';
    delete from app.import_error e using app.import i where i.dry_run and i.settled and i.created_at < app.now() - interval '7 days'
        and e.org_id = i.org_id and e.import_id = i.id;
    delete from app.import i where i.dry_run and i.settled and i.created_at < app.now() - interval '7 days';
$$;
alter function app.imports_forget owner to holdfast_owner;

-- An import that failed or was cancelled with rows in, to be taken back in the name of whoever sent it, whatever he may by now.
create or replace function app.import_broken() returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    i app.import;
    j app.job;
begin
    select t.* into i from app.import t join app.job w on w.org_id = t.org_id and w.id = t.id
    where not t.settled and w.status in ('failed', 'cancelled') order by random() limit 1 for update of t skip locked;    -- one that fails is not the first again and again
    if not found then
        return null;
    end if;
    select * into j from app.job w where w.org_id = i.org_id and w.id = i.id;
    perform app.named(i.org_id, i.staff_id, j.session_id, j.request_id, 'imports.take_back');
    i.taken_back := coalesce(i.taken_back, app.uuid7());
    update app.import t set taken_back = i.taken_back where t.org_id = i.org_id and t.id = i.id;
    perform app.operation_continue(i.taken_back), app.operation_because('The import ended half-way.', i.operation_id, 'import');
    return i.id;
end
$$;
alter function app.import_broken owner to holdfast_owner;

-- Archives the next thousand that it made and nobody has worked on since; returns the last of their lines, or null behind the last.
create or replace function app.import_archive(import uuid) returns int
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    i       app.import;
    records uuid[];
    last    int;
begin
    select * into i from app.import t where t.org_id = app.org() and t.id = import;
    select array_agg(w.record_id), max(w.line) into records, last
    from (select * from app.import_row r where r.org_id = i.org_id and r.import_id = i.id and r.line > i.taken_to order by r.line limit 1000) w;
    case i.entity
    when 'customers' then
        -- Whoever is writing something to one of them holds it: what he wrote is looked for when he is through.
        perform from app.customer c where c.org_id = i.org_id and c.id = any(records) order by c.id for no key update;
        update app.customer c set archived_at = app.now()
        where c.org_id = i.org_id and c.id = any(records) and c.version = 1 and c.archived_at is null
          and not exists (select from app.contact k where k.org_id = c.org_id and k.customer_id = c.id)
          and not exists (select from app.deal k where k.org_id = c.org_id and k.customer_id = c.id)
          and not exists (select from app.activity k where k.org_id = c.org_id and k.customer_id = c.id)
          and not exists (select from app.offer k where k.org_id = c.org_id and k.customer_id = c.id);
    when 'contacts' then
        update app.contact c set archived_at = app.now()
        where c.org_id = i.org_id and c.id = any(records) and c.version = 1 and c.archived_at is null;
    else
        update app.activity c set archived_at = app.now()
        where c.org_id = i.org_id and c.id = any(records) and c.version = 1 and c.archived_at is null;
    end case;
    return last;
end
$$;
alter function app.import_archive owner to holdfast_mover;

-- Remembers how far that is; behind the last line nothing is left of it but its errors and where its records came from.
create or replace function app.import_archived(import uuid, line int) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    update app.import i set taken_to = coalesce(line, i.taken_to), settled = line is null where i.org_id = app.org() and i.id = import;
    if line is null then
        delete from app.import_part p where p.org_id = app.org() and p.import_id = import;
        delete from app.import_key k where k.org_id = app.org() and k.import_id = import;
    end if;
end
$$;
alter function app.import_archived owner to holdfast_owner;
