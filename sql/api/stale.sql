-- stale.sql: the answer to an If-Match that no longer holds.

-- The row r of a view as a 412 with the current version and, of each field that the caller wants to change and that somebody else
-- changed since the version he saw, the current value and who changed it; current is the row as he may see it.
create function api.stale(r anyelement, current jsonb, entity text, if_match text[], body jsonb) returns anyelement
language plpgsql stable as $$
declare
    seen      int := (select max(substring(t from '^v([0-9]{1,9})[mx]?(?:h[0-9a-f]{6})?$')::int) from unnest(if_match) t);
    conflicts jsonb;
begin
    select coalesce(jsonb_agg(jsonb_build_object('field', k.field, 'current', current->k.field, 'actor_id', h.actor_id,
        'actor_name', h.name, 'at', app.time_json(h.at)) order by k.field), '[]') into conflicts
    from jsonb_object_keys(body) k(field)
    left join lateral (select h.actor_id, s.name, h.at from app.history h
        left join app.staff s on s.org_id = h.org_id and s.id = h.actor_id
        where h.org_id = app.org() and h.record_id = (current->>'id')::uuid and h.entity = stale.entity and h.field = k.field and h.version > coalesce(seen, 0)
        order by h.id desc limit 1) h on true
    where h.at is not null and seen is not null;
    return jsonb_populate_record(r, jsonb_build_object('_status', 412, '_code', 'version_mismatch',
        '_detail', case when seen is null then 'If-Match does not hold the record''s entity-tag.'
            else 'The record was changed meanwhile. Read it again and repeat the change.' end,
        '_problem', jsonb_build_object('version', current->'version', 'conflicts', conflicts)));
end
$$;
