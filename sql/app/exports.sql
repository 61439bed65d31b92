-- exports.sql: nobody alone takes data out.
--
-- The law is in triggers: a decision is refused from whoever may not decide, an approval that lacks decisions does not happen, and what
-- was voided stays so, whatever function writes it.

-- How long a wish waits for a decision, and an approved one for its download.
create or replace function app.export_patience() returns interval
language sql immutable parallel safe as $$ select interval '72 hours' $$;

-- For how long an account must have had its role to decide.
create or replace function app.export_seasoning() returns interval
language sql immutable parallel safe as $$ select interval '72 hours' $$;

-- What holds for an org's exports: the most rows of one, above how many two people decide, and whether a CSV begins with the stamp.
create or replace function app.export_settings(exports jsonb) returns jsonb
language sql immutable parallel safe as $$
    select '{"rows_most": 10000, "two_approvers_above": 5000, "preamble": true}'::jsonb || jsonb_strip_nulls(coalesce(exports, '{}'))
$$;

-- Since when somebody has his role: of a new account, another role, or one that came back, from now on; but for what an operator founds.
create or replace function app.tg_staff_role() returns trigger
language plpgsql as $$
begin
    new.role_since := case when tg_op = 'INSERT' and app.me() is null and new.role_since > '-infinity' then new.role_since else app.now() end;
    return new;
end
$$;
create or replace trigger _160_role_made before insert on app.staff
    for each row execute function app.tg_staff_role();
create or replace trigger _160_role_changed before update of role, status on app.staff
    for each row when (old.role <> new.role or old.status = 'inactive' and new.status <> 'inactive') execute function app.tg_staff_role();

-- Who decides on what a person takes out: managers above him, and admins; of an admin other admins alone. Never he himself by another
-- account, nor by one that was his of late, nobody below him, and nobody whose account was made or promoted of late, or got its password by
-- a token from somebody in the org: whoever made the token may be in it.
create or replace function app.export_deciders(who uuid) returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return query
        select s.id from app.staff w
        join app.staff s on s.org_id = w.org_id and s.status = 'active' and s.person_id <> w.person_id and s.role_since <= app.now() - app.export_seasoning()
        where w.org_id = app.org() and w.id = export_deciders.who
          and (s.role = 'admin' or s.role = 'manager' and w.role <> 'admin' and exists (
              select from app.staff_tree t where t.org_id = w.org_id and t.above_id = s.id and t.below_id = w.id))
          and not exists (select from app.staff_tree t where t.org_id = w.org_id and t.above_id = w.id and t.below_id = s.id)
          and not exists (select from app.invite i where i.org_id = s.org_id and i.staff_id = s.id and i.created_by is not null and i.used_at > app.now() - app.export_seasoning())
          and not exists (select from app.history h where h.org_id = w.org_id and h.record_id in (w.id, s.id) and h.field = 'person_id'
              and h.at > app.now() - app.export_seasoning() and (h.record_id = s.id or h.old #>> '{}' = s.person_id::text))
        order by s.id;
end
$$;
alter function app.export_deciders owner to holdfast_owner;

-- Refuses a decision about what somebody asked for, unless the caller makes it in his own name and may.
create or replace function app.decides(decider uuid, who uuid) returns void
language plpgsql stable as $$
begin
    if decider is distinct from app.me() or decider not in (select app.export_deciders(who)) then
        perform app.refuse(403, 'forbidden', 'This is for somebody above the person who asked, or another admin, whose account is not new, and never for himself.');
    end if;
end
$$;

-- Each decision: by whoever may decide, in his own name, on what waits for one.
create or replace function app.tg_export_decision() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    e app.export;
begin
    select * into strict e from app.export t where t.org_id = new.org_id and t.id = new.export_id for no key update;
    perform app.decides(new.staff_id, e.staff_id);
    if e.status <> 'pending' or e.expires_at <= app.now() then
        perform app.refuse(409, 'not_pending', 'This export does not wait for a decision any more.');
    elsif exists (select from app.export_decision d join app.staff s on s.org_id = d.org_id and s.id = d.staff_id
            join app.staff m on m.org_id = d.org_id and m.id = new.staff_id
            where d.org_id = e.org_id and d.export_id = e.id and s.person_id = m.person_id) then
        perform app.refuse(409, 'already_decided', 'You have decided about this export already; somebody else has to.');
    end if;
    return new;
end
$$;
alter function app.tg_export_decision owner to holdfast_owner;
create or replace trigger _100_law before insert on app.export_decision for each row execute function app.tg_export_decision();

-- The ways that an export goes: pending to approved, rejected, expired or voided; approved to downloaded, expired or voided; no other.
-- What was asked for stays as it was asked.
create or replace function app.tg_export() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    people int;
begin
    if (new.staff_id, new.entity, new.filter, new.columns, new.format, new.row_count, new.digest, new.approvals_needed, new.mark)
        is distinct from (old.staff_id, old.entity, old.filter, old.columns, old.format, old.row_count, old.digest, old.approvals_needed, old.mark) then
        raise exception 'an export is frozen when it is asked for';
    end if;
    if new.status = old.status then
        return new;
    end if;
    if not (old.status = 'pending' and new.status in ('approved', 'rejected', 'expired', 'voided')
        or old.status = 'approved' and new.status in ('downloaded', 'expired', 'voided')) then
        raise exception 'an export does not go from % to %', old.status, new.status;
    end if;
    if new.status = 'approved' then
        select count(distinct s.person_id) into people
        from app.export_decision d join app.staff s on s.org_id = d.org_id and s.id = d.staff_id
        where d.org_id = new.org_id and d.export_id = new.id and d.decision = 'approve' and d.staff_id in (select app.export_deciders(new.staff_id));
        if people < new.approvals_needed then
            raise exception 'an export needs % approvals of people who may give them', new.approvals_needed;
        end if;
    end if;
    return new;
end
$$;
alter function app.tg_export owner to holdfast_owner;
create or replace trigger _100_law before update on app.export for each row execute function app.tg_export();

-- A link is for what was approved, and for whoever asked.
create or replace function app.tg_export_ticket() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    if not exists (select from app.export e where e.org_id = new.org_id and e.id = new.export_id and e.status = 'approved'
            and e.expires_at > app.now() and e.staff_id = app.me()) then
        perform app.refuse(409, 'not_approved', 'This export may not be downloaded.');
    end if;
    return new;
end
$$;
alter function app.tg_export_ticket owner to holdfast_owner;
create or replace trigger _100_law before insert on app.export_ticket for each row execute function app.tg_export_ticket();

-- Voids whatever a person has asked for and not taken yet; what is over already stays so.
create or replace function app.exports_void(org int, who uuid, why text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    was int := app.org_within(org);
    e   record;
begin
    for e in update app.export x set status = 'voided', voided_why = why, decided_at = coalesce(x.decided_at, app.now())
        where x.org_id = org and x.staff_id = who and x.status in ('pending', 'approved') and x.expires_at > app.now() returning x.id
    loop
        perform app.event('exports.void', e.id, null, jsonb_build_object('staff', who, 'why', why));
    end loop;
    perform app.org_within(was);
end
$$;
alter function app.exports_void owner to holdfast_owner;

-- Who leaves, gets another role or loses a segment has other rights than those that were approved.
create or replace function app.tg_staff_exports() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.exports_void(new.org_id, new.id, case when new.status = 'inactive' then 'inactive' when new.role <> old.role then 'role' else 'segments' end);
    return null;
end
$$;
alter function app.tg_staff_exports owner to holdfast_owner;
create or replace trigger _240_exports after update of status, role, segments on app.staff
    for each row when (new.status = 'inactive' or old.role <> new.role or not old.segments <@ new.segments) execute function app.tg_staff_exports();

-- Whether the one who decides made the account that asks, or gave it its password, within the last 30 days: then two people may be one.
create or replace function app.export_maker(who uuid, decider uuid) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return exists (select from app.invite i join app.staff m on m.org_id = i.org_id and m.id = i.created_by join app.staff d on d.org_id = i.org_id and d.id = export_maker.decider
        where i.org_id = app.org() and i.staff_id = export_maker.who and m.person_id = d.person_id and i.used_at > app.now() - interval '30 days');
end
$$;
alter function app.export_maker owner to holdfast_owner;

-- Ends what nobody decided about, or did not fetch.
create or replace function app.exports_expire() returns void
language sql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
    update app.export e set status = 'expired' where e.status in ('pending', 'approved') and e.expires_at <= app.now()
$$;
alter function app.exports_expire owner to holdfast_owner;

-- Lets a part of a file be kept in memory on its way out: in what a session has else it would go through a file.
create or replace function app.export_room() returns void
language sql volatile as $$ select set_config('work_mem', '32MB', true) $$;

-- Counts what somebody takes out of the base. Nothing is refused here: somebody else has approved it. Of a large export each row of
-- another's counts as new, and app.seen follows (app.export_counted): looking up a million takes longer than sending them.
create or replace function app.export_counts(customers uuid[], contact boolean, exact boolean) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    org int := app.org();
    me  uuid := app.me();
    now timestamptz := app.now();
    e   app.exposure := app.exposure_locked(org, me, app.role(), now);
    hot record;
begin
    if exact then
        select count(*) filter (where s.at is null or s.at < e.began[1]) as h1, count(*) filter (where s.at is null or s.at < e.began[2]) as h2,
            count(*) filter (where s.at is null or s.at < e.began[3]) as h3,
            count(*) filter (where s.contact_at is null or s.contact_at < e.began[1]) as c1, count(*) filter (where s.contact_at is null or s.contact_at < e.began[2]) as c2,
            count(*) filter (where s.contact_at is null or s.contact_at < e.began[3]) as c3
        into hot
        from unnest(customers) i(id)
        left join lateral (select t.at, t.contact_at from app.seen t where t.org_id = org and t.staff_id = me and t.customer_id = i.id offset 0) s on true;
        insert into app.seen as s (org_id, staff_id, customer_id, first_at, at, contact_at)
        select org, me, i.id, now, now, case when contact then now end from unnest(customers) i(id) order by i.id
        on conflict (org_id, staff_id, customer_id) do update set at = greatest(s.at, excluded.at), contact_at = coalesce(excluded.contact_at, s.contact_at);
    else
        select n as h1, n as h2, n as h3, n as c1, n as c2, n as c3 into hot from cast(cardinality(customers) as bigint) n;
    end if;
    e.used[1][1] := e.used[1][1] + hot.h1;
    e.used[2][1] := e.used[2][1] + hot.h2;
    e.used[3][1] := e.used[3][1] + hot.h3;
    if contact then
        e.used[1][2] := e.used[1][2] + hot.c1;
        e.used[2][2] := e.used[2][2] + hot.c2;
        e.used[3][2] := e.used[3][2] + hot.c3;
    end if;
    e := app.exposure_judged(e, now, '{f,f,f}');
    perform app.exposure_kept(e), set_config('app.remaining', coalesce(e.remaining::text, ''), true);
end
$$;
alter function app.export_counts owner to holdfast_owner;

-- Lets app.seen follow one large download, so that whoever asks who has seen a customer is told. Returns whether there was one.
create or replace function app.export_counted() returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    t app.export_ticket;
begin
    -- Also one that nobody ended, as when a machine goes; in no order, lest one that fails is the first again and again.
    select * into t from app.export_ticket k
    where not k.counted and (k.status in ('done', 'failed') or k.status = 'taken' and k.taken_at < app.now() - interval '1 hour')
    order by random() limit 1 for update skip locked;
    if not found then
        return false;
    end if;
    insert into app.seen as s (org_id, staff_id, customer_id, first_at, at, contact_at)
    select t.org_id, d.staff_id, c.id, min(d.at), max(d.at), max(d.at) filter (where d.classes like '%contact%' and not d.masked)
    from app.export_downloads(t.org_id, t.export_id) d, unnest(d.customer_ids) c(id) group by 2, 3 order by 2, 3
    on conflict (org_id, staff_id, customer_id) do update set at = greatest(s.at, excluded.at), contact_at = coalesce(greatest(excluded.contact_at, s.contact_at), s.contact_at);
    update app.export_ticket k set counted = true where k.org_id = t.org_id and k.id = t.id;
    return true;
end
$$;
alter function app.export_counted owner to holdfast_owner;
