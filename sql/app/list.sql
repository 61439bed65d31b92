-- list.sql: pages by key. What a caller may filter and sort by is a fixed table per list; nothing a
-- client sends becomes SQL text, only the choice between these.

create or replace function app.texts(list jsonb) returns text[]
language sql immutable as $$ select array(select jsonb_array_elements_text(list)) $$;

create or replace function app.uuids(list jsonb) returns uuid[]
language plpgsql immutable as $$
begin
    return array(select jsonb_array_elements_text(list)::uuid);
end
$$;

-- The conditions of a filter, joined by and. words is the list's table: word -> condition over the row v and
-- the filter $1. C has refused unknown words already.
create or replace function app.filter_sql(filter jsonb, words jsonb) returns text
language plpgsql immutable as $$
begin
    return (select coalesce(string_agg(' and ' || w.value, '' order by w.key), '') from jsonb_each_text(words) w where filter ? w.key);
end
$$;

-- The parts of a sort: "-updated_at,name" over the list's table word -> [expression, type], with the id behind.
create or replace function app.sort_parts(sort text, words jsonb)
returns table (n int, expression text, type text, descending boolean)
language sql immutable as $$
    with asked as (
        select s.n::int, ltrim(s.word, '-') word, s.word like '-%' descending
        from unnest(string_to_array(sort, ',')) with ordinality s(word, n))
    select a.n, words->a.word->>0, words->a.word->>1, a.descending from asked a
    union all
    select 1000, 'v.id', 'uuid', (select a.descending from asked a order by a.n desc limit 1)
    order by 1
$$;

create or replace function app.order_sql(sort text, words jsonb) returns text
language plpgsql immutable as $$
begin
    return (select string_agg(p.expression || case when p.descending then ' desc' else '' end, ', ' order by p.n) from app.sort_parts(sort, words) p);
end
$$;

-- The JSON array that a cursor holds: the sort's values of the row v.
create or replace function app.position_sql(sort text, words jsonb) returns text
language plpgsql immutable as $$
begin
    return (select format('jsonb_build_array(%s)', string_agg(p.expression, ', ' order by p.n)) from app.sort_parts(sort, words) p);
end
$$;

-- The condition "behind the cursor $2". One direction is a row comparison, which an index serves; mixed
-- directions are spelled out.
create or replace function app.after_sql(sort text, words jsonb) returns text
language plpgsql immutable as $$
declare
    p      record;
    equal  text := '';
    either text[] := '{}';
    plain  boolean;
    left_  text;
    right_ text;
begin
    select bool_and(s.descending) or not bool_or(s.descending),
        string_agg(s.expression, ', ' order by s.n),
        string_agg(format('($2->>%s)::%s', s.i - 1, s.type), ', ' order by s.n)
    into plain, left_, right_
    from (select *, row_number() over (order by t.n) i from app.sort_parts(sort, words) t) s;
    if plain then
        return format('(%s) %s (%s)', left_, case when sort like '-%' then '<' else '>' end, right_);
    end if;
    for p in select *, row_number() over (order by t.n) - 1 i from app.sort_parts(sort, words) t loop
        either := either || format('(%s%s %s ($2->>%s)::%s)', equal, p.expression,
            case when p.descending then '<' else '>' end, p.i, p.type);
        equal := equal || format('%s = ($2->>%s)::%s and ', p.expression, p.i, p.type);
    end loop;
    return '(' || array_to_string(either, ' or ') || ')';
end
$$;
