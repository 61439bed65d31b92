-- children.sql: contacts, deals, activities and offers as their callers see them.
--
-- Everything that shows one selects from its view here; the columns that begin with an underscore steer the answer (lib/render.h).

create view api.contact with (security_invoker = true) as
select k.id, k.customer_id, k.name, k.title,
    case when 'email' = any(s.kept) then null when s.clear then k.email else app.mask_email(k.email) end as email,
    case when 'phone' = any(s.kept) then null when s.clear then k.phone else app.mask_phone(k.phone) end as phone,
    case when 'phone' = any(s.kept) then null when s.clear then k.phone_e164 else app.mask_phone(k.phone_e164) end as phone_e164,
    k.is_primary, k.notes, k.version, k.created_at, k.updated_at, k.archived_at,
    array(select f from unnest(s.kept) f where f in ('email', 'phone')) || case when s.clear then '{}'::text[] else array_remove(array[
        case when k.email is not null and ('email' = any(s.kept)) is not true then 'email' end,
        case when k.phone is not null and ('phone' = any(s.kept)) is not true then 'phone' end,
        case when k.phone_e164 is not null and ('phone' = any(s.kept)) is not true then 'phone_e164' end], null) end as masked,
    array(select f from unnest(s.kept) f where f in ('email', 'phone')) as _hidden,
    k.org_id as _org,
    'v' || k.version || case when s.clear then '' else 'm' end || coalesce('h' || left(md5(s.kept::text), 6), '') as _etag,
    (select app.classification()) as _classification,
    null::int as _status, null::text as _location, null::text as _code, null::text as _detail, null::jsonb as _problem,
    null::jsonb as _also, null::jsonb as _doc, null::text as _next, null::bigint as _count, null::boolean as _tail
from app.contact k
-- Masked as its customer is. The offset leaves it in one piece, asked once for each row.
cross join lateral (select
    (select app.shows_contacts()) and (not (select app.masks_others()) or exists (
        select from app.customer c where c.org_id = k.org_id and c.id = k.customer_id and :MINE)) as clear,
    case when (select app.hiding()) is not null then (select app.kept_back(c.worked_in) from app.customer c
        where c.org_id = k.org_id and c.id = k.customer_id and c.worked_in && (select app.hiding())::text[]) end as kept
    offset 0) s;

create view api.deal with (security_invoker = true) as
select k.id, k.customer_id, k.title, k.stage, k.amount, k.currency, k.expected_close, k.status, k.reason, k.closed_at, k.notes,
    k.version, k.created_at, k.updated_at, k.archived_at, '{}'::text[] as masked,
    '{}'::text[] as _hidden, k.org_id as _org, 'v' || k.version as _etag, (select app.classification()) as _classification,
    null::int as _status, null::text as _location, null::text as _code, null::text as _detail, null::jsonb as _problem,
    null::jsonb as _also, null::text as _next, null::bigint as _count, null::boolean as _tail
from app.deal k;

create view api.activity with (security_invoker = true) as
select k.id, k.customer_id, k.contact_id, k.deal_id, k.kind, k.direction, k.subject, k.body, k.outcome, k.at, k.next_step, k.due_at,
    k.done_at, k.author_id, s.name as author_name, k.backdated,
    k.version, k.created_at, k.updated_at, k.archived_at, '{}'::text[] as masked,
    '{}'::text[] as _hidden, k.org_id as _org, 'v' || k.version as _etag, (select app.classification()) as _classification,
    null::int as _status, null::text as _location, null::text as _code, null::text as _detail, null::jsonb as _problem,
    null::jsonb as _also, null::text as _next, null::bigint as _count, null::boolean as _tail
from app.activity k
left join app.staff s on s.org_id = k.org_id and s.id = k.author_id;

-- valid_from to valid_to is when an offer could be accepted.
create view api.offer with (security_invoker = true) as
select k.id, k.customer_id, k.contact_id, k.deal_id, k.number, k.revision, k.title, k.currency, k.lines, k.net, k.tax, k.gross,
    app.offer_status(k.status, k.valid_until, (select app.today())) as status,
    k.valid_until, k.promised_by, s.name as promised_by_name, k.sent_at, k.decided_at, k.superseded_at, k.reason, k.notes, k.sent_at as valid_from,
    app.offer_valid_to(k.status, k.valid_until, k.decided_at, k.superseded_at) as valid_to,
    k.version, k.created_at, k.updated_at, k.archived_at, '{}'::text[] as masked,
    '{}'::text[] as _hidden, k.org_id as _org,
    'v' || k.version || case when app.offer_status(k.status, k.valid_until, (select app.today())) = 'expired' then 'x' else '' end as _etag,
    (select app.classification()) as _classification,
    null::int as _status, null::text as _location, null::text as _code, null::text as _detail, null::jsonb as _problem,
    null::jsonb as _also, null::text as _next, null::bigint as _count, null::boolean as _tail
from app.offer k
left join app.staff s on s.org_id = k.org_id and s.id = k.promised_by;

-- api.<singular>_json(row): what a row of a view looks like as a member of another document, as the renderer would write it.
do $do$
declare
    t text;
begin
    foreach t in array array['customer', 'contact', 'deal', 'activity', 'offer'] loop
        execute format('create function api.%1$s_json(r api.%1$s) returns jsonb language sql stable as $f$ select jsonb_build_object(%2$s) $f$', t,
            (select string_agg(format('%L, %s', a.attname, case format_type(a.atttypid, null) when 'timestamp with time zone'
                    then format('app.time_json(r.%I)', a.attname) else format('r.%I', a.attname) end), ', ' order by a.attnum)
                from pg_attribute a where a.attrelid = format('api.%I', t)::regclass and a.attnum > 0 and a.attname not like '\_%'));
    end loop;
end
$do$;

-- The classes of fields that an answer of a kind carries, as the ledger has them.
create function api.child_classes(entity text) returns text
language sql immutable as $$
    select case entity when 'contacts' then 'base contact notes' when 'activities' then 'base notes' else 'base money notes' end
$$;

-- Whether contact values in a row are masked, as far as the ledger is concerned.
create function api.child_masked(entity text, masked text[]) returns boolean
language sql immutable as $$ select entity <> 'contacts' or masked && '{email,phone,phone_e164}' $$;
