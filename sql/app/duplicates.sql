-- duplicates.sql: who is there twice, and what follows from making one of two.

-- A firm's name without what different people write differently: folded, single letters drawn together (S.A., A.C.M.E.), without
-- the legal form at its end. Null where nothing is left. Without a regular expression for the usual ones: 100,000 in 1.2 s, not 6.
create or replace function app.firm_key(name text) returns text
language plpgsql immutable parallel safe as $$
declare
    key  text := app.fold(name);
    last text;
begin
    if key ~ '(^| )[a-z] [a-z]( |$)' then
        key := regexp_replace(key, '(?<![^ ])([a-z]) (?=[a-z]( |$))', '\1', 'g');
    end if;
    while key is not null loop
        last := split_part(key, ' ', -1);
        exit when last = key or strpos(' ab ag aps as bv bvba co company corp corporation doo eg ek eood eurl ev gbr gmbh inc incorporated kft kg kgaa '
            'kk lda limited llc llp lp ltd mbh nv ohg ood oy oyj plc pte pty pvt rl rt sa sarl sas se sl spa spol srl sro ug zrt ',
            ' ' || last || ' ') = 0 and right(key, 7) <> ' sp zoo';
        key := left(key, case last when 'zoo' then -7 else -1 - char_length(last) end);
    end loop;
    return nullif(key, '');
end
$$;

create or replace function app.tg_customer_dup() returns trigger
language plpgsql as $$
begin
    new.dup_key := app.firm_key(new.name);
    return new;
end
$$;

-- Whether two places may be the same: the countries, and of city and postal code one, agree where both are known.
create or replace function app.same_place(country text, city text, code text, country2 text, city2 text, code2 text) returns boolean
language sql immutable parallel safe as $$
    select (country = country2) is not false and (app.fold(city) = app.fold(city2) or app.fold(code) = app.fold(code2)
        or num_nulls(city, city2) > 0 and num_nulls(code, code2) > 0) is true
$$;

-- The customers, seen by the caller or not, with this address, number or name, and those with such a contact; live ones, but not
-- those of own; twenty for each way at most.
create or replace function app.duplicate_find(own uuid[], mail text, number text, firm text, land text, town text, code text) returns uuid[]
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
    return array(
        (select c.id from app.customer c where c.org_id = app.org() and c.email_key = mail and c.archived_at is null and c.id <> all(own) limit 20)
        union
        (select c.id from app.customer c where c.org_id = app.org() and c.phone_key = number and c.archived_at is null and c.id <> all(own) limit 20)
        union
        (select c.id from app.customer c where c.org_id = app.org() and c.dup_key = firm and c.archived_at is null and c.id <> all(own)
            and app.same_place(land, town, code, c.country, c.city, c.postal_code) limit 20)
        union
        (select k.customer_id from app.contact k where k.org_id = app.org() and k.email_key = mail and k.archived_at is null and k.customer_id <> all(own) limit 20)
        union
        (select k.customer_id from app.contact k where k.org_id = app.org() and k.phone_key = number and k.archived_at is null and k.customer_id <> all(own) limit 20));
end
$$;
alter function app.duplicate_find owner to holdfast_mover;

-- Who is told that a customer is there twice of which the caller sees but the other one: the nearest manager above him who is also
-- above its owner, else the admins.
create or replace function app.duplicate_told(other uuid) returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return query
        select s.id from app.customer c
        join app.staff_tree o on o.org_id = c.org_id and o.below_id = c.owner_id
        join app.staff_tree t on t.org_id = c.org_id and t.above_id = o.above_id and t.below_id = app.me()
        join app.staff s on s.org_id = t.org_id and s.id = t.above_id and s.role = 'manager' and s.status = 'active' and s.id <> app.me()
        where c.org_id = app.org() and c.id = other order by t.distance limit 1;
    if not found then
        return query select s.id from app.staff s where s.org_id = app.org() and s.role = 'admin' and s.status = 'active';
    end if;
end
$$;
alter function app.duplicate_told owner to holdfast_mover;

-- What was merged into another one is archived: when it comes back, alone or with all that was merged, it is itself again.
create or replace function app.tg_customer_unmerge() returns trigger
language plpgsql as $$
begin
    new.merged_into := null;
    return new;
end
$$;

-- Whoever takes another one in keeps back what that one did, and for good: a split leaves the values of both in the history of each.
create or replace function app.bring_along(from_ uuid, to_ uuid) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    update app.customer c set
        worked_in = c.worked_in || array(select g from unnest(f.worked_in) g where g <> all(c.worked_in)),
        brought = c.brought || array(select g from unnest(f.worked_in) g where g <> all(c.brought))
    from app.customer f
    where f.org_id = app.org() and f.id = from_ and c.org_id = app.org() and c.id = to_ and not f.worked_in <@ c.brought;
end
$$;
alter function app.bring_along owner to holdfast_mover;

create or replace function app.tg_customer_merged() returns trigger
language plpgsql as $$
declare
    was int := app.org_within(new.org_id);
begin
    perform app.bring_along(new.id, new.merged_into);
    perform app.org_within(was);
    return null;
end
$$;

-- Whether a record was worked on while it belonged to a customer, but for being moved there. It is asked for each of thousands: in
-- plpgsql, which keeps its plan.
create or replace function app.worked_on(record uuid, customer uuid) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return exists (select from app.history h where h.org_id = app.org() and h.record_id = record and h.customer_id = customer
        and coalesce(h.field, '') not in ('customer_id', 'is_primary', 'archived_at'));
end
$$;
alter function app.worked_on owner to holdfast_owner;

-- Whether a restore may bring something to a customer: the caller works with it, and it is there, or was merged into the one that has
-- it now. True for nobody, where nothing is brought. It is locked.
create or replace function app.may_settle(customer uuid, from_ uuid) returns boolean
language plpgsql volatile as $$
declare
    scope text := nullif(current_setting('app.regain', true), '');
    good  boolean;
begin
    perform app.regain(null);
    perform from app.customer c
    where c.org_id = app.org() and c.id = may_settle.customer and (c.archived_at is null or c.merged_into = from_) for no key update;
    good := found or customer is null;
    perform app.regain(scope::jsonb);
    return good;
end
$$;

-- What comes to a customer that is archived is archived with it, and comes back with it.
create or replace function app.tg_child_settle() returns trigger
language plpgsql as $$
begin
    new.archived_at := coalesce(new.archived_at, (select c.archived_at from app.customer c where c.org_id = new.org_id and c.id = new.customer_id));
    return new;
end
$$;

-- It brings along what keeps back what was written there; and its history, which follows the customer of then, is found again.
create or replace function app.tg_child_moved() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    was int := app.org_within(new.org_id);
begin
    insert into app.moved as m (org_id, record_id, customer_id) values (new.org_id, new.id, new.customer_id)
    on conflict (org_id, record_id) do update set customer_id = excluded.customer_id;
    if app.worked_on(new.id, old.customer_id) then
        perform app.bring_along(old.customer_id, new.customer_id);
    end if;
    perform app.org_within(was);
    return null;
end
$$;
alter function app.tg_child_moved owner to holdfast_mover;

create or replace trigger _105_dup before insert or update of name, dup_key on app.customer
    for each row execute function app.tg_customer_dup();
create or replace trigger _130_unmerge before insert or update of archived_at, merged_into on app.customer
    for each row when (new.archived_at is null and new.merged_into is not null) execute function app.tg_customer_unmerge();
create or replace trigger _820_merged after update of merged_into on app.customer
    for each row when (new.merged_into is distinct from old.merged_into and new.merged_into is not null) execute function app.tg_customer_merged();

do $do$
declare
    t text;
begin
    foreach t in array array['contact', 'deal', 'activity', 'offer'] loop
        execute format('create or replace trigger _140_settle before update of customer_id on app.%I '
            'for each row when (new.customer_id <> old.customer_id and new.archived_at is null) execute function app.tg_child_settle()', t);
        execute format('create or replace trigger _820_moved after update of customer_id on app.%I '
            'for each row when (new.customer_id <> old.customer_id) execute function app.tg_child_moved()', t);
    end loop;
end
$do$;
