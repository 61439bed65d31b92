-- context.sql: who asks. app.enter writes these settings at the start of each api function, so
-- whatever SET or set_config put there before is overwritten before anything reads it.

create or replace function app.org() returns int
language sql stable parallel safe as $$ select nullif(current_setting('app.org', true), '')::int $$;

-- The mover sees one org. What follows by itself from a change happens in the record's, though an operator entered none: a trigger
-- enters that with the org, and leaves with the one that this returned.
create or replace function app.org_within(org int) returns int
language plpgsql volatile as $$
declare
    was int := app.org();
begin
    if org is distinct from was then
        perform set_config('app.org', org::text, true);
    end if;
    return was;
end
$$;

create or replace function app.me() returns uuid
language sql stable parallel safe as $$ select nullif(current_setting('app.me', true), '')::uuid $$;

create or replace function app.role() returns text
language sql stable parallel safe as $$ select nullif(current_setting('app.role', true), '') $$;

create or replace function app.session_id() returns uuid
language sql stable parallel safe as $$ select nullif(current_setting('app.session', true), '')::uuid $$;

create or replace function app.request_id() returns uuid
language sql stable parallel safe as $$ select nullif(current_setting('app.request', true), '')::uuid $$;

-- The org's stamp for answers with customer data.
create or replace function app.classification() returns text
language sql stable parallel safe as $$ select nullif(current_setting('app.classification', true), '') $$;

-- The segments the caller works in.
create or replace function app.segments() returns text[]
language sql stable parallel safe as $$ select nullif(current_setting('app.segments', true), '')::text[] $$;

-- Whose people's customers the caller sees: a manager's own; under "team" a rep's those of his manager; else null.
create or replace function app.above() returns uuid
language sql stable parallel safe as $$ select nullif(current_setting('app.above', true), '')::uuid $$;

-- The org's settings (app.settings), and which version of them.
create or replace function app.settings_version() returns int
language sql stable parallel safe as $$ select nullif(current_setting('app.settings_version', true), '')::int $$;

create or replace function app.visibility() returns text
language sql stable parallel safe as $$ select nullif(current_setting('app.visibility', true), '') $$;

create or replace function app.contact_masking() returns text
language sql stable parallel safe as $$ select nullif(current_setting('app.contact_masking', true), '') $$;

-- The segments that keep something back from the caller; null where none does, which is the usual case.
create or replace function app.hiding() returns text[]
language sql stable parallel safe as $$ select nullif(current_setting('app.hiding', true), '')::text[] $$;

-- The segments that keep a kind of record back from him; null where none does.
create or replace function app.hiding_kind(kind text) returns text[]
language plpgsql stable parallel safe as $$
begin
    return nullif(array(select h.key from jsonb_each(nullif(current_setting('app.hides', true), '')::jsonb) h
        where h.key = any(app.hiding()) and h.value ? kind), '{}');
end
$$;

-- The same in the form that policies ask: without arguments.
create or replace function app.hiding_contacts() returns text[]
language sql stable parallel safe as $$ select app.hiding_kind('contacts') $$;
create or replace function app.hiding_deals() returns text[]
language sql stable parallel safe as $$ select app.hiding_kind('deals') $$;
create or replace function app.hiding_activities() returns text[]
language sql stable parallel safe as $$ select app.hiding_kind('activities') $$;
create or replace function app.hiding_offers() returns text[]
language sql stable parallel safe as $$ select app.hiding_kind('offers') $$;

-- What they keep back from him of a record that was worked in these segments: names of fields and of kinds of children.
create or replace function app.kept_back(worked_in text[]) returns text[]
language plpgsql stable parallel safe as $$
begin
    return array(select distinct f.name from jsonb_each(nullif(current_setting('app.hides', true), '')::jsonb) h,
        jsonb_array_elements_text(h.value) f(name) where h.key = any(worked_in) and h.key = any(app.hiding()) order by 1);
end
$$;

-- Whether a field of a record is among what is kept back: of a customer by its name, of what belongs to it the contact values or,
-- where its whole kind is, all.
create or replace function app.kept_from(entity text, field text, kept text[]) returns boolean
language sql immutable parallel safe as $$ select entity = any(kept) or field = any(kept) and (entity = 'customers' or field in ('email', 'phone')) $$;

-- Whether the answer in hand is about one record that the caller asked for; app.single says so. Each request begins without.
create or replace function app.single_asked() returns boolean
language sql stable parallel safe as $$ select current_setting('app.single', true) = '1' $$;

create or replace function app.single(asked boolean default true) returns void
language plpgsql volatile as $$ begin perform set_config('app.single', case when asked then '1' else '' end, true); end $$;

-- Whether contact values are shown to the caller as they are, in an answer about one record and in any other one. The auditor
-- never gets them. Under "lists" they are masked wherever nobody asked for the one record, under "always" everywhere.
create or replace function app.shows_contacts(single boolean) returns boolean
language sql stable parallel safe as $$
    select app.role() <> 'auditor' and (app.contact_masking() = 'off' or app.contact_masking() = 'lists' and single)
$$;

create or replace function app.shows_contacts() returns boolean
language sql stable parallel safe as $$ select app.shows_contacts(app.single_asked()) $$;

-- From here on the answer in hand shows no contact value, whatever the org says.
create or replace function app.mask_contacts() returns void
language sql volatile as $$ select set_config('app.contact_masking', 'always', true) $$;

-- Whether what the caller only reads, being somebody else's, is masked for him all the same.
create or replace function app.masks_others() returns boolean
language sql stable parallel safe as $$ select app.visibility() <> 'open' and app.role() in ('rep', 'manager') $$;

-- Writes the whole context of the transaction; hides is that of app.settings. In plpgsql, which keeps its plan: 7 us against 22.
create or replace function app.context(org int, me uuid, role text, session uuid, request uuid, action text, via text,
    segments text[], manager uuid, visibility text, contact_masking text, hides jsonb, classification text, settings int default null) returns void
language plpgsql volatile as $$
begin
    perform set_config('app.org', org::text, true), set_config('app.me', me::text, true),
        set_config('app.role', role, true), set_config('app.session', session::text, true),
        set_config('app.request', request::text, true), set_config('app.action', action, true),
        set_config('app.via', via, true), set_config('app.classification', classification, true),
        set_config('app.segments', segments::text, true), set_config('app.above', case when role = 'manager' then me when role = 'rep' and visibility = 'team' then manager end::text, true),
        set_config('app.visibility', visibility, true), set_config('app.contact_masking', contact_masking, true),
        set_config('app.hides', hides::text, true), set_config('app.hiding', '', true), set_config('app.settings_version', settings::text, true),
        set_config('app.single', '', true), set_config('app.team', '', true), set_config('app.regain', '', true), set_config('app.owners_fit', '', true), set_config('app.stage_known', '', true), set_config('app.remaining', '', true), set_config('app.moment', '', true),
        set_config('app.operation', '', true), set_config('app.reason', '', true), set_config('app.undoes', '', true);
    if hides is not null and role = 'rep' then
        perform set_config('app.hiding', array(select h.key from jsonb_object_keys(hides) h(key) where h.key <> all(segments))::text, true);
    end if;
end
$$;

-- Masks: the head of the number and its last two digits; the first letters of the two sides of @. Plain expressions, which are
-- inlined, without regular expressions: a page has a hundred of them.
create or replace function app.mask_phone(phone text) returns text
language sql immutable parallel safe as $$
    select case when left(phone, 1) = '+' and strpos('0123456789', nullif(substr(phone, 2, 1), '')) > 0 then left(phone, 2) || ' ' else '' end
        || '*** ***-**' || case when char_length(translate(phone, translate(phone, '0123456789', ''), '')) >= 6
            then right(translate(phone, translate(phone, '0123456789', ''), ''), 2) else '**' end
        || case when phone is null then null else '' end
$$;

create or replace function app.mask_email(email text) returns text
language sql immutable parallel safe as $$
    select left(email, 1) || '***@' || left(split_part(email, '@', 2), 1) || '***'
$$;
