-- completeness.sql: how well somebody else could take over the customers of a person.

-- The book of a person: what he owns, as the caller sees it. 404 where there is no such person, 403 for whoever is neither he nor above
-- him, nor an admin or auditor.
--
-- The score is the mean of the customers' scores, weighed by value: within a currency by a customer's share of its sum, between
-- currencies by their numbers of customers. Who has no value counts as worth 1, without a currency in the commonest one. Of a book of
-- more than 2,000 the most valuable 2,000 are scored ("scored"), which takes half a second.
create function api.staff_completeness(session text, request uuid, id uuid) returns setof api.document
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    doc   jsonb;
    worst uuid[];
begin
    perform app.enter(session, request, 'staff.completeness', reads => true);
    if (api.staff_shown(id)).version is null then
        perform app.refuse(403, 'forbidden', 'A person''s completeness is for himself and those above him.');
    end if;
    with book as materialized (
        select v.id, v.name, v.value, v.currency
        from api.customer v where v._org = app.org() and v.owner_id = staff_completeness.id and v.archived_at is null),
    scored as materialized (
        select b.* from book b order by b.value desc nulls last, b.id limit 2000),
    valued as (
        select b.*, case when b.currency is not null then greatest(b.value, 1) end as weight,
            coalesce(b.currency, (select o.currency from book o where o.currency is not null group by 1 order by count(*) desc, 1 limit 1)) as kind
        from scored b),
    weighed as (
        select v.*, s.score, s.codes, s.points,
            coalesce(v.weight, 1) / sum(coalesce(v.weight, 1)) over (partition by v.kind) * count(*) over (partition by v.kind) / count(*) over () as share
        from valued v join app.completeness(array(select b.id from scored b)) s on s.customer_id = v.id),
    lost as (
        select m.code, count(*) as customers, sum(w.share * m.points) as points
        from weighed w, unnest(w.codes, w.points) m(code, points) group by 1),
    risk as (
        select w.*, row_number() over (order by w.share * (100 - w.score) desc, w.id) as n
        from weighed w where w.score < 100 order by n limit 20)
    select jsonb_build_object('staff_id', staff_completeness.id, 'customers', (select count(*) from book), 'scored', (select count(*) from scored),
            'value', (select coalesce(jsonb_agg(jsonb_build_object('currency', t.currency, 'value', t.value) order by t.currency), '[]')
                from (select b.currency, sum(b.value) as value from book b where b.currency is not null and b.value is not null group by 1) t),
            'score', (select round(sum(w.share * w.score)) from weighed w),
            'missing', (select coalesce(jsonb_agg(jsonb_build_object('code', l.code, 'customers', l.customers, 'points', round(l.points, 2))
                order by l.points desc, l.code), '[]') from lost l),
            'worst', (select coalesce(jsonb_agg(jsonb_build_object('customer_id', r.id, 'name', r.name, 'score', r.score, 'value', r.value,
                'currency', r.currency, 'missing', r.codes) order by r.n), '[]') from risk r)),
        array(select r.id from risk r)
    into doc, worst;
    perform app.disclose('completeness', worst, 'base money', masked => true);
    return query select doc, 200, null::text, app.classification();
end
$$;
