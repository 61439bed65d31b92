-- outbox.sql: what leaves the house: written with what it tells of, sent by the process beside the workers of "alerts".

-- Whom an org's settings name.
create or replace function app.notify_targets(notify jsonb) returns table (channel text, target text, severity text, kinds jsonb)
language sql immutable as $$
    select 'webhook', w->>'url', w->>'severity', w->'kinds' from jsonb_array_elements(notify->'webhooks') w
    union all
    select 'email', e->>'email', e->>'severity', e->'kinds' from jsonb_array_elements(notify->'emails') e
$$;

-- What is none goes to everybody, and there the table refuses it: it must not get lost.
create or replace function app.severity_rank(severity text) returns int
language sql immutable as $$ select coalesce(array_position('{info,low,medium,high,critical}', coalesce(severity, 'info')), 5) $$;

-- Tells whom the org's settings name, once this transaction is committed. subject has ids and stable words, and may have
-- "severity"; without one it counts as info.
create or replace function app.notify(kind text, subject jsonb) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    wishes jsonb;
    entry  uuid := app.uuid7();
begin
    select s.notify into strict wishes from app.settings s where s.org_id = app.org();
    with told as (
        select distinct t.channel, t.target from app.notify_targets(wishes) t
        where app.severity_rank(subject->>'severity') >= app.severity_rank(t.severity) and (t.kinds is null or t.kinds ? notify.kind)),
    written as (
        insert into app.outbox (org_id, id, at, kind, subject)
        select app.org(), entry, app.clock(), notify.kind, notify.subject where exists (select from told) returning id)
    insert into app.delivery (org_id, id, outbox_id, channel, target, next_at, at)
    select app.org(), app.uuid7(), w.id, t.channel, t.target, app.now(), app.clock() from written w, told t;
    perform app.wait_for_disk(true);   -- a read may be what raised the alarm
end
$$;
alter function app.notify owner to holdfast_owner;

-- How long after so many failed attempts the next one is made; null: none is.
create or replace function app.delivery_wait(attempts int) returns interval
language sql immutable as $$ select ('{1 min,5 min,30 min,2 h,6 h,12 h,12 h}'::interval[])[attempts] $$;

-- Takes due deliveries of all orgs, for a minute: whoever is killed before he says what became of them leaves them to the next. First
-- tries come before repeated ones, so that dead receivers hold up nobody. What leaves the database is what the receiver gets: the
-- secret stays here, and without it a signature is good for this one message.
create or replace function app.outbox_take(lim int) returns table (org int, delivery uuid, lease uuid, id uuid, at timestamptz, kind text,
    subject jsonb, channel text, target text, allow_private boolean, body text, stamp text, signature text)
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    d    record;
    mine uuid := gen_random_uuid();
    gone text;
begin
    for d in
        select t.*, o.at as told_at, o.kind, o.subject, s.notify, s.webhook_secret
        from app.delivery t
        join app.outbox o on o.org_id = t.org_id and o.id = t.outbox_id
        join app.settings s on s.org_id = t.org_id
        where t.status = 'queued' and t.next_at <= app.now()
        order by t.attempts, t.next_at limit lim for update of t skip locked
    loop
        gone := case
            when not exists (select from app.notify_targets(d.notify) n where n.channel = d.channel and n.target = d.target) then 'target_gone'
            when d.attempts > 0 and app.delivery_wait(d.attempts) is null then 'interrupted' end;   -- the last try was never heard of again
        if gone is not null then
            update app.delivery t set status = 'failed', next_at = null, lease = null, last_error = gone where t.org_id = d.org_id and t.id = d.id;
            continue;
        end if;
        update app.delivery t set attempts = t.attempts + 1, lease = mine, next_at = app.now() + interval '1 minute'
        where t.org_id = d.org_id and t.id = d.id;
        org := d.org_id; delivery := d.id; lease := mine; id := d.outbox_id; at := d.told_at; kind := d.kind; subject := d.subject;
        channel := d.channel; target := d.target; allow_private := coalesce((d.notify->'allow_private')::boolean, false);
        body := jsonb_build_object('id', d.outbox_id, 'at', app.time_json(d.told_at), 'org', d.org_id, 'kind', d.kind, 'subject', d.subject);
        stamp := floor(extract(epoch from app.clock()))::bigint;
        signature := case d.channel when 'webhook' then
            'v1=' || encode(public.hmac(convert_to(concat_ws('.', stamp, id, body), 'UTF8'), convert_to(d.webhook_secret, 'UTF8'), 'sha256'), 'hex') end;
        return next;
    end loop;
end
$$;
alter function app.outbox_take owner to holdfast_owner;

-- What became of the deliveries of a lease: [{org, delivery, status, error}]. Those that somebody else took since are his.
create or replace function app.outbox_done(lease uuid, results jsonb) returns int
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    r     record;
    wrong text;
    pause interval;
    heard int := 0;
begin
    for r in
        select t.org_id, t.id, t.attempts, w.status, w.error from jsonb_to_recordset(results) w(org int, delivery uuid, status int, error text)
        join app.delivery t on t.org_id = w.org and t.id = w.delivery and t.lease = outbox_done.lease
        order by t.org_id, t.id for update of t
    loop
        wrong := coalesce(r.error, case when coalesce(r.status, 0) not between 200 and 299 then 'bad_status' end);
        -- What will be the same next time is not tried again.
        pause := case when wrong not in ('private_address', 'bad_url', 'no_smtp') then app.delivery_wait(r.attempts) end;
        update app.delivery t set lease = null, last_status = nullif(r.status, 0), last_error = wrong,
            status = case when wrong is null then 'sent' when pause is null then 'failed' else 'queued' end,
            next_at = app.now() + pause, sent_at = case when wrong is null then app.now() end
        where t.org_id = r.org_id and t.id = r.id;
        insert into app.delivery_attempt (org_id, id, delivery_id, at, status, error)
        values (r.org_id, app.uuid7(), r.id, app.now(), nullif(r.status, 0), wrong);
        heard := heard + 1;
    end loop;
    return heard;
end
$$;
alter function app.outbox_done owner to holdfast_owner;
