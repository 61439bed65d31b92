-- children.sql: what follows by itself from contacts, deals and activities, and what happens to them with their customer.

-- The kinds of records that belong to a customer, as app.entity has them.
create or replace function app.child_kinds() returns text[]
language sql immutable as $$ select '{contacts,deals,activities,offers}'::text[] $$;

-- A contact's keys, as its customer has them: where the number says no country it is the customer's.
create or replace function app.tg_contact_derive() returns trigger
language plpgsql as $$
declare
    good boolean := app.contact_values_check(new.email, old.email, new.phone, old.phone);   -- old is null in an insert
    land text := (select c.country from app.customer c where c.org_id = new.org_id and c.id = new.customer_id);
begin
    new.phone_key := app.phone_key(new.phone, land);
    new.phone_e164 := case when left(new.phone_key, 1) = '+' then new.phone_key end;
    new.email_key := app.email_key(new.email);
    return new;
end
$$;

-- A customer has one primary contact: the one who was made it last. Who comes back from the archive is it no more where somebody
-- else is by now. The lock makes two who are made it at once wait for each other.
create or replace function app.tg_contact_primary() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    was int := app.org_within(new.org_id);
begin
    if new.is_primary and new.archived_at is null then
        perform from app.customer c where c.org_id = new.org_id and c.id = new.customer_id for no key update;
        if tg_op = 'UPDATE' and old.archived_at is not null and old.is_primary then
            update app.contact k set is_primary = false where k.org_id = new.org_id and k.id = new.id and exists (select from app.contact o
                where o.org_id = new.org_id and o.customer_id = new.customer_id and o.id <> new.id and o.is_primary and o.archived_at is null);
        end if;
        -- Of two that were made it by one statement the first stays it.
        update app.contact k set is_primary = false
        from app.contact still
        where still.org_id = new.org_id and still.id = new.id and still.is_primary and k.org_id = new.org_id and k.customer_id = new.customer_id and k.id <> new.id and k.is_primary and k.archived_at is null;
    end if;
    perform app.org_within(was);
    return null;
end
$$;
alter function app.tg_contact_primary owner to holdfast_mover;

create or replace function app.tg_deal_derive() returns trigger
language plpgsql as $$
begin
    if new.status = 'open' then
        new.closed_at := null;
        -- Why it was closed is history then.
        if tg_op = 'UPDATE' and old.status <> 'open' and current_setting('app.via', true) is distinct from 'restore' then
            new.reason := null;
        end if;
    elsif tg_op = 'INSERT' or new.status is distinct from old.status then
        new.closed_at := app.now();
    end if;
    return new;
end
$$;

-- What is written down long after it happened, or moved there later, is marked for good.
create or replace function app.tg_activity_derive() returns trigger
language plpgsql as $$
declare
    days int := (select o.backdate_days from app.settings o where o.org_id = new.org_id);
begin
    new.backdated := new.at < case tg_op when 'INSERT' then least(new.created_at, app.now()) else app.now() end - make_interval(days => days)
        or (tg_op = 'UPDATE' and old.backdated);
    new.introduction := coalesce(new.introduction, false);
    return new;
end
$$;

-- A contact and a deal that something refers to are of the same customer. Hidden ones are missing.
create or replace function app.tg_child_refer() returns trigger
language plpgsql as $$
begin
    if new.contact_id is not null and (tg_op = 'INSERT' or new.contact_id is distinct from old.contact_id) and not exists (select from app.contact k
            where k.org_id = new.org_id and k.id = new.contact_id and k.customer_id = new.customer_id) then
        perform app.refuse_member(422, 'invalid_value', '/contact_id', 'unknown', 'This customer has no such contact.');
    end if;
    if new.deal_id is not null and (tg_op = 'INSERT' or new.deal_id is distinct from old.deal_id) and not exists (select from app.deal d
            where d.org_id = new.org_id and d.id = new.deal_id and d.customer_id = new.customer_id) then
        perform app.refuse_member(422, 'invalid_value', '/deal_id', 'unknown', 'This customer has no such deal.');
    end if;
    return new;
end
$$;

-- Archiving a customer archives all that belongs to it; what was archived in the same moment comes back with it.
create or replace function app.tg_customer_children() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    was int := app.org_within(new.org_id);
    t   text;
begin
    foreach t in array array['contact', 'deal', 'activity', 'offer'] loop
        execute format('update app.%I k set archived_at = $1 where k.org_id = $2 and k.customer_id = $3 and k.archived_at is not distinct from $4', t)
        using new.archived_at, new.org_id, new.id, old.archived_at;
    end loop;
    perform app.org_within(was);
    return null;
end
$$;
alter function app.tg_customer_children owner to holdfast_mover;

-- A number without a country's code means another one when its customer moves.
create or replace function app.tg_customer_country() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    was int := app.org_within(new.org_id);
begin
    update app.contact k set phone_e164 = app.phone_e164(k.phone, new.country), phone_key = app.phone_key(k.phone, new.country)
    where k.org_id = new.org_id and k.customer_id = new.id and k.phone_e164 is distinct from app.phone_e164(k.phone, new.country);
    perform app.org_within(was);
    return null;
end
$$;
alter function app.tg_customer_country owner to holdfast_mover;

create or replace trigger _100_derive before insert or update of email, phone, phone_e164, email_key, phone_key, customer_id on app.contact
    for each row execute function app.tg_contact_derive();
create or replace trigger _800_primary after insert or update of is_primary, archived_at, customer_id on app.contact
    for each row when (new.is_primary) execute function app.tg_contact_primary();
create or replace trigger _100_derive before insert or update of status, closed_at on app.deal
    for each row execute function app.tg_deal_derive();
create or replace trigger _100_derive before insert on app.activity
    for each row when (num_nulls(new.backdated, new.introduction) > 0 or new.backdated or new.at < new.created_at) execute function app.tg_activity_derive();
create or replace trigger _110_derive before update of at on app.activity
    for each row when (new.at is distinct from old.at and current_setting('app.via', true) is distinct from 'restore')
    execute function app.tg_activity_derive();
create or replace trigger _800_children after update of archived_at on app.customer
    for each row when (old.archived_at is distinct from new.archived_at) execute function app.tg_customer_children();
create or replace trigger _810_country after update of country on app.customer
    for each row when (old.country is distinct from new.country) execute function app.tg_customer_country();

do $do$
declare
    e record;
begin
    for e in select * from (values ('contact', 'contacts'), ('deal', 'deals'), ('activity', 'activities'), ('offer', 'offers')) t(singular, name) loop
        if e.singular in ('activity', 'offer') then
            execute format('create or replace trigger _120_refer before insert on app.%I '
                'for each row when (new.contact_id is not null or new.deal_id is not null) execute function app.tg_child_refer()', e.singular);
            execute format('create or replace trigger _130_refer before update of contact_id, deal_id on app.%I '
                'for each row when ((new.contact_id, new.deal_id) is distinct from (old.contact_id, old.deal_id) '
                'and current_setting(''app.via'', true) is distinct from ''restore'') execute function app.tg_child_refer()', e.singular);
        end if;
        execute format('create or replace trigger _200_touch before update on app.%I '
            'for each row when (old.* is distinct from new.*) execute function app.tg_touch()', e.singular);
        perform app.track(('app.' || e.singular)::regclass, e.name, 'customer_id');
    end loop;
end
$do$;
