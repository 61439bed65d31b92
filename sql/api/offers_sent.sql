-- offers_sent.sql: what becomes of an offer: it is sent, accepted or declined, and revised.

-- Whether a revision behind this one was sent.
create function api.offer_outdated(o app.offer) returns boolean
language sql stable as $$
    select exists (select from app.offer n where n.org_id = o.org_id and n.number = o.number and n.revision > o.revision and n.status <> 'draft')
$$;

-- Sends a draft: from now on it is what was promised, by the caller, and the revisions before it are not valid any more. Where the
-- caller sends if_match, only the version that he read: 412.
create function api.offer_send(session text, request uuid, retry text, id uuid, if_match text[], body jsonb) returns setof api.offer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    o app.offer;
    r api.offer;
begin
    perform app.enter(session, request, 'offers.send');
    retry := retry || id;   -- the key is good for this offer alone
    if api.child_made(retry) is null then
        o := api.child_locked(o, 'offers', id);
        r := api.child_checked(r, 'offers', id, coalesce(api.offer_tags(if_match), '{*}'), '{}');
        if r._status = 412 then
            return next r;
            return;
        end if;
        perform api.offer_live(o), api.offer_draft(o);
        if api.offer_outdated(o) then
            perform app.refuse(409, 'not_latest', 'A later revision was sent already.');
        elsif o.lines = '[]' then
            perform app.refuse_member(422, 'invalid_value', '/lines', 'required', 'It offers nothing yet.');
        elsif o.valid_until < app.today() then
            perform app.refuse_member(422, 'invalid_value', '/valid_until', 'range', 'This day is over.');
        end if;
        perform app.operation_because(coalesce(body->>'note', ''));
        update app.offer t set status = 'sent', promised_by = app.me() where t.org_id = app.org() and t.id = o.id;
        perform app.retry_keep(retry, o.id);
    end if;
    return next api.offer_answer(id, 200);
end
$$;

-- The next revision of what was sent: a draft with the same lines, but for what body says.
create function api.offer_revise(session text, request uuid, retry text, id uuid, body jsonb) returns setof api.offer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    o    app.offer;
    r    api.offer;
    made uuid;
begin
    perform app.enter(session, request, 'offers.revise');
    retry := retry || id;   -- the key is good for this offer alone
    made := api.child_made(retry);
    if made is null then
        o := api.child_locked(o, 'offers', id);
        r := api.child_checked(r, 'offers', id, '{*}', '{}');
        perform api.offer_live(o);
        if o.status = 'accepted' then
            perform app.refuse(409, 'offer_accepted', 'This offer was accepted. Write another one.');
        elsif o.status = 'draft' then
            perform app.refuse(409, 'not_sent', 'This is a draft. Change it.');
        elsif o.revision >= 100 then
            perform app.refuse(409, 'too_many_revisions', 'An offer has at most 100 revisions. Write another one.');
        elsif exists (select from app.offer n where n.org_id = o.org_id and n.number = o.number and n.status = 'draft' and n.archived_at is null) then
            perform app.refuse(409, 'draft_exists', 'The next revision is being written already.');
        elsif api.offer_outdated(o) then
            perform app.refuse(409, 'not_latest', 'A later revision was sent. Revise that.');
        end if;
        -- What the caller does not get to see he does not offer anew.
        o.contact_id := (select k.id from app.contact k where k.org_id = o.org_id and k.id = o.contact_id);
        o.deal_id := (select d.id from app.deal d where d.org_id = o.org_id and d.id = o.deal_id);
        o.revision := 1 + (select max(n.revision) from app.offer n where n.org_id = o.org_id and n.number = o.number);
        o.status := 'draft';
        made := api.child_create(o, retry, api.offer_said(body));
    end if;
    return next api.offer_answer(made, 201);
end
$$;

-- What the customer decided about the offer that is valid.
create function api.offer_decided(retry text, id uuid, decision text, reason text) returns api.offer
language plpgsql volatile as $$
declare
    o app.offer;
    r api.offer;
begin
    retry := retry || id;   -- the key is good for this offer alone
    if api.child_made(retry) is null then
        o := api.child_locked(o, 'offers', id);
        r := api.child_checked(r, 'offers', id, '{*}', '{}');
        perform api.offer_live(o);
        if o.status = 'draft' then
            perform app.refuse(409, 'not_sent', 'This is a draft. Send it first.');
        elsif o.status <> 'sent' then
            perform app.refuse(409, 'offer_decided', format('This offer is %s already.', o.status));
        elsif o.superseded_at is not null then
            perform app.refuse(409, 'superseded', 'A later revision was sent. Decide on that.');
        elsif o.valid_until < app.today() then
            perform app.refuse(409, 'offer_expired', format('It was valid until %s. Revise it.', o.valid_until));
        elsif decision = 'declined' and btrim(coalesce(reason, '')) = '' then
            perform app.refuse_member(422, 'invalid_value', '/reason', 'required', 'Say why it was declined.');
        end if;
        update app.offer t set status = decision, reason = offer_decided.reason where t.org_id = app.org() and t.id = o.id;
        perform app.retry_keep(retry, o.id);
    end if;
    return api.offer_answer(id, 200);
end
$$;

create function api.offer_accept(session text, request uuid, retry text, id uuid, body jsonb) returns setof api.offer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'offers.accept');
    return next api.offer_decided(retry, id, 'accepted', body->>'reason');
end
$$;

create function api.offer_decline(session text, request uuid, retry text, id uuid, body jsonb) returns setof api.offer
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'offers.decline');
    return next api.offer_decided(retry, id, 'declined', body->>'reason');
end
$$;
