-- timeline.sql: the first page of what happened with the rep's customer number :number (timeline_seed.sql).
select * from api.customer_timeline(session => :sid, request => gen_random_uuid(),
    id => ('01920000-0000-7000-8000-' || lpad(:number::text, 12, '0'))::uuid, filter => '{}', cursor => null, lim => 50);
