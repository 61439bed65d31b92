-- funnel.sql: the way a customer goes, as one document.

create view api.funnel with (security_invoker = true) as
select f.segments, f.version, f.updated_at,
    f.org_id as _org, 'v' || f.version as _etag, null::int as _status
from app.funnel f;

-- The org's funnel. 304 when if_none_match holds its entity-tag.
create function api.funnel_get(session text, request uuid, if_none_match text[]) returns setof api.funnel
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    r api.funnel;
begin
    perform app.enter(session, request, 'funnel.read', reads => true);
    select * into strict r from api.funnel v where v._org = app.org();
    if app.tag_matches(if_none_match, r._etag) then
        r._status := 304;
    end if;
    return next r;
end
$$;

-- Puts a whole funnel in the place of the one that was read: 403 for everybody but an admin, 412 when if_match does not hold its
-- entity-tag. What may be in it, and 409 for what is in use, is in sql/app/funnel.sql.
create function api.funnel_change(session text, request uuid, if_match text[], body jsonb) returns setof api.funnel
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    f app.funnel;
begin
    perform app.enter(session, request, 'funnel.change');
    if app.role() <> 'admin' then
        perform app.refuse(403, 'forbidden', 'Only an admin changes the funnel.');
    end if;
    select * into strict f from app.funnel t where t.org_id = app.org() for no key update;
    if not app.tag_matches(if_match, 'v' || f.version) then
        perform app.refuse(412, 'version_mismatch', 'If-Match does not hold the funnel''s entity-tag. Read it again and repeat the change.',
            jsonb_build_object('version', f.version));
    end if;
    update app.funnel t set segments = w.segments from (select app.funnel_whole(body->'segments') as segments) w
    where t.org_id = app.org() and t.segments is distinct from w.segments;
    return query select * from api.funnel v where v._org = app.org();
end
$$;
