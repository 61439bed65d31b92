-- settings.sql: how the org works.

create view api.settings with (security_invoker = true) as
select o.visibility, o.contact_masking, o.classification, o.backdate_days,
    -- How much is too much is not for those whom it stops; they see how much is left.
    case when (select app.role()) <> 'rep' then app.budgets_whole(o.budgets) end as budgets,
    coalesce(o.ledger_months, 36) as ledger_months, app.export_settings(o.exports) as exports, app.bulk_settings(o.bulk) as bulk,
    case when (select app.role()) <> 'rep' then app.rotation_settings(o.rotation) end as rotation,
    case when (select app.role()) = 'admin' then o.notify end as notify,   -- the addresses of hooks may be as good as keys
    o.version, o.updated_at,
    o.org_id as _org, 'v' || o.version as _etag, null::int as _status
from app.settings o;

-- The org's settings. 304 when if_none_match holds their entity-tag.
create function api.settings_get(session text, request uuid, if_none_match text[]) returns setof api.settings
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    r api.settings;
begin
    perform app.enter(session, request, 'settings.read', reads => true);
    select * into strict r from api.settings v where v._org = app.org();
    if app.tag_matches(if_none_match, r._etag) then
        r._status := 304;
    end if;
    return next r;
end
$$;

-- Changes some settings, which holds from everybody's next request on: 403 for everybody but an admin, 412 when if_match does
-- not hold their entity-tag.
create function api.settings_change(session text, request uuid, if_match text[], body jsonb) returns setof api.settings
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    o     app.settings;
    n     app.settings;
    wrong text;
    pointer text;
begin
    perform app.enter(session, request, 'settings.change');
    if app.role() <> 'admin' then
        perform app.refuse(403, 'forbidden', 'Only an admin changes the settings.');
    end if;
    select * into strict o from app.settings t where t.org_id = app.org() for no key update;
    if not app.tag_matches(if_match, 'v' || o.version) then
        perform app.refuse(412, 'version_mismatch', 'If-Match does not hold the settings'' entity-tag. Read them again and repeat the change.',
            jsonb_build_object('version', o.version));
    end if;
    n := jsonb_populate_record(o, body);
    if body ? 'budgets' then
        n.budgets := nullif(app.merge_patch(o.budgets, body->'budgets'), '{}');
        wrong := app.budgets_wrong(n.budgets);
        if wrong is not null then
            perform app.refuse_member(422, 'invalid_value', '/budgets', 'budget', wrong);
        end if;
    end if;
    n.exports := nullif(app.merge_patch(o.exports, coalesce(body->'exports', '{}')), '{}');
    n.bulk := nullif(app.merge_patch(o.bulk, coalesce(body->'bulk', '{}')), '{}');
    if body ? 'rotation' then
        n.rotation := nullif(app.merge_patch(o.rotation, body->'rotation'), '{}');
        select w.pointer, w.said into pointer, wrong from app.rotation_wrong(n.rotation, body->'rotation') w;
        if wrong is not null then
            perform app.refuse_member(422, 'invalid_value', pointer, 'rotation', wrong);
        end if;
    end if;
    n.notify := app.merge_patch(o.notify, coalesce(body->'notify', '{}'));
    if n is distinct from o then
        update app.settings t set (visibility, contact_masking, classification, backdate_days, budgets, ledger_months, exports, bulk, rotation, notify, webhook_secret)
            = (n.visibility, n.contact_masking, n.classification, n.backdate_days, n.budgets, n.ledger_months, n.exports, n.bulk, n.rotation, n.notify, n.webhook_secret)
        where t.org_id = app.org();
    end if;
    if n.webhook_secret is distinct from o.webhook_secret then
        perform app.operation_record(app.org(), 0);   -- that it was replaced is remembered, if not by what
    end if;
    return query select * from api.settings v where v._org = app.org();
end
$$;
