-- offers.sql: what an offer comes to, and that a sent one never changes.

-- Whether a JSON value is a number from 0 to most with no more than so many decimal places.
create or replace function app.number_fits(value jsonb, most numeric, places int) returns boolean
language sql immutable as $$
    select coalesce(case when jsonb_typeof(value) = 'number' then value::numeric between 0 and most and scale(trim_scale(value::numeric)) <= places end, false)
$$;

-- The lines of an offer in the one form in which they are kept: a line has these five members and no others. 422 names what is wrong.
create or replace function app.offer_lines(lines jsonb) returns jsonb
language plpgsql immutable as $$
declare
    kept  jsonb := '[]';
    line  jsonb;
    at    text;
    wrong record;
begin
    if jsonb_typeof(lines) is distinct from 'array' then
        perform app.refuse_member(422, 'invalid_value', '/lines', 'type', 'This is a list.');
    elsif jsonb_array_length(lines) > 200 then
        perform app.refuse_member(422, 'invalid_value', '/lines', 'count', 'At most 200 items.');
    end if;
    for line, at in select l.v, '/lines/' || l.n - 1 from jsonb_array_elements(lines) with ordinality l(v, n) order by l.n loop
        if jsonb_typeof(line) <> 'object' then
            perform app.refuse_member(422, 'invalid_value', at, 'type', 'This is an object.');
        end if;
        line := '{"discount": 0, "tax": 0}' || line;
        select f.member, f.why, f.says into wrong from (values
            ('description', 'required', 'From 1 to 500 characters, not all blank.',
                jsonb_typeof(line->'description') = 'string' and char_length(line->>'description') <= 500 and line->>'description' ~ '[^ \t\r\n]'),
            ('quantity', 'range', 'More than 0, up to 1000000, with at most 4 decimal places.',
                app.number_fits(line->'quantity', 1000000, 4) and line->'quantity' > '0'),
            ('unit_price', 'range', 'From 0 to 1000000000000, in minor units.', app.number_fits(line->'unit_price', 1000000000000, 0)),
            ('discount', 'range', 'From 0 to 100 per cent, with at most 2 decimal places.', app.number_fits(line->'discount', 100, 2)),
            ('tax', 'range', 'From 0 to 100 per cent, with at most 2 decimal places.', app.number_fits(line->'tax', 100, 2))
            ) f(member, why, says, good)
        where f.good is not true limit 1;
        if not found then
            select replace(replace(k.name, '~', '~0'), '/', '~1') as member, 'unknown' as why, 'There is no such member.' as says into wrong
            from jsonb_object_keys(line) k(name) where k.name <> all('{description,quantity,unit_price,discount,tax}') limit 1;
        end if;
        if found then
            perform app.refuse_member(422, 'invalid_value', at || '/' || wrong.member, wrong.why, wrong.says);
        end if;
        kept := kept || jsonb_build_array(jsonb_build_object('description', line->'description', 'quantity', trim_scale((line->'quantity')::numeric),
            'unit_price', trim_scale((line->'unit_price')::numeric), 'discount', trim_scale((line->'discount')::numeric),
            'tax', trim_scale((line->'tax')::numeric)));
    end loop;
    return kept;
end
$$;

-- What lines come to, in minor units: each line rounded, half a unit up, then the tax once for each rate (EN 16931, BR-CO-17).
-- By products alone, which numeric has exactly: a quotient would be rounded before it is rounded.
create or replace function app.offer_total(lines jsonb, out net numeric, out tax numeric)
language plpgsql immutable as $$
begin
    select coalesce(sum(r.net), 0), coalesce(sum(round(r.net * r.rate * 0.01)), 0) into net, tax
    from (select (l->'tax')::numeric as rate,
            sum(round((l->'quantity')::numeric * (l->'unit_price')::numeric * (100 - (l->'discount')::numeric) * 0.01)) as net
        from jsonb_array_elements(lines) l group by 1) r;
end
$$;

-- How an offer stands on a day, and until when it could be accepted: until it was declined, the next revision was sent or its last
-- day was over. Nobody needs to write down that it expired.
create or replace function app.offer_status(status text, valid_until date, today date) returns text
language sql immutable as $$ select case when status = 'sent' and valid_until < today then 'expired' else status end $$;

create or replace function app.offer_valid_to(status text, valid_until date, decided_at timestamptz, superseded_at timestamptz) returns timestamptz
language sql immutable as $$
    select case when status <> 'draft' then least(superseded_at, case when status = 'declined' then decided_at end,
        (valid_until + 1)::timestamp at time zone 'UTC') end
$$;

create or replace function app.today() returns date
language sql stable as $$ select (app.now() at time zone 'UTC')::date $$;

-- Whether a restore must leave a field of an offer: a sent one stays sent and what it says stays. What became of it is taken back,
-- but not to accepted where the next revision was sent meanwhile.
create or replace function app.offer_stuck(o app.offer, field text, target jsonb, born boolean) returns boolean
language sql immutable as $$
    select o.status <> 'draft' and (born or case field
        when 'status' then target = '"draft"' or (target = '"accepted"' and o.superseded_at is not null)
        -- Why it was decided goes with the decision.
        when 'reason' then o.status = 'accepted' and o.superseded_at is not null
        else field <> all('{archived_at,customer_id}') end)
$$;

-- What may change of an offer: of a draft what it says; of a sent one what became of it, and with its customer where it is. Whoever
-- asks: policies and grants hold nobody to this.
create or replace function app.tg_offer_guard() returns trigger
language plpgsql as $$
declare
    restoring boolean := current_setting('app.via', true) is not distinct from 'restore';
begin
    if tg_op = 'INSERT' then
        if new.status <> 'draft' then
            perform app.refuse_member(422, 'invalid_value', '/status', 'word', 'An offer begins as a draft.');
        end if;
        new.promised_by := null;
        new.superseded_at := null;
        new.reason := null;
        return new;
    end if;
    if (new.number, new.revision) is distinct from (old.number, old.revision)
        or (old.status <> 'draft' and (new.status = 'draft'
            or (new.contact_id, new.deal_id, new.title, new.currency, new.lines, new.valid_until, new.promised_by, new.notes)
            is distinct from (old.contact_id, old.deal_id, old.title, old.currency, old.lines, old.valid_until, old.promised_by, old.notes))) then
        perform app.refuse(409, 'offer_sent', 'A sent offer never changes. Revise it.');
    elsif new.status = 'draft' and new.promised_by is not null or (old.status = 'draft' and new.status not in ('draft', 'sent')) then
        perform app.refuse(409, 'not_sent', 'This is a draft. Send it first.');
    elsif not restoring and old.status in ('accepted', 'declined') and (new.status, new.reason) is distinct from (old.status, old.reason) then
        perform app.refuse(409, 'offer_decided', format('This offer is %s already.', old.status));
    end if;
    if new.status in ('draft', 'sent') then
        new.reason := null;   -- why it was decided goes with the decision
    end if;
    -- Only the next revision sets it, once (_800_supersede), and nothing takes it back.
    if new.superseded_at is distinct from old.superseded_at and (old.superseded_at is not null or old.status = 'draft' or pg_trigger_depth() = 1) then
        perform app.refuse(409, 'offer_sent', 'A sent offer never changes. Revise it.');
    elsif new.status = 'accepted' and old.superseded_at is null and new.superseded_at is not null then
        perform app.refuse(409, 'offer_accepted', format('Revision %s was accepted meanwhile.', old.revision));
    elsif new.status = 'accepted' and old.status <> 'accepted' and old.superseded_at is not null then
        perform app.refuse(409, 'superseded', 'A later revision was sent. Decide on that.');
    end if;
    return new;
end
$$;

-- Puts the lines in form and adds them up.
create or replace function app.tg_offer_derive() returns trigger
language plpgsql as $$
declare
    total record;
begin
    if tg_op = 'UPDATE' and new.lines is not distinct from old.lines then
        new.net := old.net;
        new.tax := old.tax;
    else
        new.lines := app.offer_lines(new.lines);
        select * into total from app.offer_total(new.lines);
        if total.net + total.tax > 1000000000000000 then
            perform app.refuse_member(422, 'invalid_value', '/lines', 'range', 'The total is more than 1000000000000000 minor units.');
        end if;
        new.net := total.net;
        new.tax := total.tax;
    end if;
    new.gross := new.net + new.tax;
    return new;
end
$$;

-- When it was sent and decided: to the microsecond the moment of that version, so that what is asked for as of then shows it.
create or replace function app.tg_offer_times() returns trigger
language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        new.sent_at := null;
        new.decided_at := null;
        return new;
    end if;
    new.sent_at := case when old.status = 'draft' and new.status <> 'draft' then new.updated_at else old.sent_at end;
    new.decided_at := case when new.status in ('draft', 'sent') then null when new.status = old.status then old.decided_at else new.updated_at end;
    return new;
end
$$;

-- The next number of the year: without gaps, since it is taken in the transaction of the offer.
create or replace function app.offer_number() returns text
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    this int := extract(year from app.today());
    n    int;
begin
    insert into app.offer_counter as k (org_id, year, last) values (app.org(), this, 1)
    on conflict (org_id, year) do update set last = k.last + 1
    returning k.last into n;
    return this || '-' || lpad(n::text, greatest(4, length(n::text)), '0');
end
$$;
alter function app.offer_number owner to holdfast_mover;

-- The earlier revisions of an offer that was sent just now are no longer valid.
create or replace function app.tg_offer_supersede() returns trigger
language plpgsql as $$
begin
    update app.offer o set superseded_at = new.sent_at
    where o.org_id = new.org_id and o.number = new.number and o.revision < new.revision and o.status <> 'draft' and o.superseded_at is null;
    return null;
end
$$;

create or replace trigger _090_guard before insert or update on app.offer for each row execute function app.tg_offer_guard();
create or replace trigger _100_derive before insert or update on app.offer for each row execute function app.tg_offer_derive();
create or replace trigger _210_times before insert or update on app.offer for each row execute function app.tg_offer_times();
create or replace trigger _800_supersede after update of status on app.offer
    for each row when (old.status = 'draft' and new.status = 'sent') execute function app.tg_offer_supersede();
