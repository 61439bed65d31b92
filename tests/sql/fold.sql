-- fold.sql: is every record what its history says? Only test databases get this.
create or replace function app.test_fold_differences()
returns table (entity text, record_id uuid, record jsonb, folded jsonb)
language plpgsql as $$
declare
    e app.entity;
begin
    for e in select * from app.entity loop
        return query execute format($q$
            with folded as (
                select h.org_id, h.record_id,
                    coalesce((array_agg(h.new order by h.version desc, h.id desc) filter (where h.field is null))[1], '{}')
                    || coalesce(l.last, '{}') as doc
                from app.history h
                left join (select f.org_id, f.record_id, jsonb_object_agg(f.field, f.new) last
                    from (select distinct on (x.org_id, x.record_id, x.field) x.* from app.history x
                        where x.entity = %1$L and x.field is not null
                        order by x.org_id, x.record_id, x.field, x.version desc, x.id desc) f
                    group by f.org_id, f.record_id) l on l.org_id = h.org_id and l.record_id = h.record_id
                where h.entity = %1$L
                group by h.org_id, h.record_id, l.last)
            select %1$L::text, r.id, app.%3$s_record(r), f.doc
            from %2$s r full join folded f on f.org_id = r.org_id and f.record_id = r.id
            where app.%3$s_record(r) is distinct from f.doc
            $q$, e.name, e.relation, e.singular);
    end loop;
end
$$;
