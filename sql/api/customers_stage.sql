-- customers_stage.sql: the way through the funnel, from person to person.

-- Where a customer stands, and whose it is, after a move.
create type api.standing as (id uuid, stage text, segment text, owner_id uuid, _classification text);

-- Who gets a customer that moves to a stage. 403, 409 and 422 name what is wrong with the owner asked for. Within a segment, or
-- where the owner works in the other one too, it stays his; else it goes to the person named or by the segment's rule.
create function api.customer_next_owner(c app.customer, stage app.stage, asked uuid) returns uuid
language plpgsql volatile as $$
declare
    rule text := (select g.rule from app.segment g where g.org_id = app.org() and g.id = stage.segment_id);
    heir uuid;
begin
    if asked is not null then
        if app.role() = 'rep' and stage.segment_id = c.segment and asked is distinct from c.owner_id then
            perform app.refuse_member(403, 'forbidden', '/owner_id', 'forbidden', 'A rep hands a customer over to another segment only.');
        elsif app.role() = 'manager' and stage.segment_id = c.segment and not app.has_authority(asked) then
            perform app.refuse_member(403, 'forbidden', '/owner_id', 'forbidden', 'Within a segment the owner must be in your own tree.');
        elsif not exists (select from app.staff s where s.org_id = app.org() and s.id = asked and s.status <> 'inactive' and s.role <> 'auditor') then
            perform app.refuse_member(422, 'invalid_value', '/owner_id', 'inactive', 'The owner must be an active member of staff.');
        elsif not exists (select from app.staff_segment g
            where g.org_id = app.org() and g.staff_id = asked and g.segment_id = stage.segment_id) then
            perform app.refuse_member(422, 'invalid_value', '/owner_id', 'segment', 'The owner does not work in the segment of this stage.');
        end if;
        return asked;
    end if;
    if stage.segment_id = c.segment or exists (select from app.staff_segment g
            join app.staff s on s.org_id = g.org_id and s.id = g.staff_id and s.status = 'active'
            where g.org_id = app.org() and g.staff_id = c.owner_id and g.segment_id = stage.segment_id) then
        return c.owner_id;
    end if;
    if rule = 'manual' then
        perform app.refuse_member(422, 'invalid_value', '/owner_id', 'required', 'Customers are handed over to this segment by name. Say to whom.');
    end if;
    perform pg_advisory_xact_lock(hashtextextended(concat_ws(' ', 'hand over', app.org(), stage.segment_id), 0));
    heir := app.successor(stage.segment_id, rule, coalesce(c.owner_id, app.me()));
    if heir is null then
        perform app.refuse(409, 'nobody_available', 'Nobody active works in the segment of this stage.');
    end if;
    return heir;
end
$$;

-- Moves a customer to a stage: within its segment, or over to another one and its people. 409 when it is archived. The answer to
-- a repetition says what the first request did, whoever sees the customer by now.
create function api.customer_stage(session text, request uuid, retry text, id uuid, body jsonb) returns setof api.standing
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    c     app.customer;
    s     app.stage;
    owner uuid;
    again uuid;
begin
    perform app.enter(session, request, 'customers.stage');
    retry := retry || id;   -- the key is good for this customer alone
    again := app.retry_result(retry);
    if again is not null then
        return query select * from api.customer_stage_again(id, again);
        return;
    end if;
    c := api.customer_locked(id);
    if c.archived_at is not null then
        perform app.refuse(409, 'archived', 'The customer is archived. Restore it first.');
    end if;
    select * into s from app.stage t where t.org_id = app.org() and t.id = body->>'stage';
    if not found then
        perform app.refuse_member(422, 'invalid_value', '/stage', 'unknown', 'There is no such stage.');
    end if;
    owner := api.customer_next_owner(c, s, (body->>'owner_id')::uuid);
    perform app.operation_because(coalesce(body->>'note', ''));
    if (s.id, owner) is distinct from (c.stage, c.owner_id) then
        perform app.hand_over(c.id, s.id, owner);
        if owner is distinct from c.owner_id and owner is distinct from app.me() then
            perform app.tell(owner, 'hand_over', c.id, body->>'note');
        end if;
    end if;
    perform app.retry_keep(retry, app.operation_id()), app.disclose('change', array[c.id], 'base');
    return query select c.id, s.id, s.segment_id, owner, app.classification();
end
$$;

-- What an earlier move of the caller's answered, from the history.
create function api.customer_stage_again(id uuid, operation uuid) returns setof api.standing
language plpgsql volatile as $$
begin
    perform app.disclose('change', array[id], 'base');
    return query select customer_stage_again.id, m.stage,
        (select s.segment_id from app.stage s where s.org_id = app.org() and s.id = m.stage), m.owner_id, app.classification()
    from app.moved_by(operation, id) m;
end
$$;
