-- change.sql: what change.lua asks for, without nginx and the program.
\set n 6 * random(1, :count / 6 - 1) + :rep
\set town random(1, 1000000000)
select * from api.customer_change(session => :sid, request => gen_random_uuid(),
    id => ('01920000-0000-7000-8000-' || lpad(:n::text, 12, '0'))::uuid, if_match => '{*}',
    body => jsonb_build_object('city', 'Town ' || :town::text));
