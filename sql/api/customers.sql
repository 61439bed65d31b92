-- customers.sql: the firms and people we sell to.

-- A customer as its caller may see it: contact values masked where he does not get them, null what the funnel keeps back from
-- the people of his segment. Names that begin with an underscore steer the answer (lib/render.h). Everything that shows a
-- customer selects from here.
create view api.customer with (security_invoker = true) as
select c.id, c.name,
    case when 'email' = any(s.kept) then null when s.clear then c.email
        else app.mask_email(c.email) end as email,
    case when 'phone' = any(s.kept) then null when s.clear then c.phone
        else app.mask_phone(c.phone) end as phone,
    case when 'phone' = any(s.kept) then null when s.clear then c.phone_e164
        else app.mask_phone(c.phone_e164) end as phone_e164,
    case when 'website' = any(s.kept) then null else c.website end as website,
    case when 'address' = any(s.kept) then null else c.address end as address,
    case when 'city' = any(s.kept) then null else c.city end as city,
    case when 'region' = any(s.kept) then null else c.region end as region,
    case when 'postal_code' = any(s.kept) then null else c.postal_code end as postal_code,
    case when 'country' = any(s.kept) then null else c.country end as country,
    case when 'source' = any(s.kept) then null else c.source end as source,
    c.stage, c.segment, c.owner_id,
    case when 'value' = any(s.kept) then null else c.value end as value,
    case when 'currency' = any(s.kept) then null else c.currency end as currency,
    case when 'notes' = any(s.kept) then null else c.notes end as notes,
    case when 'tags' = any(s.kept) then null else c.tags end as tags,
    case when 'custom' = any(s.kept) then null else c.custom end as custom,
    c.version, c.created_at, c.updated_at, c.archived_at,
    -- Both what is masked and what is kept back.
    coalesce(s.kept, '{}') || case when s.clear then '{}'::text[] else array_remove(array[
        case when c.email is not null and ('email' = any(s.kept)) is not true then 'email' end,
        case when c.phone is not null and ('phone' = any(s.kept)) is not true then 'phone' end,
        case when c.phone_e164 is not null and ('phone' = any(s.kept)) is not true then 'phone_e164' end], null) end as masked,
    coalesce(s.kept, '{}') as _hidden,
    c.org_id as _org,
    'v' || c.version || case when s.clear then '' else 'm' end
        || coalesce('h' || left(md5(s.kept::text), 6), '') as _etag,
    (select app.classification()) as _classification,
    null::int as _status, null::text as _location,
    null::text as _code, null::text as _detail, null::jsonb as _problem, null::jsonb as _also, null::jsonb as _doc,
    null::text as _next, null::bigint as _count, null::boolean as _tail
from app.customer c
-- Asked once for each row, not once for each column: with the offset the planner leaves it in one piece.
cross join lateral (select
    (select app.shows_contacts()) and (not (select app.masks_others()) or :MINE) as clear,
    case when c.worked_in && (select app.hiding())::text[] then app.kept_back(c.worked_in) end as kept
    offset 0) s;

-- Whether nothing of any customer is masked for the caller or kept back from him in the answer in hand.
create function api.customers_clear() returns boolean
language sql stable as $$ select app.shows_contacts() and not app.masks_others() and app.hiding() is null $$;

-- The same for him, and for nobody else a single row: of a million customers it takes half as long.
create view api.customer_whole with (security_invoker = true) as
select c.id, c.name, c.email, c.phone, c.phone_e164, c.website, c.address, c.city, c.region, c.postal_code, c.country, c.source, c.stage, c.segment,
    c.owner_id, c.value, c.currency, c.notes, c.tags, c.custom, c.version, c.created_at, c.updated_at, c.archived_at, '{}'::text[] as _hidden, c.org_id as _org
from app.customer c where (select api.customers_clear());

-- Whether the caller gets a customer's contact values in the answer in hand, as the view says by its entity-tag.
create function api.customer_clear(id uuid) returns boolean
language sql stable as $$
    select app.shows_contacts() and (not app.masks_others() or coalesce((select strpos(v._etag, 'm') = 0
        from api.customer v where v._org = app.org() and v.id = customer_clear.id), false))
$$;

-- One customer as it is now; 404 where hidden or missing. Raises nothing else.
create function api.customer_shown(id uuid) returns api.customer
language plpgsql stable as $$
declare
    r api.customer;
begin
    select * into r from api.customer v where v._org = app.org() and v.id = customer_shown.id;
    if not found then
        perform app.refuse_missing();
    end if;
    return r;
end
$$;

-- One customer, now or at an earlier moment. 304 when if_none_match holds its entity-tag.
create function api.customer_get(session text, request uuid, id uuid, as_of timestamptz, if_none_match text[])
returns setof api.customer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    r api.customer;
begin
    perform app.enter(session, request, 'customers.read', reads => true);
    perform app.single();
    r := api.customer_shown(id);
    if as_of is not null then
        r := api.customer_at(r, as_of);
    elsif if_none_match is not null and app.tag_matches(if_none_match, r._etag) then
        r._status := 304;
        return next r;
        return;
    end if;
    perform app.disclose('read', array[r.id], masked => r.masked && '{email,phone,phone_e164}', bytes => pg_column_size(r));
    return next r;
end
$$;

-- A customer as it was: what is visible now, with the old value of each field's first change behind that moment.
create function api.customer_at(now_ api.customer, as_of timestamptz) returns api.customer
language plpgsql stable as $$
declare
    c     app.customer;
    past  jsonb;
    seen  int;
    since timestamptz;
    clear boolean := strpos(now_._etag, 'm') = 0;
    r     api.customer := now_;
begin
    select * into c from app.customer t where t.org_id = app.org() and t.id = now_.id;
    if as_of < c.created_at then
        perform app.refuse_missing();
    end if;
    select jsonb_object_agg(f.field, f.old), min(f.version) - 1 into past, seen
    from (select distinct on (h.field) h.field, h.old, h.version from app.history h
        where h.org_id = app.org() and h.record_id = c.id and h.entity = 'customers' and h.field is not null
          and h.at > as_of
        order by h.field, h.id) f;
    c := jsonb_populate_record(c, coalesce(past, '{}'));
    c.phone_e164 := app.phone_e164(c.phone, c.country);
    select s.segment_id into c.segment from app.stage s where s.org_id = app.org() and s.id = c.stage;
    select max(h.at) into since from app.history h
    where h.org_id = app.org() and h.record_id = c.id and h.at <= as_of;

    r := jsonb_populate_record(r, to_jsonb(c) - r._hidden);
    r.version := coalesce(seen, c.version);
    r.updated_at := coalesce(since, c.created_at);
    r.phone_e164 := case when r.phone is not null then c.phone_e164 end;
    if not clear then
        r.email := app.mask_email(r.email);
        r.phone := app.mask_phone(r.phone);
        r.phone_e164 := app.mask_phone(r.phone_e164);
    end if;
    r.masked := r._hidden || case when clear then '{}'::text[] else array_remove(array[case when r.email is not null then 'email' end,
        case when r.phone is not null then 'phone' end, case when r.phone_e164 is not null then 'phone_e164' end], null) end;
    r._etag := null;
    return r;
end
$$;
