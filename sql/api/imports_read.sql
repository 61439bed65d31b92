-- imports_read.sql: what a part of a file says, as the members of our records in text, and what is wrong with a value whatever it is.

-- A row of a file by member; null where there is nothing.
create type api.customer_text as (line int, name text, email text, phone text, website text, address text, city text, region text, postal_code text,
    country text, source text, stage text, owner text, value text, currency text, notes text, tags text, custom jsonb, odd text[]);
create type api.contact_text as (line int, customer text, name text, title text, email text, phone text, notes text, odd text[]);
create type api.activity_text as (line int, customer text, kind text, direction text, subject text, body text, outcome text, at text, next_step text,
    due_at text, done_at text, odd text[]);

-- Rows of a part as a source of SQL, r: line, row and c1, c2, ... of the arrays $1 and $2.
create function api.import_rows_sql(i app.import) returns text
language sql stable as $$
    select format('unnest($1%s) with ordinality r(line, %s, row)', string_agg(format(', $2[%s]::text[]', n), '' order by n), string_agg('c' || n, ', ' order by n))
    from generate_series(1, cardinality(i.header)) n
$$;

-- The expression of a column's value; null of no column.
create function api.import_value_sql(n int) returns text
language sql immutable as $$ select 'app.import_plain(r.c' || n || ', $3)' $$;

-- The rows of a part as an array of one of the types above. odd has the members whose control characters are not stored.
create function api.import_texts(i app.import, p app.import_part, result anyarray) returns anyarray
language plpgsql stable as $$
declare
    type text := rtrim(pg_typeof(result)::text, '[]');
begin
    execute format('select array_agg(row(%s)::%s order by r.line) from %s', (
            select string_agg(case a.attname
                when 'line' then 'r.line'
                -- Two arrays: a function has at most a hundred arguments.
                when 'custom' then coalesce((select format('jsonb_strip_nulls(jsonb_object(array[%s], array[%s]))',
                        string_agg(quote_literal(substr(i.targets[n], 8)), ', ' order by n), string_agg(api.import_value_sql(n), ', ' order by n))
                    from generate_series(1, cardinality(i.targets)) n where i.targets[n] like 'custom.%' having count(*) > 0), '''{}''::jsonb')
                when 'odd' then case when p.odd = '[]' then 'null::text[]' else 'array(select $4[(o->>1)::int] from jsonb_array_elements($5) o where (o->>0)::int = r.row '
                    'and not ((o->>2)::boolean and $4[(o->>1)::int] in (''address'', ''notes'', ''body'')) and $4[(o->>1)::int] is not null)' end
                else coalesce(api.import_value_sql(array_position(i.targets, a.attname::text)), 'null::text') end, ', ' order by a.attnum)
            from pg_attribute a join pg_type t on t.typrelid = a.attrelid where t.oid = type::regtype and a.attnum > 0),
        type, api.import_rows_sql(i))
    into result using p.lines, p.columns, i.nulls, i.targets, p.odd;
    return result;
end
$$;

-- Which of these rows did not go in, with what is in them and why: errors[n] are "member:code" of lines[n].
create function api.import_keep_errors(i app.import, p app.import_part, lines int[], errors jsonb) returns void
language plpgsql volatile as $$
begin
    execute format('insert into app.import_error (org_id, import_id, line, errors, fields) '
        'select $3, $4, r.line, (select jsonb_agg(jsonb_build_object(''column'', $5[array_position($6, split_part(w, '':'', 1))], ''code'', split_part(w, '':'', 2), '
        '''detail'', app.import_says(split_part(w, '':'', 1), split_part(w, '':'', 2)))) from jsonb_array_elements_text(e.words) w), array[%s] '
        'from %s join (select l.line, $8->(l.n::int - 1) as words from unnest($7) with ordinality l(line, n)) e on e.line = r.line',
        (select string_agg('r.c' || n, ', ' order by n) from generate_series(1, cardinality(i.header)) n), api.import_rows_sql(i))
    using p.lines, p.columns, i.org_id, i.id, i.header, i.targets, lines, errors;
end
$$;

-- member:length where a text is too long.
create function api.import_long(member text, value text, most int) returns text
language sql immutable as $$ select case when char_length(value) > most then member || ':length' end $$;

-- What is wrong with an e-mail, and with a phone number, as in every body.
create function api.import_email_wrong(email text) returns text
language sql immutable as $$
    select case when strpos(email, '*') > 0 then 'email:mask' when char_length(email) > 254 then 'email:length' when not app.email_good(email) then 'email:format' end
$$;

create function api.import_phone_wrong(phone text) returns text
language sql immutable as $$
    select case when strpos(phone, '*') > 0 then 'phone:mask' when char_length(phone) > 40 then 'phone:length' when not app.phone_good(phone) then 'phone:format' end
$$;
