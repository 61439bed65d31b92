-- seed.sql: customers number :first to :last of the org demo, spread evenly over its six reps, with the history of their creation.
-- Number n has the id 01920000-0000-7000-8000-<n in 12 decimal digits> and belongs to rep n % 6 in the order of their e-mails, so
-- that the scripts beside this one can name a customer of a rep without asking; but the last rep shares his with the 2,000 of
-- people.sql.
begin;
select app.act_as(org_id, staff_id, 'customers.create')
from app.login where email = 'ada@demo.test';
insert into app.customer (org_id, id, name, email, phone, website, address, city, postal_code, country, source, stage, owner_id,
    value, currency, notes, tags, custom, created_at, updated_at)
select r.org_id, ('01920000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Customer ' || n, 'info@c' || n || '.example',
    '+49 30 ' || lpad(n::text, 8, '0'), 'https://www.c' || n || '.example', 'Hauptstraße ' || n % 500, 'Town ' || n % 300,
    lpad((n % 99999)::text, 5, '0'), 'DE', ('{web,fair,referral,call}'::text[])[1 + n % 4], r.stages[1 + n / 6 % cardinality(r.stages)], r.id,
    n % 5000 * 12345, 'EUR', case when n % 3 = 0 then 'Prefers calls in the morning.' end,
    case when n % 5 = 0 then '{key account}'::text[] else '{}' end, jsonb_build_object('employees', 10 + n * 7 % 500),
    now() - n * interval '1 minute', now() - n * interval '1 minute'
from generate_series(:first::bigint, :last::bigint) n
join (select s.org_id, s.id, row_number() over (order by s.email) - 1 k,
        array(select t.id from app.stage t where t.org_id = s.org_id and t.segment_id = any(s.segments) order by t.position) stages
    from app.staff s join app.credential c on c.org_id = s.org_id and c.staff_id = s.id
    where s.role = 'rep' and s.org_id = (select org_id from app.login where email = 'ada@demo.test')
    union all
    select s.org_id, s.id, 10 + split_part(split_part(s.email, '-', 2), '@', 1)::int,
        array(select t.id from app.stage t where t.org_id = s.org_id and t.segment_id = any(s.segments) order by t.position)
    from app.staff s where s.email like 'crowd-%') r on r.k = case when n % 12 = 11 then 11 + n / 12 % 2000 else n % 6 end;
commit;
vacuum (analyze) app.customer, app.history;
