-- read.sql: what read.lua asks for, without nginx and the program.
\set n 6 * random(1, :count / 6 - 1) + :rep
select * from api.customer_get(session => :sid, request => gen_random_uuid(),
    id => ('01920000-0000-7000-8000-' || lpad(:n::text, 12, '0'))::uuid, as_of => null, if_none_match => null);
