-- holds.sql: whoever changes or archives more than anybody does by hand goes on, but his changes of phones and e-mails wait for a manager.
--
-- The law is a trigger: it counts what is remembered, the statement in hand included, and takes that back (409 held). The api
-- functions try the change and make the hold of it; what forgets to is refused.

-- How much a person may change within a window before the rest waits; null: any amount, which 100,000 are. A grant lies on top of it.
create or replace function app.change_limit(budgets jsonb, measure text, window_ text, staff_id uuid) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    most bigint := (budgets->measure->window_->>'hard')::bigint;
begin
    if most is null or most >= 100000 then
        return null;
    end if;
    return most + (select coalesce(sum(g.amount), 0) from app.exposure_grant g
        where g.org_id = app.org() and g.staff_id = change_limit.staff_id and g.measure = change_limit.measure and g.until > app.now());
end
$$;
alter function app.change_limit owner to holdfast_owner;

-- What may write contact values as it must: one of two customers, what a manager approved. A restore, an import and an operator's SQL
-- say so by another via.
create or replace function app.unheld(via text, action text) returns boolean
language sql immutable parallel safe as $$ select via <> 'api' or action in ('customers.merge', 'holds.approve') $$;

-- The changes of contact values that a person made from a moment on, the latest first, and so many at most: of each operation and
-- record whether it was a near miss.
create or replace function app.contact_changed(staff_id uuid, since timestamptz, most bigint)
returns table (operation_id uuid, record_id uuid, at timestamptz, near boolean)
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return query
        select h.operation_id, h.record_id, max(h.at), bool_or(app.near_miss(h.old #>> '{}', h.new #>> '{}'))
        from (select * from app.history t
            where t.org_id = app.org() and t.actor_id = contact_changed.staff_id and t.via = 'api' and t.field in ('email', 'phone')
              and t.entity in ('customers', 'contacts') and t.id >= app.uuid7_floor(since)
              and not exists (select from app.operation o where o.org_id = t.org_id and o.id = t.operation_id and app.unheld(o.via, o.action))
            order by t.id desc limit 2 * most) h           -- an operation changes both at most
        group by 1, 2;
end
$$;
alter function app.contact_changed owner to holdfast_owner;

-- What he archived, and merged, since: not what went along with its customer. Of a rep also what he took back of his own: a creation is
-- taken back by archiving, and years of work go that way.
create or replace function app.deleted(staff_id uuid, since timestamptz, most bigint) returns table (operation_id uuid, at timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return query
        select h.operation_id, h.at from app.history h
        where h.org_id = app.org() and h.actor_id = deleted.staff_id and h.field = 'archived_at'
          and (h.via in ('api', 'bulk') or h.via = 'restore' and exists (select from app.staff s where s.org_id = h.org_id and s.id = deleted.staff_id and s.role = 'rep'))
          and h.new is not null and h.new <> 'null' and h.id >= app.uuid7_floor(since)
          and (h.entity = 'customers' or not exists (select from app.history c where c.org_id = h.org_id and c.operation_id = h.operation_id
              and c.record_id = h.customer_id and c.field = 'archived_at'))
        order by h.id desc limit most;
end
$$;
alter function app.deleted owner to holdfast_owner;

-- The rule by which a person's changes of contact values wait now, and since when what he did counts for it; null while they do not. A
-- near miss that waits counts as one that was made, so that what comes behind it waits as well.
create or replace function app.held_by(staff_id uuid, role text, out rule text, out since timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    b     jsonb := app.budget_of(role, staff_id, (select o.budgets from app.settings o where o.org_id = app.org()));
    hour  timestamptz := app.now() - interval '1 hour';
    day   timestamptz := app.now() - interval '24 hours';
    most  bigint[] := array(select app.change_limit(b, m.name, w.name, staff_id) from unnest('{contact_changes,near_misses,deletions}'::text[]) with ordinality m(name, n),
        unnest('{hour,day}'::text[]) with ordinality w(name, n) order by m.n, w.n);
    n     bigint[] := '{0,0,0,0,0,0}';
    broke int;
begin
    if num_nonnulls(variadic most[1:4]) > 0 then
        -- Where only near misses have a limit, those among the last 10,000 changes count.
        with changed as (select * from app.contact_changed(staff_id, day, coalesce(greatest(most[1], most[2]), 10000) + 1)),
        near as (select x.record_id, x.at from changed x where x.near
            union all select h.record_id, h.at from app.hold h where h.org_id = app.org() and h.staff_id = held_by.staff_id
                and h.id >= app.uuid7_floor(day) and h.rule = 'near_misses')
        select array[(select count(*) from changed c where c.at >= hour), (select count(*) from changed), (select count(distinct x.record_id) from near x where x.at >= hour),
            (select count(distinct x.record_id) from near x), 0, 0] into n;
    end if;
    if num_nonnulls(variadic most[5:6]) > 0 then
        select n[1:4] || array[count(*) filter (where d.at >= hour), count(*)] into n from app.deleted(staff_id, day, greatest(most[5], most[6]) + 1) d;
    end if;
    -- The gravest first.
    broke := (select i from unnest('{4,3,1,2,6,5}'::int[]) with ordinality o(i, k) where n[i] > most[i] order by k limit 1);
    rule := ('{contact_changes,near_misses,deletions}'::text[])[(broke + 1) / 2];
    since := case broke % 2 when 1 then hour else day end;
end
$$;
alter function app.held_by owner to holdfast_owner;

-- Behind each statement that can have changed a contact value, when its history is written. The person's rows (app.exposure_locked) make
-- his parallel requests wait for each other here: it is what each of them locks last anyway (app.disclose), behind the records, so
-- nothing new can deadlock; and whoever gets it sees what the one before did.
create or replace function app.tg_held() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    op   uuid := nullif(current_setting('app.operation', true), '')::uuid;
    held record;
begin
    -- Of what was written since this transaction began: an operation may have a hundred thousand rows.
    if op is null or app.me() is null or app.unheld(current_setting('app.via', true), current_setting('app.action', true))
        or not exists (select from app.history h where h.org_id = app.org() and h.actor_id = app.me() and h.via = 'api'
            and h.field in ('email', 'phone') and h.id >= app.uuid7_floor(app.now()) and h.operation_id = op) then
        return null;
    end if;
    perform app.exposure_locked(app.org(), app.me(), app.role(), app.now());
    held := app.held_by(app.me(), app.role());
    if held.rule is not null then
        perform app.refuse(409, 'held', 'You changed so much today that further changes of phones and e-mails wait for your manager. Make them one by one.',
            jsonb_build_object('rule', held.rule, 'since', app.time_json(held.since)));
    end if;
    return null;
end
$$;
alter function app.tg_held owner to holdfast_owner;

create or replace trigger _910_held after update of email, phone on app.customer for each statement execute function app.tg_held();
create or replace trigger _910_held after update of email, phone on app.contact for each statement execute function app.tg_held();

-- Whoever decides on what a person wants: the nearest manager or admin above him who is there, else the other admins; none of them he
-- himself by another account.
create or replace function app.deciders(staff_id uuid) returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    person uuid := (select s.person_id from app.staff s where s.org_id = app.org() and s.id = deciders.staff_id);
begin
    return query
        select s.id from app.staff_tree t join app.staff s on s.org_id = t.org_id and s.id = t.above_id
        where t.org_id = app.org() and t.below_id = deciders.staff_id and s.status = 'active' and s.role in ('manager', 'admin') and s.person_id <> person
        order by t.distance limit 1;
    if not found then
        return query select s.id from app.staff s where s.org_id = app.org() and s.role = 'admin' and s.status = 'active' and s.person_id <> person;
    end if;
end
$$;
alter function app.deciders owner to holdfast_owner;

-- Tells that the caller's changes wait: an alert with what he could do before, as the window to take it back. It grows over the day
-- and never loses its beginning.
create or replace function app.hold_alert(rule text, since timestamptz) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    doc   jsonb;
    began timestamptz := (select (a.evidence->>'from')::timestamptz from app.alert a where a.org_id = app.org() and a.staff_id = app.me()
        and a.rule = hold_alert.rule and a.day = (app.now() at time zone 'UTC')::date);
begin
    select jsonb_build_object('from', app.time_json(coalesce(least(began, min(c.first)), app.now())),
        'to', app.time_json(coalesce(max(c.at), app.now()) + interval '1 microsecond'),
        'operations', coalesce((array_agg(to_jsonb(c.operation_id) order by c.at desc))[1:100], '{}'), 'holds', 1 + (select count(*) from app.hold h
            where h.org_id = app.org() and h.staff_id = app.me() and h.id >= app.uuid7_floor(since)))
    into doc
    from (select w.operation_id, max(w.at) as at, min(w.at) as first from (
        select k.operation_id, k.at from app.contact_changed(app.me(), since, 1000) k where hold_alert.rule <> 'deletions' and (k.near or hold_alert.rule <> 'near_misses')
        union all select d.operation_id, d.at from app.deleted(app.me(), since, 1000) d where hold_alert.rule = 'deletions') w group by 1) c;
    perform app.alert(rule, case rule when 'near_misses' then 'critical' else 'high' end, app.me(), 'restore', doc);
end
$$;
alter function app.hold_alert owner to holdfast_owner;

-- Makes a change wait: body is a merge patch of a record as it is in this version. The same wish twice is one. Whoever decides is
-- told when the first one comes. Returns its id.
create or replace function app.hold(entity text, record uuid, customer uuid, version int, body jsonb, held jsonb) returns uuid
language plpgsql volatile as $$
declare
    made uuid := (select h.id from app.hold h where h.org_id = app.org() and h.record_id = record and h.status = 'pending'
        and h.staff_id = app.me() and h.entity = hold.entity and h.version = hold.version and h.body = hold.body limit 1);
begin
    perform app.decoys_touched('change', array[customer]);
    if made is not null then
        return made;
    end if;
    made := app.uuid7();
    perform app.hold_alert(held->>'rule', (held->>'since')::timestamptz);
    if not exists (select from app.hold h where h.org_id = app.org() and h.staff_id = app.me() and h.status = 'pending'
            and h.id >= app.uuid7_floor(app.now() - interval '24 hours')) then
        perform app.tell(d, 'hold', null, 'Changes of phones and e-mails wait to be decided: ' || (held->>'rule')) from app.deciders(app.me()) d;
    end if;
    insert into app.hold (org_id, id, at, staff_id, entity, record_id, customer_id, version, body, rule, session_id, request_id)
    values (app.org(), made, app.now(), app.me(), entity, record, customer, version, body, held->>'rule', app.session_id(), app.request_id());
    return made;
end
$$;

-- Behind each statement that archives: beyond the limit of deletions somebody is told at once, not when a change of a phone comes to wait
-- for it. And when a rep's restore of his own writes back more contact values than he may change by hand: what stood there before
-- may be what he planted.
create or replace function app.tg_gone() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    b    jsonb;
    via  text := current_setting('app.via', true);
    most bigint;
begin
    if app.me() is null or nullif(current_setting('app.operation', true), '') is null
        or not (via in ('api', 'bulk') and current_setting('app.action', true) <> 'holds.approve' or via = 'restore' and app.role() = 'rep') then
        return null;
    end if;
    b := app.budget_of(app.role(), app.me(), (select o.budgets from app.settings o where o.org_id = app.org()));
    if tg_argv[0] = 'archived' then
        -- What went along with its customer counts with that; nor may a statement have archived anything of this kind. That there is a customer is found at
        -- once where an operation has archived many.
        if tg_argv[1] <> 'customers' and exists (select from app.history h where h.org_id = app.org()
                and h.operation_id = current_setting('app.operation')::uuid and h.field = 'archived_at' and h.entity = 'customers')
            or not exists (select from app.history h where h.org_id = app.org() and h.operation_id = current_setting('app.operation')::uuid
                and h.field = 'archived_at' and h.entity = tg_argv[1]) then
            return null;
        end if;
        most := app.change_limit(b, 'deletions', 'day', app.me());
        if most is not null and (select count(*) from app.deleted(app.me(), app.now() - interval '24 hours', most + 1)) > most then
            perform app.exposure_locked(app.org(), app.me(), app.role(), app.now()), app.hold_alert('deletions', app.now() - interval '24 hours');
        end if;
    elsif via = 'restore' then
        most := app.change_limit(b, 'contact_changes', 'hour', app.me());
        if most is not null and (select count(*) from (select from app.history h where h.org_id = app.org() and h.operation_id = current_setting('app.operation')::uuid
                and h.field in ('email', 'phone') limit most + 1) c) > most then
            perform app.exposure_locked(app.org(), app.me(), app.role(), app.now()),
                app.alert('contact_changes', 'high', app.me(), 'restore', jsonb_build_object('from', app.time_json(app.now()),
                    'to', app.time_json(app.clock() + interval '1 microsecond'), 'operations', array[current_setting('app.operation')]));
        end if;
    end if;
    return null;
end
$$;
alter function app.tg_gone owner to holdfast_owner;

do $do$
declare
    t text;
    e record;
begin
    for e in select * from (values ('customer', 'customers'), ('contact', 'contacts'), ('deal', 'deals'), ('activity', 'activities'), ('offer', 'offers')) v(name, entity) loop
        execute format('create or replace trigger _920_gone after update of archived_at on app.%I for each statement execute function app.tg_gone(''archived'', %L)',
            e.name, e.entity);
    end loop;
    foreach t in array array['customer', 'contact'] loop
        execute format('create or replace trigger _930_gone after update of email, phone on app.%I for each statement execute function app.tg_gone(''restored'')', t);
    end loop;
end
$do$;

-- What nobody decided about for two weeks is over.
create or replace function app.holds_expire() returns void
language sql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
    update app.hold set status = 'expired', decided_at = app.now() where status = 'pending' and at <= app.now() - interval '14 days'
$$;
alter function app.holds_expire owner to holdfast_owner;
