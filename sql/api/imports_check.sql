-- imports_check.sql: rows of a file as records that could go in, and what is wrong with those that could not: the rules of POST
-- /customers, /contacts and /activities for a thousand at once.

-- Each begins with the same members. errors are "member:code"; customer_id is whose something is.
create type api.customer_checked as (line int, errors text[], id uuid, customer_id uuid, email_key text, phone_key text, name text, email text, phone text,
    website text, address text, city text, region text, postal_code text, country text, source text, stage text, owner_id uuid, value bigint,
    currency text, notes text, tags text[], custom jsonb);
create type api.contact_checked as (line int, errors text[], id uuid, customer_id uuid, email_key text, phone_key text, name text, title text, email text,
    phone text, notes text, is_primary boolean);
create type api.activity_checked as (line int, errors text[], id uuid, customer_id uuid, email_key text, phone_key text, kind text, direction text,
    subject text, body text, outcome text, at timestamptz, next_step text, due_at timestamptz, done_at timestamptz);

-- Of members with control characters, which nearly no row has.
create function api.import_odd(odd text[]) returns text[]
language sql immutable as $$ select array(select distinct o || ':characters' from unnest(odd) o) $$;

create function api.import_customers(i app.import, p app.import_part) returns api.customer_checked[]
language plpgsql volatile as $$
declare
    texts  api.customer_text[] := api.import_texts(i, p, null::api.customer_text[]);
    -- The list that the constraint has.
    money  text := (select pg_get_constraintdef(k.oid) from pg_constraint k where k.conrelid = 'app.customer'::regclass and k.conname = 'currency_code');
    first_ text := (select s.id from app.stage s where s.org_id = app.org() order by s.position limit 1);
begin
    return array(
        select row(t.line, array_remove(array[
                case when t.name is null then 'name:required' end, api.import_long('name', t.name, 200),
                api.import_email_wrong(t.email), api.import_phone_wrong(t.phone), api.import_long('website', t.website, 500),
                api.import_long('address', t.address, 500), api.import_long('city', t.city, 100), api.import_long('region', t.region, 100),
                api.import_long('postal_code', t.postal_code, 20), case when t.country is not null and n.code is null then 'country:unknown' end,
                api.import_long('source', t.source, 100), case when t.stage is not null and s.id is null then 'stage:unknown' end,
                case when t.owner is not null and o.id is null then 'owner:unknown' end,
                'value:' || a.why, case when t.currency !~* '^[a-z]{3}$' then 'currency:format' when strpos(money, ' ' || upper(t.currency) || ' ') = 0 then 'currency:unknown' end,
                api.import_long('notes', t.notes, 10000),
                case when cardinality(g.tags) > 50 or exists (select from unnest(g.tags) w where char_length(w) > 64) then 'tags:count' end] || case when t.odd is not null then api.import_odd(t.odd) end, null),
            app.uuid7(), null, app.email_key(t.email), app.phone_key(t.phone, n.code), t.name, t.email, t.phone, t.website, t.address, t.city, t.region,
            t.postal_code, n.code, coalesce(t.source, i.source), coalesce(s.id, first_), coalesce(o.id, app.me()), a.amount, upper(t.currency), t.notes,
            g.tags, t.custom)::api.customer_checked
        from unnest(texts) t
        left join app.country_names() n on n.name = app.fold(t.country)
        left join lateral (select s.id from app.stage s where s.org_id = app.org() and (s.id = t.stage or lower(s.name) = lower(t.stage))
            order by s.id = t.stage desc limit 1) s on t.stage is not null
        -- Of other trees it is not told whether there is somebody: what he logs in with is his.
        left join (select s.id, lower(s.email) as email from app.staff s
            where s.org_id = app.org() and s.status <> 'inactive' and s.role <> 'auditor' and app.has_authority(s.id)
              and lower(s.email) in (select lower(u.owner) from unnest(texts) u)) o
            on o.email = lower(t.owner)
        cross join lateral app.import_amount(t.value, i.decimal_mark, upper(t.currency)) a
        cross join lateral (select coalesce(array_remove(regexp_split_to_array(t.tags, '\s*[,;|]\s*'), ''), '{}') as tags) g
        order by t.line);
end
$$;

-- Whose each row is: the customer of this id, e-mail or name. More than one is none.
create function api.import_whose(texts text[]) returns table (written text, id uuid, found_ bigint)
language plpgsql volatile set plan_cache_mode = force_generic_plan as $$
begin
    perform app.single();
    return query
        select w.written, (array_agg(m.id))[1], count(m.id)
        -- What is asked of the policy's tables is made first: an index is for leakproof conditions, and these are none.
        from (select t as written, app.email_key(t) as email, case when t ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then t::uuid end as id
            from unnest(texts) t where t is not null group by t offset 0) w
        left join lateral (
            (select c.id from app.customer c where c.org_id = app.org() and c.archived_at is null
                and c.id = w.id limit 2)
            union
            (select c.id from app.customer c where c.org_id = app.org() and c.archived_at is null and strpos(w.written, '@') > 0
                and c.email_key = w.email
                -- An e-mail that is masked for him is not tried out.
                and exists (select from api.customer v where v._org = c.org_id and v.id = c.id and 'email' <> all(v.masked)) limit 2)
            union
            (select c.id from app.customer c where c.org_id = app.org() and c.archived_at is null and c.name = w.written limit 2)) m on true
        group by w.written;
    perform app.single(false);
end
$$;

-- Those of them that the caller works with, locked so that nobody archives them meanwhile.
create function api.import_locked(ids uuid[]) returns uuid[]
language sql volatile as $$
    select array(select c.id from app.customer c where c.org_id = app.org() and c.id = any(ids) and c.archived_at is null order by c.id for no key update)
$$;

create function api.import_whose_wrong(written text, found_ bigint, works boolean) returns text
language sql immutable as $$
    select case when written is null then 'customer:required' when found_ is distinct from 1 then 'customer:' || case when found_ > 1 then 'ambiguous' else 'unknown' end
        when not works then 'customer:forbidden' end
$$;

create function api.import_contacts(i app.import, p app.import_part) returns api.contact_checked[]
language plpgsql volatile as $$
declare
    texts api.contact_text[] := api.import_texts(i, p, null::api.contact_text[]);
    works uuid[];
begin
    works := api.import_locked(array(select w.id from api.import_whose(array(select t.customer from unnest(texts) t)) w));
    return array(
        select row(t.line, array_remove(array[api.import_whose_wrong(t.customer, w.found_, w.id = any(works)),
                case when t.name is null then 'name:required' end, api.import_long('name', t.name, 200), api.import_long('title', t.title, 100),
                api.import_email_wrong(t.email), api.import_phone_wrong(t.phone), api.import_long('notes', t.notes, 10000)] || case when t.odd is not null then api.import_odd(t.odd) end, null),
            app.uuid7(), w.id, app.email_key(t.email), app.phone_key(t.phone, c.country), t.name, t.title, t.email, t.phone, t.notes,
            -- The first one is whom to ask for first.
            row_number() over (partition by w.id order by t.line) = 1 and not exists (select from app.contact k
                where k.org_id = app.org() and k.customer_id = w.id and k.is_primary and k.archived_at is null))::api.contact_checked
        from unnest(texts) t
        left join api.import_whose(array(select u.customer from unnest(texts) u)) w on w.written = t.customer
        left join app.customer c on c.org_id = app.org() and c.id = w.id
        order by t.line);
end
$$;

create function api.import_activities(i app.import, p app.import_part) returns api.activity_checked[]
language plpgsql volatile as $$
declare
    texts api.activity_text[] := api.import_texts(i, p, null::api.activity_text[]);
    works uuid[];
begin
    works := api.import_locked(array(select w.id from api.import_whose(array(select t.customer from unnest(texts) t)) w));
    return array(
        select row(t.line, array_remove(array[api.import_whose_wrong(t.customer, w.found_, w.id = any(works)),
                case when v.kind <> all('{call,email,meeting,message,visit,note,task}') then 'kind:unknown' end,
                case when t.direction is not null and v.direction is null then 'direction:unknown'
                    when v.kind in ('call', 'email', 'message') and t.direction is null then 'direction:required'
                    when v.kind in ('note', 'task') and t.direction is not null then 'direction:form' end,
                api.import_long('subject', t.subject, 200), api.import_long('body', t.body, 10000), api.import_long('outcome', t.outcome, 500),
                'at:' || at.why, api.import_long('next_step', t.next_step, 500), 'due_at:' || due.why, 'done_at:' || done.why] || case when t.odd is not null then api.import_odd(t.odd) end, null),
            app.uuid7(), w.id, null, null, v.kind, v.direction, t.subject, t.body, t.outcome, coalesce(at.moment, app.now()), t.next_step, due.moment,
            done.moment)::api.activity_checked
        from unnest(texts) t
        left join api.import_whose(array(select u.customer from unnest(texts) u)) w on w.written = t.customer
        cross join lateral (select coalesce(lower(t.kind), 'note') as kind, case when lower(t.direction) in ('in', 'inbound', 'incoming') then 'in'
            when lower(t.direction) in ('out', 'outbound', 'outgoing') then 'out' end as direction) v
        cross join lateral app.import_time(t.at, i.dates) at
        cross join lateral app.import_time(t.due_at, i.dates) due
        cross join lateral app.import_time(t.done_at, i.dates) done
        order by t.line);
end
$$;
