-- refused.sql: what C tells of a request that was refused (remember in lib/app.c).

-- Open, since the session may be over and its person gone: the secret still says who it was. Shows nothing and lets nothing happen.
create function api.refused(session text, request uuid, method text, path text, status int, code text, record uuid, problem jsonb)
returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.refusal(session, request, method, path, status, code, record, problem);
    return true;
end
$$;
