-- 0001_roles.sql: who exists in the database, and the schemas.
--
-- holdfast_owner     no login; owns the tables, reads staff and sessions for app.enter, writes history and ledger
-- holdfast_api       no login; owns the api functions and is bound by the policies
-- holdfast_mover     no login; owns the few functions by which a row leaves somebody's view
-- holdfast_search    no login; owns the one search function
-- holdfast_sessions  the login of the sessions program: alone opens sessions and checks passwords
-- holdfast_cgi       the login of all other programs: executes api functions, has no table at all

do $$
declare
    r text;
begin
    foreach r in array array['owner', 'api', 'mover', 'search', 'sessions', 'cgi'] loop
        if not exists (select from pg_roles where rolname = 'holdfast_' || r) then
            execute format('create role holdfast_%s nosuperuser nobypassrls noinherit nocreatedb nocreaterole %s',
                r, case when r in ('sessions', 'cgi') then 'login connection limit 150' else 'nologin' end);
        end if;
    end loop;
    -- The one who migrates may be no superuser (a managed server): he needs the owners' membership
    -- to hand objects over to them.
    if not (select rolsuper from pg_roles where rolname = current_user) then
        execute format('grant holdfast_owner, holdfast_api, holdfast_mover, holdfast_search to %I', current_user);
    end if;
    -- Large objects would be a table without history that everybody may write.
    if (select rolsuper from pg_roles where rolname = current_user) then
        for r in select p.oid::regprocedure::text from pg_proc p
            where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ '^(lo_|lowrite|loread)'
        loop
            execute format('revoke all on function %s from public', r);
        end loop;
    end if;
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect on database %I to holdfast_cgi, holdfast_sessions', current_database());
end
$$;

revoke all on schema public from public;
create schema if not exists app;
grant usage, create on schema app to holdfast_owner;
grant usage on schema app to holdfast_api, holdfast_mover, holdfast_search;

create extension if not exists pg_trgm;
create extension if not exists btree_gin;
