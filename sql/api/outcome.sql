-- outcome.sql: what became of a change whose answer was lost.

-- committed, aborted or unknown: of the transaction with this id that this request was running in, on a server that had run
-- since boot. The operation that a change leaves, or its hold, carries its request's id, which settles it: a server that crashed may
-- give the id of a lost transaction to another one. When the server was restarted meanwhile, nothing that ran then is still
-- running, so what left no operation is not there. Without one it can only be
-- said of an id that is known as aborted.
create function api.outcome(session text, request uuid, xid text, boot timestamptz) returns text
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'outcome.read', reads => true);
    return case
        when exists (select from app.operation o where o.org_id = app.org() and o.request_id = outcome.request) then 'committed'
        when exists (select from app.hold h where h.org_id = app.org() and h.staff_id = app.me() and h.status = 'pending' and h.request_id = outcome.request) then 'committed'
        when pg_postmaster_start_time() <> boot then 'aborted'
        when pg_xact_status(xid::xid8) = 'aborted' then 'aborted'
        else 'unknown' end;
end
$$;
