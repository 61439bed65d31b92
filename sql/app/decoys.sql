-- decoys.sql: customers that nobody has any reason to look at, and what happens to whoever does.

-- Of the customers that an answer shows, those that are decoys: listed, opened, or worse. Admins and auditors know them. Asked in each
-- answer where an org has some (app.expose), and by exports and holds. Of the person's rows one is locked before the alert, if he is counted.
create or replace function app.decoys_touched(channel text, customer_ids uuid[]) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    org   int := app.org();
    met   uuid[];
    grade text;
begin
    if app.role() in ('admin', 'auditor') then
        return;
    end if;
    met := array(select d.customer_id from app.decoy d where d.org_id = org and d.customer_id = any(customer_ids));
    if met = '{}' then
        return;
    end if;
    grade := case when channel in ('reveal', 'break_glass', 'change') then 'critical'
        when channel in ('read', 'handover', 'timeline', 'history', 'conflict') then 'medium' else 'info' end;
    if grade = 'critical' then
        perform app.freeze(app.me(), true, 'decoy'), app.wait_for_disk(true);
    elsif grade = 'info' and exists (select from app.alert a where a.org_id = org and a.staff_id = app.me() and a.rule = 'decoy'
            and a.day = (app.now() at time zone 'UTC')::date) then
        return;   -- whose list has one meets it all day
    end if;
    perform app.alert('decoy', grade, app.me(), case grade when 'medium' then 'freeze' else 'none' end,
        jsonb_build_object('decoys', met, 'channels', array[channel], 'requests', array_remove(array[app.request_id()], null)));
end
$$;
alter function app.decoys_touched owner to holdfast_owner;

-- A number that is nobody's: of a range that the country keeps for fiction, else like another one of the base with other last digits.
create or replace function app.decoy_phone(country text, other text) returns text
language plpgsql volatile as $$
declare
    number text;
    left_  int := 4;
begin
    select r.head || lpad(floor(random() * 10 ^ r.digits)::text, r.digits, '0') into number
    from (values ('DE', '+49 30 23125 ', 3), ('DE', '+49 40 66969 ', 3), ('DE', '+49 69 90009 ', 3), ('DE', '+49 89 99998 ', 3), ('FR', '+33 1 99 00 ', 4), ('FR', '+33 4 65 71 ', 4),
        ('GB', '+44 20 7946 0', 3), ('GB', '+44 161 496 0', 3), ('US', '+1 212 555 01', 2), ('US', '+1 312 555 01', 2), ('CA', '+1 613 555 01', 2), ('AU', '+61 2 5550 ', 4),
        ('SE', '+46 8 465 004 ', 2), ('IE', '+353 20 91', 5)) r(land, head, digits)
    where r.land = country or other is null and r.land = 'GB' order by random() limit 1;
    if number is null then
        number := other;
        for i in reverse char_length(number)..1 loop
            if left_ > 0 and substr(number, i, 1) between '0' and '9' then
                number := overlay(number placing floor(random() * 10)::int::text from i for 1);
                left_ := left_ - 1;
            end if;
        end loop;
    end if;
    return number;
end
$$;

-- A customer like others: t and u are two of the base, or nulls. Where it stands and how it is written is of t, its name of both.
create or replace function app.decoy_like(t app.customer, u app.customer) returns app.customer
language plpgsql volatile as $$
declare
    c    app.customer;
    slug text;
begin
    c.org_id := app.org();
    -- Around the time when such a one was made.
    c.created_at := least(coalesce(t.created_at + make_interval(secs => (random() - 0.5) * 1728000), app.now() - make_interval(secs => random() * 10368000)),
        app.now() - make_interval(secs => 3600 + random() * 86400));
    c.updated_at := c.created_at;
    c.id := app.uuid7(c.created_at);
    c.version := 1;
    for i in 1..30 loop
        -- Cut, so that two long names make one that fits; a label of a domain has at most 63 letters (RFC 1035).
        c.name := concat_ws(' ', coalesce(nullif(left(split_part(t.name, ' ', 1), 80), ''), (array['Alster', 'Brenner', 'Corvin', 'Dorn', 'Elm', 'Fjord', 'Garda', 'Holm'])[1 + floor(random() * 8)]),
            case when i < 10 and strpos(u.name, ' ') > 0 then left(substr(u.name, strpos(u.name, ' ') + 1), 80)
                else (array['Works', 'Trading', 'Systems', 'Supply', 'Partners', 'Group', 'Tools', 'Service'])[1 + floor(random() * 8)] end, case when i > 20 then 2 + floor(random() * 97) end);
        slug := coalesce(nullif(left(regexp_replace(app.fold(c.name), '[^a-z0-9]', '', 'g'), 60), ''), 'office') || '.example';
        c.email := (array['info', 'office', 'mail', 'contact'])[1 + floor(random() * 4)] || '@' || slug;
        c.phone := app.decoy_phone(t.country, t.phone);
        exit when app.duplicate_find('{}', app.email_key(c.email), app.phone_key(c.phone, t.country), app.firm_key(c.name), t.country, t.city, t.postal_code) = '{}';
    end loop;
    c.website := case when t.website is not null then 'https://www.' || slug end;
    c.address := left(regexp_replace(t.address, '[0-9]+', (1 + floor(random() * 90))::text), 500);
    c.city := t.city;
    c.region := t.region;
    c.postal_code := t.postal_code;
    c.country := t.country;
    c.source := t.source;
    c.value := case when t.value is not null then least(round(t.value * (0.6 + random() * 0.8)::numeric), 1000000000000000) end;
    c.currency := t.currency;
    c.tags := coalesce(t.tags, '{}');
    -- Numbers and ticks only: texts may say who t is.
    c.custom := coalesce((select jsonb_object_agg(f.key, case jsonb_typeof(f.value) when 'number' then to_jsonb(round((f.value #>> '{}')::numeric * (0.6 + random() * 0.8)::numeric)) else f.value end)
        from jsonb_each(t.custom) f where jsonb_typeof(f.value) in ('number', 'boolean')), '{}');
    return c;
end
$$;

-- Puts a decoy where it belongs, with the history of the day when it seems to have been made: by whoever owns it, or as the one that it
-- is like was, where nobody of the org made that (an import). That an admin made it stands in app.decoy alone.
create or replace function app.decoy_keep(c app.customer, like_ uuid) returns void
language plpgsql volatile as $$
declare
    o    record;
    at_  uuid := (select s.id from app.session s where s.org_id = c.org_id and s.staff_id = c.owner_id order by abs(extract(epoch from s.created_at - c.created_at)) limit 1);
    kept jsonb := (select jsonb_object_agg(k, coalesce(current_setting(k, true), ''))
        from unnest('{app.me,app.session,app.request,app.action,app.via,app.reason,app.operation,app.moment}'::text[]) k);
begin
    select p.actor_id, p.action, p.via, p.session_id is not null as logged_in, p.request_id is not null as asked into o from app.history h join app.operation p on p.org_id = h.org_id and p.id = h.operation_id
    where h.org_id = c.org_id and h.record_id = like_ and h.field is null order by h.id limit 1;
    if o.via is null then
        select case when at_ is not null then c.owner_id end as actor_id, 'customers.create' as action, case when at_ is null then 'sql' else 'api' end as via,
            at_ is not null as logged_in, at_ is not null as asked into o;
    elsif o.actor_id is not null then
        -- As his own were made: in a session of his, with an answer that showed it, or in none.
        select c.owner_id as actor_id, 'customers.create' as action, 'api' as via, o.logged_in and at_ is not null as logged_in, o.asked as asked into o;
    end if;
    perform set_config('app.me', coalesce(o.actor_id::text, ''), true), set_config('app.action', o.action, true), set_config('app.via', o.via, true),
        set_config('app.session', case when o.logged_in then at_::text else '' end, true), set_config('app.request', case when o.asked then gen_random_uuid()::text else '' end, true),
        set_config('app.reason', '', true), set_config('app.operation', app.uuid7(c.created_at)::text, true), set_config('app.moment', c.created_at::text, true);
    insert into app.customer select c.*;
    if o.logged_in then
        insert into app.disclosure (org_id, at, id, request_id, staff_id, session_id, channel, customer_ids, classes, masked, bytes)
        values (c.org_id, c.created_at, app.uuid7(c.created_at + interval '2 milliseconds'), app.request_id(), app.me(), at_, 'change', array[c.id],
            'base contact money notes', false, 600 + floor(random() * 60));
    end if;
    perform set_config(k.key, k.value, true) from jsonb_each_text(kept) k;
    insert into app.decoy (org_id, id, customer_id, made_by, at) values (c.org_id, app.uuid7(), c.id, app.me(), app.now());
end
$$;
