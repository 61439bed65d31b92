-- grants.sql: who may execute what. Functions are public by default in PostgreSQL; here none is.

do $$
declare
    f record;
begin
    for f in select p.oid::regprocedure name, n.nspname, p.proname, p.proowner::regrole::text owner, p.prosecdef definer
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ('api', 'app')
          and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
    loop
        execute format('revoke all on function %s from public', f.name);
        if f.nspname = 'app' then
            execute format('grant execute on function %s to holdfast_api, holdfast_owner', f.name);
        elsif f.proname ~ '^(session|password)_' then
            -- Logging in is the owner's work: it finds people before there is a session.
            execute format('alter function %s owner to holdfast_owner', f.name);
            execute format('grant execute on function %s to holdfast_sessions', f.name);
        else
            execute format('alter function %s owner to holdfast_api', f.name);
            execute format('grant execute on function %s to holdfast_cgi', f.name);
        end if;
    end loop;
end
$$;

-- What only an operator may do.
revoke all on function app.org_create, app.invite_create(text), app.invite_create(int, uuid), app.track, app.track_event
    from holdfast_api;

do $$
declare
    v text;
begin
    for v in select format('%I.%I', schemaname, viewname) from pg_views where schemaname = 'api' loop
        execute format('alter view %s owner to holdfast_api', v);
    end loop;
end
$$;
grant usage on schema api to holdfast_cgi, holdfast_sessions;
grant execute on function api.refuse_form to holdfast_sessions;
revoke create on schema api from holdfast_api, holdfast_owner;
