-- changes.sql: an app asks what happened since :tx, which is nothing.
select * from api.changes_list(session => :sid, request => gen_random_uuid(), cursor => jsonb_build_array(:sight::text, jsonb_build_array(:tx::text)), lim => 50);
