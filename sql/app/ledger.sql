-- ledger.sql: what was shown to whom.

-- Records that the answer in hand shows these customers, and counts them (app.expose): 429 where they are more than the caller may
-- see. Every api function that answers customer data calls it in the transaction of the answer; no row, no answer. classes names the
-- kinds of fields: base contact money notes; masked says whether contact values are, reason why somebody wanted to see them, bytes
-- how large the rows are. What he may still see stays in app.remaining, from where it goes beside the rows (lib/trip.c) into
-- Exposure-Remaining.
create or replace function app.disclose(channel text, customer_ids uuid[], classes text default 'base contact money notes',
    masked boolean default null, reason text default null, bytes int default null) returns void
language plpgsql volatile as $$
declare
    shows boolean := app.shows_contacts();
begin
    if cardinality(customer_ids) > 0 then
        masked := coalesce(masked, not shows);
        -- Of a page of which some rows are masked and some are not, all count.
        if app.expose(customer_ids, channel in ('read', 'handover', 'timeline', 'reveal', 'break_glass'),
            strpos(classes, 'contact') > 0 and (not masked or shows and channel in ('list', 'search', 'history', 'timeline', 'changes', 'duplicate', 'restore')),
            channel in ('reveal', 'break_glass'))
        then
            perform app.decoys_touched(channel, customer_ids);
        end if;
        insert into app.disclosure (org_id, at, id, request_id, staff_id, session_id, channel, customer_ids, classes, masked, reason, bytes)
        values (app.org(), app.now(), app.uuid7(), app.request_id(), app.me(), app.session_id(), channel, customer_ids,
            classes, masked, reason, bytes);
    end if;
end
$$;

-- The classes of the customers' fields that are asked for, all when fields is null.
create or replace function app.customer_classes(fields text[]) returns text
language plpgsql immutable as $$
begin
    return concat_ws(' ', 'base', case when fields is null or fields && '{email,phone,phone_e164}' then 'contact' end,
        case when fields is null or fields && '{value,currency}' then 'money' end,
        case when fields is null or fields && '{notes,custom}' then 'notes' end);
end
$$;

-- Makes the monthly partitions of the ledger from this month to three months ahead. Called at each
-- deploy and by the job process; rows that no partition takes land in the default one.
create or replace function app.partitions_ahead() returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp set timezone = 'UTC' as $$
declare
    month date;
    part  text;
begin
    for month in select generate_series(date_trunc('month', app.now()), app.now() + interval '3 months', interval '1 month')::date
    loop
        part := 'disclosure_' || to_char(month, 'YYYY_MM');
        continue when to_regclass('app.' || part) is not null;
        execute format('create table app.%I (like app.disclosure including defaults including constraints)', part);
        -- What came early into the default partition moves along.
        execute format('with early as (delete from app.disclosure_rest where at >= %L and at < %L returning *) '
            'insert into app.%I select * from early', month, month + interval '1 month', part);
        execute format('alter table app.%I enable row level security, force row level security', part);
        execute format('alter table app.disclosure attach partition app.%I for values from (%L) to (%L)',
            part, month, month + interval '1 month');
    end loop;
end
$$;
alter function app.partitions_ahead owner to holdfast_owner;

-- Takes away the parts of the ledger that are older than every org keeps them, at least a year. What a person has seen of whom stays
-- in app.seen.
create or replace function app.partitions_past() returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp set timezone = 'UTC' as $$
declare
    part   record;
    months int := (select greatest(12, max(coalesce(o.ledger_months, 36))) from app.settings o);
begin
    for part in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'app.disclosure'::regclass and c.relname ~ '^disclosure_[0-9]{4}_[0-9]{2}$'
          and to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' < date_trunc('month', app.now()) - make_interval(months => months)
    loop
        execute format('drop table app.%I', part.relname);
    end loop;
end
$$;
alter function app.partitions_past owner to holdfast_owner;
