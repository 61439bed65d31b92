-- health.sql: is the database there, and which one is it? Open.

create type api.health as (status text, version text, database text);

create function api.health(request uuid) returns setof api.health
language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    return query select 'ok', app.version(), current_setting('server_version');
end
$$;

-- Does the chores when they are due. Open: it shows nothing. Returns the milliseconds until it wants to be called again.
create function api.health_step() returns int
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.chores();
    return 600000;
end
$$;
