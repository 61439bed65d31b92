-- enter.sql: the cheapest thing somebody who is logged in can ask for, whatever he is.
select * from api.funnel_get(session => :sid, request => gen_random_uuid(), if_none_match => null);
