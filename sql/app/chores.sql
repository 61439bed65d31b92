-- chores.sql: what has to be tidied now and then, whoever is logged in.

-- Does the chores when the last time is an hour ago, however many machines ask. They show nothing and change no business data:
-- partitions of the ledger ahead, the size of each base, spent idempotency keys, holds, exports and transfers that nobody decided about, files that broke off, old log-in failures and ended refresh tokens.
create or replace function app.chores() returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    update app.chore set last_at = app.now() where last_at < app.now() - interval '1 hour';
    if not found then
        return;
    end if;
    perform app.partitions_ahead(), app.partitions_past(), app.base_counted();
    perform app.retry_forget(), app.holds_expire(), app.exports_expire(), app.bulk_expire(), app.imports_forget();
    delete from app.login_throttle where last_at < app.now() - interval '1 day';
    delete from app.refresh where expires_at < app.now() - interval '30 days';
end
$$;
alter function app.chores owner to holdfast_owner;
