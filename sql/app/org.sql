-- org.sql: what an operator does with bin/holdfast, as the one who migrates.

-- A new one-time token for a person to set a password within a week; earlier ones end.
create or replace function app.invite_create(org int, staff_id uuid) returns text
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    token text := app.secret_new(org);
begin
    perform from app.staff s where s.org_id = org and s.id = invite_create.staff_id for no key update;   -- one at a time
    update app.invite i set used_at = app.now()
    where i.org_id = org and i.staff_id = invite_create.staff_id and i.used_at is null;
    insert into app.invite (org_id, token_hash, staff_id, created_by, created_at, expires_at)
    values (org, app.secret_hash(token), staff_id, app.me(), app.now(), app.now() + interval '7 days');
    return token;
end
$$;
alter function app.invite_create(int, uuid) owner to holdfast_owner;

-- An invite for a log-in e-mail.
create or replace function app.invite_create(email text) returns text
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    l app.login;
begin
    select * into l from app.login t where t.email = lower(invite_create.email);
    if not found then
        raise exception 'nobody logs in with %', email;
    end if;
    return app.invite_create(l.org_id, l.staff_id);
end
$$;
alter function app.invite_create(text) owner to holdfast_owner;

-- A new org with a funnel of three segments and one admin. Returns the admin's invite token.
create or replace function app.org_create(name text, admin_name text, email text) returns text
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    org   int;
    admin uuid := app.uuid7();
begin
    lock table app.org in share row exclusive mode;
    org := (select coalesce(max(o.org_id), 0) + 1 from app.org o);
    insert into app.org (org_id, name, created_at) values (org, name, app.now());
    insert into app.settings (org_id, id, classification, created_at, updated_at)
    values (org, app.uuid7(), regexp_replace('Confidential; holder=' || name, '[^ -~]', '?', 'g'), app.now(), app.now());
    insert into app.funnel (org_id, id, segments, created_at, updated_at)
    values (org, app.uuid7(), '[
        {"id": "prospecting", "name": "Prospecting", "rule": "round_robin", "hides": [], "stages": [
            {"id": "new", "name": "New"}, {"id": "contacted", "name": "Contacted"}, {"id": "qualified", "name": "Qualified"}]},
        {"id": "negotiation", "name": "Negotiation", "rule": "round_robin", "hides": [], "stages": [
            {"id": "proposal", "name": "Proposal"}, {"id": "negotiation", "name": "Negotiation"}]},
        {"id": "closing", "name": "Closing", "rule": "round_robin", "hides": [], "stages": [
            {"id": "contract", "name": "Contract"}, {"id": "won", "name": "Won"}, {"id": "lost", "name": "Lost"}]}]', app.now(), app.now());
    -- Nobody made the founder: from the first day on he decides what others take out.
    insert into app.staff (org_id, id, person_id, name, email, role, status, role_since, created_at, updated_at)
    values (org, admin, admin, admin_name, lower(email), 'admin', 'invited', app.now() - app.export_seasoning(), app.now(), app.now());
    return app.invite_create(org, admin);
end
$$;
alter function app.org_create owner to holdfast_owner;
