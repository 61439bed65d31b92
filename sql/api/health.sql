-- health.sql: is the database there, and which one is it? Open.

create type api.health as (status text, version text, database text);

create function api.health(request uuid) returns setof api.health
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return query select 'ok', app.version(), current_setting('server_version');
end
$$;
