-- break_glass.sql: helping a caller whose customer is somebody else's.

-- The one customer with exactly this phone, as it is written anywhere or in the customer's country, or e-mail (one of them is
-- null), or with such a contact, seen by the caller or not. Null where there is none or more than one, which tells nothing.
create or replace function app.break_glass_find(phone text, email text) returns uuid
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    keys   text[] := app.phone_keys(phone);
    found_ uuid[];
begin
    found_ := array(
        select c.id from app.customer c
        where c.org_id = app.org() and c.archived_at is null
          and (break_glass_find.phone is null or c.phone_key = any(keys) and app.phone_means(c.phone_key, c.country, break_glass_find.phone))
          and (break_glass_find.email is null or c.email_key = app.email_key(break_glass_find.email))
          and coalesce(break_glass_find.phone, break_glass_find.email) is not null
        union
        select c.id from app.contact k join app.customer c on c.org_id = k.org_id and c.id = k.customer_id
        where k.org_id = app.org() and k.archived_at is null and c.archived_at is null
          and (break_glass_find.phone is null or k.phone_key = any(keys) and app.phone_means(k.phone_key, c.country, break_glass_find.phone))
          and (break_glass_find.email is null or k.email_key = app.email_key(break_glass_find.email))
          and coalesce(break_glass_find.phone, break_glass_find.email) is not null
        limit 2);
    return case when cardinality(found_) = 1 then found_[1] end;
end
$$;
alter function app.break_glass_find owner to holdfast_mover;

-- Who has to be told of it: the owner, in his place his manager when he is gone or asks himself, else the admins.
create or replace function app.answerable(customer uuid) returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return query
        select s.id from app.customer c join app.staff_tree t on t.org_id = c.org_id and t.below_id = c.owner_id
        join app.staff s on s.org_id = t.org_id and s.id = t.above_id and s.status = 'active' and s.id <> app.me()
        where c.org_id = app.org() and c.id = customer order by t.distance limit 1;
    if not found then
        return query select s.id from app.staff s where s.org_id = app.org() and s.role = 'admin' and s.status = 'active';
    end if;
end
$$;
alter function app.answerable owner to holdfast_mover;

-- Tells somebody.
create or replace function app.tell(staff_id uuid, kind text, customer_id uuid, reason text) returns void
language sql volatile as $$
    insert into app.notice (org_id, id, staff_id, kind, customer_id, actor_id, reason, at)
    values (app.org(), app.uuid7(), staff_id, kind, customer_id, app.me(), reason, app.now())
$$;
