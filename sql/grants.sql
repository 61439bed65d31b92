-- grants.sql: who may execute what. Functions are public by default in PostgreSQL; here none is, and the programs get only
-- those that prove who asks (session comes first) and the open ones.

do $$
declare
    f    record;
    open text[] := '{health,health_step,restore_step,alerts_step,exports_step,bulk_step,rotations_step,import_step,outbox_take,outbox_done,refuse_form,refused,session_challenge,session_open,session_refresh,password_set}';
begin
    for f in select p.oid::regprocedure name, n.nspname, p.proname,
            coalesce(p.proargnames[1] = 'session', false) or p.proname = any(open) as entry
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ('api', 'app')
          and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
    loop
        execute format('revoke all on function %s from public', f.name);
        if f.nspname = 'app' then
            execute format('grant execute on function %s to holdfast_api, holdfast_owner, holdfast_mover', f.name);
        elsif f.proname ~ '^(session|password)_' then
            -- Logging in is the owner's work: it finds people before there is a session.
            execute format('alter function %s owner to holdfast_owner', f.name);
            if f.entry then
                execute format('grant execute on function %s to holdfast_sessions', f.name);
            end if;
        else
            execute format('alter function %s owner to holdfast_api', f.name);
            if f.entry then
                execute format('grant execute on function %s to holdfast_cgi', f.name);
            end if;
        end if;
    end loop;
end
$$;

-- What only an operator may do.
revoke all on function app.org_create, app.invite_create(text), app.invite_create(int, uuid), app.track, app.track_event,
    app.history_begin, app.act_as, app.watch_person, app.watch_transfers, app.alert_once, app.habit_of, app.off_hours from holdfast_api, holdfast_mover;

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
grant execute on function api.refuse_form, api.refused to holdfast_sessions;
revoke create on schema api from holdfast_api, holdfast_owner;
