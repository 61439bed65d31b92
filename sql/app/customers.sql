-- customers.sql: what follows from a customer's columns by itself.

-- The segment of a stage; null where there is none. The last one is remembered to the end of the transaction: of 1,000 new customers each
-- but the first costs 1 us against 6. Should it be another one by then, stage_fkey refuses it.
create or replace function app.segment_of(org int, stage text) returns text
language plpgsql volatile as $$
declare
    known  text[] := nullif(current_setting('app.stage_known', true), '');
    found_ text;
begin
    if known[1] = org::text and known[2] = stage then
        return known[3];
    end if;
    select s.segment_id into found_ from app.stage s where s.org_id = org and s.id = segment_of.stage;
    perform set_config('app.stage_known', array[org::text, stage, found_]::text, true);
    return found_;
end
$$;

create or replace function app.tg_customer_derive() returns trigger
language plpgsql as $$
declare
    good boolean := app.contact_values_check(new.email, old.email, new.phone, old.phone);   -- old is null in an insert
begin
    new.phone_key := app.phone_key(new.phone, new.country);
    new.phone_e164 := case when left(new.phone_key, 1) = '+' then new.phone_key end;
    new.email_key := app.email_key(new.email);
    new.segment := app.segment_of(new.org_id, new.stage);
    if new.segment is null and new.stage is not null then
        perform app.refuse_member(422, 'invalid_value', '/stage', 'unknown', 'There is no such stage.');
    end if;
    if tg_op = 'INSERT' then
        new.worked_in := array[new.segment];
        new.brought := '{}';
    elsif new.segment <> all(new.worked_in) then
        new.worked_in := new.worked_in || new.segment;
    elsif new.segment <> old.segment and old.segment <> all(new.brought) and current_setting('app.via', true) = 'restore' then
        -- A visit that is taken back leaves no trace, unless there was another one.
        if 1 >= (select count(*) from app.history h join app.stage s on s.org_id = h.org_id and s.id in (h.new #>> '{}', h.new->>'stage')
            where h.org_id = new.org_id and h.record_id = new.id and (h.field = 'stage' or h.field is null) and s.segment_id = old.segment) then
            new.worked_in := array_remove(new.worked_in, old.segment);
        end if;
    end if;
    return new;
end
$$;

-- Nothing is given to somebody who has left, or is leaving at this moment; nor to an auditor, who could not work with it.
create or replace function app.tg_customer_owner() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    fit text := coalesce(current_setting('app.owners_fit', true), '');
begin
    -- Once he is locked he stays what he is to the end of the transaction: of 100,000 customers each but the first costs 1 us against 12.
    if strpos(fit, new.org_id || '.' || new.owner_id) > 0 then
        return new;
    end if;
    perform from app.staff s where s.org_id = new.org_id and s.id = new.owner_id and s.status <> 'inactive' and s.role <> 'auditor' for share;
    if not found then
        perform app.refuse_member(422, 'invalid_value', '/owner_id', 'inactive', 'The owner must be an active member of staff.');
    end if;
    perform set_config('app.owners_fit', concat(right(fit, 4000), ' ', new.org_id, '.', new.owner_id), true);
    return new;
end
$$;
alter function app.tg_customer_owner owner to holdfast_owner;

create or replace trigger _100_derive before insert or update of email, phone, country, stage, segment, phone_e164 on app.customer
    for each row execute function app.tg_customer_derive();
create or replace trigger _110_owner before insert on app.customer
    for each row when (new.owner_id is not null) execute function app.tg_customer_owner();
create or replace trigger _120_owner before update of owner_id on app.customer
    for each row when (new.owner_id is distinct from old.owner_id and new.owner_id is not null)
    execute function app.tg_customer_owner();
-- From when it is its owner's: what came to him is not his own for a day (app.expose_more).
create or replace function app.tg_customer_owner_since() returns trigger
language plpgsql as $$
begin
    new.owner_since := app.now();
    return new;
end
$$;
create or replace trigger _130_owner_since before update of owner_id on app.customer
    for each row when (new.owner_id is distinct from old.owner_id) execute function app.tg_customer_owner_since();
create or replace trigger _200_touch before update on app.customer
    for each row when (old.* is distinct from new.*) execute function app.tg_touch();

do $$ begin perform app.track('app.customer', 'customers', 'id'); end $$;
