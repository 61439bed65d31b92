-- fold.sql: is every record what its history says? Only test databases get this.
--
-- A row for each thing that is wrong:
--   fold      a record is not its creation with the last change of each field laid over
--   creation  a record's history does not begin with exactly one creation
--   chain     a change's old is not what the field was before it
--   changes   an operation does not count its history rows
--
-- With since, of what transactions from that one on have written only: the records, with or without history, those that history was
-- written of, and the operations. It misses what is gone without a trace.
create or replace function app.test_fold_differences(since xid default null)
returns table (wrong text, entity text, id uuid, field text, found jsonb, expected jsonb)
language plpgsql as $$
declare
    e       app.entity;
    written jsonb;      -- the records of each entity
    one     text := case when since is null then 'true' else '%s = any($1)' end;
    ids     uuid[];
begin
    if since is not null then
        select coalesce(jsonb_object_agg(h.of, h.ids), '{}') into written
        from (select t.entity as of, jsonb_agg(distinct t.record_id) as ids from app.history t where age(t.xmin) <= age(since) group by 1) h;
    end if;
    for e in select * from app.entity loop
        if since is not null then
            execute format('select array(select r.id from %s r where age(r.xmin) <= age($1) union select x::uuid from jsonb_array_elements_text($2) x)', e.relation)
            into ids using since, written->e.name;
            continue when ids = '{}';
        end if;
        return query execute format($q$
            with changes as (select h.* from app.history h where h.entity = %1$L and %4$s),
            born as (
                select h.org_id, h.record_id, (array_agg(h.new order by h.id) filter (where h.field is null))[1] as doc,
                    count(*) filter (where h.field is null and h.old is null) as creations,
                    bool_or(h.field is null and h.version <> 1) or min(h.version) <> 1 as late
                from changes h group by h.org_id, h.record_id),
            changed as (
                select h.org_id, h.record_id, h.id, h.version, h.field, h.old, h.new,
                    lag(h.new) over f as before, row_number() over f = 1 as first, lead(h.id) over f is null as last
                from changes h where h.field is not null
                window f as (partition by h.org_id, h.record_id, h.field order by h.version, h.id)),
            links as (
                select c.*, case when c.first then nullif(b.doc->c.field, 'null') else c.before end as expected
                from changed c join born b using (org_id, record_id)),
            folded as (
                select b.org_id, b.record_id, b.doc || coalesce(l.patch, '{}') as doc
                from born b left join (select c.org_id, c.record_id, jsonb_object_agg(c.field, c.new) patch
                    from changed c where c.last group by c.org_id, c.record_id) l using (org_id, record_id))
            select 'fold', %1$L::text, coalesce(r.id, f.record_id), null::text, r.doc, f.doc
            from (select r.org_id, r.id, app.%3$s_record(r) as doc from %2$s r where %5$s) r
            full join folded f on f.org_id = r.org_id and f.record_id = r.id
            where jsonb_strip_nulls(r.doc) is distinct from jsonb_strip_nulls(f.doc)   -- a column added since is absent
            union all
            select 'creation', %1$L, b.record_id, null, to_jsonb(b.creations), '1' from born b
            where b.creations <> 1 or b.late
            union all
            select 'chain', %1$L, l.record_id, l.field, l.old, l.expected from links l
            where l.old is distinct from l.expected or l.new is not distinct from l.old
            $q$, e.name, e.relation, e.singular, format(one, 'h.record_id'), format(one, 'r.id')) using ids;
    end loop;
    if since is not null then
        ids := array(select o.id from app.operation o where age(o.xmin) <= age(since)
            union select t.operation_id from app.history t where age(t.xmin) <= age(since));
    end if;
    return query execute format($q$
        select 'changes', null::text, coalesce(o.id, h.operation_id), o.action, to_jsonb(o.changes), to_jsonb(coalesce(h.n, 0))
        from (select * from app.operation o where %s) o
        full join (select t.org_id, t.operation_id, count(*) n from app.history t where %s group by 1, 2) h
            on h.org_id = o.org_id and h.operation_id = o.id
        where o.changes is distinct from coalesce(h.n, 0)
        $q$, format(one, 'o.id'), format(one, 't.operation_id')) using ids;
end
$$;
