-- restores_scope.sql: what a restore takes back, and who may.

-- Of a scope's history h, what a caller may restore at all: people, settings and funnel only admins.
create function api.scope_reach(scope jsonb) returns text
language sql stable as $$
    select app.scope_sql(scope) || case app.role() when 'admin' then '' else ' and h.customer_id is not null' end
$$;

-- Refuses a scope that is malformed (422), shows nothing to the caller (404) or is not his to take back (403). From here on the
-- transaction reaches what his own operations in it moved away (app.regain).
create function api.scope_authorize(scope jsonb) returns void
language plpgsql volatile as $$
declare
    forms text[] := array(select k from jsonb_object_keys(scope) k where k in ('change', 'operation', 'actor', 'entity'));
    h     app.history;
    actor uuid;
    wrong text;
begin
    if forms[1] in ('operation', 'actor') then
        perform app.regain(scope);
    end if;
    if cardinality(forms) <> 1 then
        perform app.refuse_member(422, 'invalid_value', '/scope', 'form',
            'Give exactly one of change; operation; entity, id and as_of; actor, from and to.');
    end if;
    select k into wrong from jsonb_object_keys(scope) k
    where k <> all(case forms[1] when 'entity' then '{entity,id,field,as_of}'::text[] when 'actor' then '{actor,from,to,entities}'
        else forms end) limit 1;
    if wrong is not null then
        perform app.refuse_member(422, 'invalid_value', '/scope/' || wrong, 'form', format('This does not go with %s.', forms[1]));
    end if;
    select k into wrong from unnest(case forms[1] when 'entity' then '{id,as_of}'::text[] when 'actor' then '{from,to}'::text[]
        else '{}' end) k where not scope ? k limit 1;
    if wrong is not null then
        perform app.refuse_member(422, 'invalid_value', '/scope/' || wrong, 'required', 'This is needed here.');
    end if;

    case forms[1]
    when 'change' then
        select * into h from app.history t where t.org_id = app.org() and t.id = (scope->>'change')::uuid;
        if not found then
            perform app.refuse_missing();
        end if;
        actor := h.actor_id;
    when 'operation' then
        select o.actor_id into actor from app.operation o where o.org_id = app.org() and o.id = (scope->>'operation')::uuid;
        if not found then
            perform app.refuse_missing();
        end if;
    when 'actor' then
        actor := (scope->>'actor')::uuid;
        if not exists (select from app.staff s where s.org_id = app.org() and s.id = actor) then
            perform app.refuse_missing();
        end if;
        if (scope->>'from')::timestamptz >= (scope->>'to')::timestamptz then
            perform app.refuse_member(422, 'invalid_value', '/scope/to', 'range', 'The window ends before it begins.');
        end if;
        if exists (select from jsonb_array_elements(scope->'entities') w
            where cardinality(app.entities(jsonb_build_array(w))) = 0) then
            perform app.refuse_member(422, 'invalid_value', '/scope/entities', 'unknown', 'There is no such entity.');
        end if;
    when 'entity' then
        if cardinality(app.entities(jsonb_build_array(scope->'entity'))) = 0 then
            perform app.refuse_member(422, 'invalid_value', '/scope/entity', 'unknown', 'There is no such entity.');
        end if;
        -- Locked before it is asked who sees it and who else changed it: a change that waits to be committed counts too.
        perform app.restore_lock((app.entities(jsonb_build_array(scope->'entity')))[1], array[(scope->>'id')::uuid]);
        if not api.record_visible((app.entities(jsonb_build_array(scope->'entity')))[1], (scope->>'id')::uuid) then
            perform app.refuse_missing();
        end if;
        if scope ? 'field' and not exists (select from app.entity e, app.tracked(e.relation::regclass) t
            where e.name = (app.entities(jsonb_build_array(scope->'entity')))[1] and t.name = scope->>'field') then
            perform app.refuse_member(422, 'invalid_value', '/scope/field', 'unknown', 'There is no such field.');
        end if;
        -- A rep takes back what he did himself; whoever manages the record, all of it.
        if app.role() = 'rep' and exists (select from app.history t where t.org_id = app.org()
            and t.record_id = (scope->>'id')::uuid and t.at > (scope->>'as_of')::timestamptz and t.actor_id is distinct from app.me()) then
            perform app.refuse(403, 'forbidden', 'Others changed this record too. Ask your manager to restore it.');
        end if;
        actor := app.me();
    end case;

    if app.role() = 'auditor' then
        perform app.refuse(403, 'forbidden', 'An auditor writes nothing.');
    elsif not coalesce(app.has_authority(actor), app.role() in ('admin', 'manager'))
        and not (app.role() = 'manager' and scope ? 'change') then
        perform app.refuse(403, 'forbidden', 'Only this person, a manager above or an admin can take this back.');
    end if;
end
$$;

-- Whether the caller may restore a record, archived or not, as far as he sees it.
create function api.record_visible(entity text, id uuid) returns boolean
language plpgsql stable as $$
declare
    seen boolean;
begin
    if app.role() <> 'admin' and (select e.customer_column is null from app.entity e where e.name = record_visible.entity) then
        return false;
    end if;
    execute format('select exists (select from %s t where t.org_id = $1 and t.id = $2)',
        (select e.relation::regclass from app.entity e where e.name = record_visible.entity))
    into seen using app.org(), id;
    return seen;
end
$$;

-- How many fields of the scope the caller does not see.
create function api.scope_outside(scope jsonb) returns bigint
language plpgsql volatile as $$
declare
    n bigint;
begin
    if app.role() = 'admin' then
        return 0;
    end if;
    execute format('select count(*) from (select distinct h.record_id, h.field from app.history h where h.org_id = $2 and %s) f',
        api.scope_reach(scope)) into n using scope, app.org();
    return app.scope_fields(scope) - n;
end
$$;
