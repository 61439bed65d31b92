-- json.sql: what PostgreSQL's jsonb lacks.

-- Lays a merge patch over a value: null removes a member, objects merge, anything else replaces (RFC 7396).
create or replace function app.merge_patch(target jsonb, patch jsonb) returns jsonb
language plpgsql immutable as $$
declare
    k text;
    v jsonb;
begin
    if jsonb_typeof(patch) <> 'object' then
        return patch;
    end if;
    if target is null or jsonb_typeof(target) <> 'object' then
        target := '{}';
    end if;
    for k, v in select * from jsonb_each(patch) loop
        if v = 'null' then
            target := target - k;
        else
            target := target || jsonb_build_object(k, app.merge_patch(target->k, v));
        end if;
    end loop;
    return target;
end
$$;
