-- activities.sql: what was said, done or is to be done.

-- Refuses a rep who would rewrite what somebody else wrote down: 403 names the member.
create function api.activity_may(body jsonb, c app.activity) returns void
language plpgsql stable as $$
declare
    said text := (select k from unnest('{kind,direction,subject,body,outcome,at,contact_id,deal_id}'::text[]) k where body ? k limit 1);
begin
    if app.role() = 'rep' and c.author_id is distinct from app.me() and said is not null then
        perform app.refuse_member(403, 'forbidden', '/' || said, 'forbidden', 'What somebody else wrote down is corrected by him or a manager.');
    end if;
end
$$;

-- Refuses what does not go together: a call has a direction, a note has none.
create function api.activity_fits(body jsonb, c app.activity) returns void
language plpgsql stable as $$
declare
    kind text := coalesce(body->>'kind', c.kind);
    direction text := case when body ? 'direction' then body->>'direction' else c.direction end;
begin
    if kind in ('call', 'email', 'message') and direction is null then
        perform app.refuse_member(422, 'invalid_value', '/direction', 'required', 'Say whether it came in or went out.');
    elsif kind in ('note', 'task') and direction is not null then
        perform app.refuse_member(422, 'invalid_value', '/direction', 'form', 'A note or a task has no direction.');
    end if;
end
$$;

create function api.activity_filters() returns jsonb
language sql immutable as $$
    select jsonb_build_object(
        'customer', 'v.customer_id = any(app.uuids($1->''customer''))',
        'contact', 'v.contact_id = any(app.uuids($1->''contact''))',
        'deal', 'v.deal_id = any(app.uuids($1->''deal''))',
        'kind', 'v.kind = any(app.texts($1->''kind''))',
        'direction', 'v.direction = any(app.texts($1->''direction''))',
        'author', 'v.author_id = any(app.uuids($1->''author''))',
        'backdated', 'v.backdated = ($1->>''backdated'')::boolean',
        'open', '((v.next_step is not null or v.kind = ''task'') and v.done_at is null) = ($1->>''open'')::boolean',
        'due_before', 'v.due_at < ($1->>''due_before'')::timestamptz',
        'due_after', 'v.due_at >= ($1->>''due_after'')::timestamptz',
        'from', 'v.at >= ($1->>''from'')::timestamptz',
        'to', 'v.at < ($1->>''to'')::timestamptz',
        'created_after', 'v.created_at >= ($1->>''created_after'')::timestamptz',
        'created_before', 'v.created_at < ($1->>''created_before'')::timestamptz',
        'updated_after', 'v.updated_at >= ($1->>''updated_after'')::timestamptz',
        'updated_before', 'v.updated_at < ($1->>''updated_before'')::timestamptz')
$$;

create function api.activity_sorts() returns jsonb
language sql immutable as $$
    select '{"at": ["v.at", "timestamptz"], "due_at": ["coalesce(v.due_at, ''infinity'')", "timestamptz"], "updated_at": ["v.updated_at", "timestamptz"], "created_at": ["v.created_at", "timestamptz"]}'::jsonb
$$;

create function api.activity_list(session text, request uuid, filter jsonb, archived boolean, fields text[], sort text,
    cursor jsonb, lim int, count text) returns setof api.activity
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'activities.list', reads => true);
    return query select * from api.child_page('{}'::api.activity[], null::api.activity, 'activities', api.activity_filters(), api.activity_sorts(),
        filter, archived, fields, sort, cursor, lim, count);
end
$$;

-- One activity, now or at an earlier moment.
create function api.activity_get(session text, request uuid, id uuid, as_of timestamptz, if_none_match text[]) returns setof api.activity
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'activities.read', reads => true);
    return next api.child_get(null::api.activity, 'activities', id, as_of, if_none_match);
end
$$;

-- Makes the activity that a body describes, by the caller, of this moment where body says nothing else; returns its id.
create function api.activity_made(retry text, body jsonb) returns uuid
language plpgsql volatile as $$
declare
    c app.customer := api.child_customer((body->>'customer_id')::uuid, 'activities');
    n app.activity;
begin
    n.at := app.now();
    n.backdated := false;
    n.introduction := false;
    perform api.activity_fits(body, null);
    return api.child_create(n, retry, body || jsonb_build_object('author_id', app.me()));
end
$$;

-- A new one, as an answer.
create function api.activity_create(session text, request uuid, retry text, body jsonb) returns setof api.activity
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
begin
    perform app.enter(session, request, 'activities.create');
    return next api.child_answer(null::api.activity, 'activities', coalesce(api.child_made(retry), api.activity_made(retry, body)), 201);
end
$$;

-- Corrects one activity; the row is a 412, or as it was. What it said before stays readable (as_of, history). What was said is corrected by
-- its author, a manager or an admin; the next step belongs to whoever works with the customer.
create function api.activity_changed(id uuid, if_match text[], body jsonb) returns api.activity
language plpgsql volatile as $$
declare
    c app.activity;
    r api.activity;
begin
    c := api.child_locked(c, 'activities', id);
    perform api.activity_may(body, c);
    r := api.child_checked(r, 'activities', id, if_match, body);
    if r._status is null then
        perform api.activity_fits(body, c);
        perform api.child_write(c, body);
    end if;
    return r;
end
$$;

-- The same as an answer.
create function api.activity_change(session text, request uuid, id uuid, if_match text[], body jsonb) returns setof api.activity
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    r api.activity;
begin
    perform app.enter(session, request, 'activities.change');
    r := api.activity_changed(id, if_match, body);
    return next case when r._status is null then api.child_answer(r, 'activities', id, 200) else r end;
end
$$;

-- Archives one. 412 and 409 as in a change.
create function api.activity_archive(session text, request uuid, id uuid, if_match text[]) returns setof api.activity
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    c app.activity;
    r api.activity;
begin
    perform app.enter(session, request, 'activities.archive');
    c := api.child_locked(c, 'activities', id);
    if app.role() = 'rep' and c.author_id is distinct from app.me() then
        perform app.refuse(403, 'forbidden', 'What somebody else wrote down is archived by him or a manager.');
    end if;
    r := api.child_checked(r, 'activities', id, if_match, '{}');
    if r._status = 412 then
        return next r;
        return;
    end if;
    perform api.child_put_away(c);
    return next api.child_answer(r, 'activities', id, 200);
end
$$;
