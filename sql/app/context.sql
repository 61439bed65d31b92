-- context.sql: who asks. app.enter writes these settings at the start of each api function, so
-- whatever SET or set_config put there before is overwritten before anything reads it.

create or replace function app.org() returns int
language sql stable parallel safe as $$ select nullif(current_setting('app.org', true), '')::int $$;

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

-- Whether contact values are shown to the caller as they are. The auditor never gets them.
create or replace function app.sees_contacts() returns boolean
language sql stable parallel safe as $$ select app.role() <> 'auditor' $$;

-- Writes the whole context of the transaction. In plpgsql, which keeps its plan: 7 us against 22.
create or replace function app.context(org int, me uuid, role text, session uuid, request uuid, action text, via text,
    classification text) returns void
language plpgsql volatile as $$
begin
    perform set_config('app.org', org::text, true), set_config('app.me', me::text, true),
        set_config('app.role', role, true), set_config('app.session', session::text, true),
        set_config('app.request', request::text, true), set_config('app.action', action, true),
        set_config('app.via', via, true), set_config('app.classification', classification, true),
        set_config('app.operation', '', true), set_config('app.reason', '', true), set_config('app.undoes', '', true);
end
$$;

-- Masks: the head of the number and its last two digits; the first letters of the two sides of @.
create or replace function app.mask_phone(phone text) returns text
language sql immutable parallel safe as $$
    select case when phone is null then null
        else coalesce(substring(phone from '^\+[0-9]'), '') || case when phone ~ '^\+[0-9]' then ' ' else '' end
            || '*** ***-**' || case when char_length(d.digits) >= 6 then right(d.digits, 2) else '**' end end
    from regexp_replace(phone, '[^0-9]', '', 'g') d(digits)
$$;

create or replace function app.mask_email(email text) returns text
language sql immutable parallel safe as $$
    select left(email, 1) || '***@' || left(split_part(email, '@', 2), 1) || '***'
$$;
