-- rights.sql: whoever changes what people may do is told of, whatever function he does it through.

-- An alert about the one who changed a person, the settings or the funnel: critical where a second person is asked for less often from now on; medium where somebody may more or less from now on, or sees
-- other customers; info for all else. What an operator does by SQL, or somebody who accepts his invite, is nobody's.
create or replace function app.tg_rights() returns trigger
language plpgsql as $$
declare
    was    jsonb := case when tg_op = 'UPDATE' then to_jsonb(old) else '{}' end;
    fields text[];
begin
    if app.me() is null then
        return null;
    end if;
    fields := array(select n.key from jsonb_each(to_jsonb(new)) n where n.value is distinct from was->n.key
        and n.key <> all('{org_id,id,version,created_at,updated_at,hides}') order by 1);
    if fields = '{}' then
        return null;
    end if;
    perform app.alert('rights', case when tg_table_name = 'settings' and (app.bulk_settings(nullif(to_jsonb(new)->'bulk', 'null'))->>'approval_above')::bigint
                > (app.bulk_settings(nullif(was->'bulk', 'null'))->>'approval_above')::bigint then 'critical'
            when tg_table_name <> 'staff' or tg_op = 'UPDATE' and fields && '{role,segments,manager_id,person_id,status}'
            or tg_op = 'INSERT' and to_jsonb(new)->>'role' <> 'rep' then 'medium' else 'info' end,
        app.me(), 'none', jsonb_build_object('operations', jsonb_build_array(app.operation_id()), tg_table_name, case
            when tg_op = 'INSERT' then '["new"]' else to_jsonb(fields) end));
    return null;
end
$$;

create or replace trigger _400_rights after insert or update on app.staff
    for each row execute function app.tg_rights();
create or replace trigger _400_rights after update on app.settings
    for each row when (old.version <> new.version) execute function app.tg_rights();
create or replace trigger _400_rights after update on app.funnel
    for each row when (old.version <> new.version) execute function app.tg_rights();
