-- operation.sql: the parent of every change.

-- The operation of this transaction; made up at the first change.
create or replace function app.operation_id() returns uuid
language plpgsql volatile as $$
declare
    id text := nullif(current_setting('app.operation', true), '');
begin
    if id is null then
        id := set_config('app.operation', app.uuid7()::text, true);
    end if;
    return id::uuid;
end
$$;

-- Says why the following changes are made, and which operation they take back.
create or replace function app.operation_because(reason text, undoes uuid default null, via text default null) returns void
language sql volatile as $$
    select set_config('app.reason', reason, true), set_config('app.undoes', coalesce(undoes::text, ''), true),
        set_config('app.via', coalesce(via, current_setting('app.via')), true)
$$;

-- Goes on under an operation that began in an earlier transaction.
create or replace function app.operation_continue(id uuid) returns void
language sql volatile as $$ select set_config('app.operation', id::text, true) $$;

-- Records that n history rows were written under this transaction's operation. A change waits for the disk. One that goes on over
-- several transactions is of the last of them, so that whoever followed it meets it again (app.changed).
-- Its moment is now, but for a decoy's.
create or replace function app.operation_record(org int, n bigint) returns void
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    insert into app.operation as o (org_id, id, at, actor_id, session_id, request_id, action, via, reason, undoes, changes, tx)
    values (org, app.operation_id(), coalesce(nullif(current_setting('app.moment', true), '')::timestamptz, app.now()), app.me(), app.session_id(), app.request_id(),
        coalesce(nullif(current_setting('app.action', true), ''), 'sql'),
        coalesce(nullif(current_setting('app.via', true), ''), 'sql'),
        nullif(current_setting('app.reason', true), ''), nullif(current_setting('app.undoes', true), '')::uuid, n, pg_current_xact_id())
    on conflict (org_id, id) do update set (changes, tx) = (o.changes + excluded.changes, excluded.tx);
    perform app.wait_for_disk(true);
end
$$;
alter function app.operation_record owner to holdfast_owner;
