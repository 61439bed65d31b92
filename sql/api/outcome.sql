-- outcome.sql: what became of a change whose answer was lost.

-- committed, aborted or unknown: of the transaction with this id that this request was running in. A server that crashed may
-- give the id of a lost transaction to another one, so the operation that it left must carry the request's id. A
-- committed transaction without an operation changed nothing that is remembered, so it cannot be told from that: unknown.
create function api.outcome(session text, request uuid, xid text) returns text
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    status text;
    mine   boolean;
begin
    perform app.enter(session, request, 'outcome.read', reads => true);
    mine := exists (select from app.operation o where o.org_id = app.org() and o.request_id = outcome.request);
    begin
        status := pg_xact_status(xid::xid8);
    exception when invalid_parameter_value then
        status := 'aborted';   -- in the future: the server forgot it in a crash
    end;
    return case when mine then 'committed' when status = 'aborted' then 'aborted' else 'unknown' end;
end
$$;
