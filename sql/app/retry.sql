-- retry.sql: Idempotency-Key. The same key and body does the thing once.

-- The result of an earlier request with this key, or null when this is the first. retry is "<key> <fingerprint of
-- the request>", null without a key. 422 key_reused for another body, 409 in_progress while the first runs.
create or replace function app.retry_result(retry text) returns uuid
language plpgsql volatile as $$
declare
    k text := split_part(retry, ' ', 1);
    r app.retry;
begin
    if retry is null then
        return null;
    end if;
    if not pg_try_advisory_xact_lock(hashtextextended(
        concat_ws(' ', 'retry', app.org(), app.me(), current_setting('app.action'), k), 0)) then
        perform app.refuse(409, 'in_progress', 'The first request with this Idempotency-Key is still running.',
            '{"retry_after": 1}');
    end if;
    select * into r from app.retry t
    where t.org_id = app.org() and t.staff_id = app.me() and t.action = current_setting('app.action') and t.key = k;
    if r.key is not null and r.fingerprint <> split_part(retry, ' ', 2) then
        perform app.refuse(422, 'key_reused', 'This Idempotency-Key was used with another request.');
    end if;
    return r.result;
end
$$;

-- Keeps what the request with this key did, with results where that is more than one thing.
create or replace function app.retry_keep(retry text, result uuid, results jsonb default null) returns void
language sql volatile as $$
    insert into app.retry (org_id, staff_id, action, key, fingerprint, result, results, at)
    select app.org(), app.me(), current_setting('app.action'), split_part(retry, ' ', 1), split_part(retry, ' ', 2),
        result, results, app.now()
    where retry is not null
$$;

-- The results that the request with this key kept.
create or replace function app.retry_results(retry text) returns jsonb
language sql stable as $$
    select t.results from app.retry t
    where t.org_id = app.org() and t.staff_id = app.me() and t.action = current_setting('app.action') and t.key = split_part(retry, ' ', 1)
$$;

-- Forgets keys after two days.
create or replace function app.retry_forget() returns void
language sql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
    delete from app.retry where at < app.now() - interval '48 hours'
$$;
alter function app.retry_forget owner to holdfast_owner;
