-- list.sql: what list.lua asks for, without nginx and the program.
select * from api.customer_list(session => :sid, request => gen_random_uuid(), filter => '{}', archived => false, fields => null,
    sort => '-updated_at', cursor => null, lim => 50, count => null);
