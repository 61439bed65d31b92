-- imports_write.sql: a part of a file goes in, or would.

create function api.import_reason(i app.import) returns text
language sql immutable as $$ select format('Import of %s. %s', i.source, i.lawful_basis) $$;

create function api.import_insert(i app.import, rows api.customer_checked[]) returns void
language sql volatile as $$
    insert into app.customer (org_id, id, name, email, phone, website, address, city, region, postal_code, country, source, stage, segment, owner_id, value,
        currency, notes, tags, custom, created_at, updated_at, owner_since)
    select i.org_id, r.id, r.name, r.email, r.phone, r.website, r.address, r.city, r.region, r.postal_code, r.country, r.source, r.stage, '', r.owner_id, r.value,
        r.currency, r.notes, r.tags, r.custom, t.now, t.now, app.now()
    from unnest(rows) r, (select app.clock() as now) t
$$;

create function api.import_insert(i app.import, rows api.contact_checked[]) returns void
language sql volatile as $$
    insert into app.contact (org_id, id, customer_id, name, title, email, phone, notes, is_primary, created_at, updated_at)
    select i.org_id, r.id, r.customer_id, r.name, r.title, r.email, r.phone, r.notes, r.is_primary, t.now, t.now
    from unnest(rows) r, (select app.clock() as now) t
$$;

create function api.import_insert(i app.import, rows api.activity_checked[]) returns void
language sql volatile as $$
    insert into app.activity (org_id, id, customer_id, kind, direction, subject, body, outcome, at, next_step, due_at, done_at, author_id, created_at, updated_at)
    select i.org_id, r.id, r.customer_id, r.kind, r.direction, r.subject, r.body, r.outcome, r.at, r.next_step, r.due_at, r.done_at, app.me(), t.now, t.now
    from unnest(rows) r, (select app.clock() as now) t
$$;

-- Inserts records. What a constraint refuses is found by halves: the errors of those that did not go in, [line, ["member:code"]].
-- Where nothing is wrong, which checks before make the rule, that is one statement.
create function api.import_write(i app.import, rows anyarray) returns jsonb
language plpgsql volatile as $$
declare
    half int := cardinality(rows) / 2;
    name text;
    line int;
begin
    if coalesce(cardinality(rows), 0) = 0 then
        return '[]';
    end if;
    begin
        execute 'select api.import_insert($1, $2)' using i, rows;
        return '[]';
    exception when integrity_constraint_violation or data_exception or insufficient_privilege or sqlstate 'PT422' or sqlstate 'PT403' or sqlstate 'PT409' then
        get stacked diagnostics name = constraint_name;
    end;
    if half > 0 then
        return api.import_write(i, rows[:half]) || api.import_write(i, rows[half + 1:]);
    end if;
    execute 'select ($1[1]).line' into line using rows;
    -- A constraint is called by its member, as email_shape is.
    name := substring(name from '^(' || (select string_agg(t.name, '|') from app.import_targets(i.entity) t) || ')_');
    return jsonb_build_array(jsonb_build_array(line, jsonb_build_array(coalesce(name, '') || ':refused')));
end
$$;

-- The e-mails and phones among these that came before in the same file: in this part, and in those before it where nothing is written,
-- for what is written is found as everybody else is.
create function api.import_repeated(i app.import, lines int[], emails text[], phones text[], writes boolean) returns table (line int, how text)
language plpgsql volatile as $$
begin
    if not writes then
        return query
            with k as (select u.line, u.how, hashtextextended(u.written, 0) as key
                from (select *, 'email' from unnest(lines, emails) union all select *, 'phone' from unnest(lines, phones)) u(line, written, how) where u.written is not null),
            first_ as (insert into app.import_key as w (org_id, import_id, key, line)
                select distinct on (k.key) i.org_id, i.id, k.key, k.line from k order by k.key, k.line on conflict do nothing returning w.key, w.line)
            select k.line, k.how from k where not exists (select from first_ f where f.key = k.key and f.line = k.line);
        return;
    end if;
    return query
        select u.line, u.how
        from (select t.line, t.how, t.written, min(t.line) over (partition by t.written) as first_
            from (select *, 'email' from unnest(lines, emails) union all select *, 'phone' from unnest(lines, phones)) t(line, written, how)) u
        where u.written is not null and u.line > u.first_;
end
$$;

-- Who has these e-mails and phones: shown is null of whom the caller does not see or what is kept back from him, else whether he would see
-- the value itself where he opens the record; own is what this import made.
create function api.import_hits(i app.import, lines int[], emails text[], phones text[])
returns table (line int, entity text, id uuid, customer_id uuid, how text, shown boolean, own boolean)
language plpgsql volatile set plan_cache_mode = force_generic_plan as $$
begin
    perform app.single();
    return query
        select m.*, (select m.how <> all(v.masked) from api.customer v where m.entity = 'customers' and v._org = i.org_id and v.id = m.id and m.how <> all(v._hidden)
                union all
                select m.how <> all(k.masked) from api.contact k join app.customer c on c.org_id = k._org and c.id = k.customer_id
                where m.entity = 'contacts' and k._org = i.org_id and k.id = m.id and m.how <> all(k._hidden)),
            exists (select from app.import_row w where w.org_id = i.org_id and w.import_id = i.id and w.record_id = m.id)
        from app.import_matches(lines, emails, phones) m;
    perform app.single(false);
end
$$;

-- Remembers whom a file hit, and counts them: that somebody has this number is the number itself. One that is masked for whoever tries is a
-- reveal each; what a dry run tells is a contact value seen.
create function api.import_disclose(i app.import, hits uuid[], shown boolean) returns void
language plpgsql volatile as $$
declare
    why text := format('Import %s has it.', i.id);
begin
    if not shown then
        perform app.disclose('reveal', array[h], 'contact', masked => false, reason => why) from unnest(hits) h;
        return;
    end if;
    for n in 1..coalesce(cardinality(hits), 0) by 500 loop
        perform app.disclose('duplicate', hits[n:n + 499], 'base contact', masked => not i.dry_run, reason => why);
    end loop;
end
$$;

-- Which rows are there already: what came before in the file, and the customers and contacts with an e-mail or phone of theirs that the caller
-- sees; a dry run, which leaves nothing behind, tells only of values that are not masked for him. Of others, those are told who see both, as
-- of whoever is typed in, where it is really written.
create function api.import_duplicates(i app.import, lines int[], records uuid[], owners uuid[], emails text[], phones text[], writes boolean)
returns table (line int, kind text, entity text, id uuid, customer_id uuid, matched text[])
language plpgsql volatile as $$
declare
    matches  jsonb := (select jsonb_agg(m) from api.import_hits(i, lines, emails, phones) m);
    repeated jsonb := (select jsonb_agg(r) from api.import_repeated(i, lines, emails, phones, writes) r);
begin
    if matches is null and repeated is null then
        return;
    end if;
    if writes then
        insert into app.notice (org_id, id, staff_id, kind, customer_id, other_id, actor_id, at)
        select app.org(), app.uuid7(), s.id, 'duplicate', h.mine, h.customer_id, app.me(), app.now()
        from (select distinct coalesce(owners[array_position(lines, m.line)], records[array_position(lines, m.line)]) as mine, m.customer_id
            from jsonb_to_recordset(matches) m(line int, customer_id uuid)
            where not exists (select from app.customer c where c.org_id = i.org_id and c.id = m.customer_id) limit 100) h,
            lateral app.duplicate_told(h.customer_id) s(id)
        on conflict do nothing;
    end if;
    -- A contact is no duplicate of its own customer, who may have the same number.
    matches := (select jsonb_agg(m) from jsonb_array_elements(matches) m where (m->>'own')::boolean or (m->>'shown')::boolean is not null
        and ((m->>'shown')::boolean or not i.dry_run)
        and (m->>'entity' = 'contacts' or (m->>'customer_id')::uuid is distinct from owners[array_position(lines, (m->>'line')::int)]));
    if i.checks or i.on_error = 'skip' then     -- and not again where they go in after that
        perform api.import_disclose(i, h.hits, h.shown)
        from (select array_agg(distinct m.customer_id order by m.customer_id) as hits, m.shown
            from jsonb_to_recordset(matches) m(customer_id uuid, shown boolean, own boolean) where not m.own group by m.shown) h;
    end if;
    return query
        select k.line, 'file', null::text, null::uuid, null::uuid, array_agg(distinct k.how order by k.how)
        from (select * from jsonb_to_recordset(repeated) r(line int, how text) union all
            select m.line, m.how from jsonb_to_recordset(matches) m(line int, how text, own boolean) where m.own) k
        group by k.line
        union all
        select m.line, 'base', m.entity, m.id, m.customer_id, array_agg(m.how order by m.how)
        from jsonb_to_recordset(matches) m(line int, entity text, id uuid, customer_id uuid, how text, own boolean)
        where not m.own
        group by m.line, m.entity, m.id, m.customer_id;
end
$$;

-- Does a part: rows are what api.import_customers and the like made of it.
create function api.import_do(i app.import, p app.import_part, rows anyarray) returns void
language plpgsql volatile as $$
declare
    writes  boolean := not i.checks;
    errors  jsonb;        -- [[line, ["member:code"]]]
    left_   int[] := '{}';
    found_  jsonb;
    in_     int;
    first_  jsonb := '[]';
begin
    execute 'select coalesce(jsonb_agg(jsonb_build_array(r.line, r.errors)) filter (where r.errors <> ''{}''), ''[]'') from unnest($1) r' into errors using rows;
    if errors <> '[]' then
        execute 'select array(select r from unnest($1) r where r.errors = ''{}'')' into rows using rows;
    end if;
    if i.entity <> 'activities' then
        execute 'select jsonb_agg(d) from (select array_agg(r.line) lines, array_agg(r.id) records, array_agg(r.customer_id) owners, array_agg(r.email_key) emails, '
            'array_agg(r.phone_key) phones from unnest($2) r) a, lateral api.import_duplicates($1, a.lines, a.records, a.owners, a.emails, a.phones, $3) d'
        into found_ using i, rows, writes;
        if i.duplicates <> 'tell' and found_ is not null then
            left_ := array(select distinct (d->>'line')::int from jsonb_array_elements(found_) d);
            execute 'select array(select r from unnest($1) r where r.line <> all($2))' into rows using rows, left_;
            if i.duplicates = 'refuse' then
                errors := errors || (select jsonb_agg(jsonb_build_array(d->'line', jsonb_build_array(coalesce(nullif(d->'matched'->>0, ''), '') || ':duplicate')))
                    from (select distinct on (e->'line') e as d from jsonb_array_elements(found_) e order by e->'line') u);
                left_ := '{}';
            end if;
        end if;
    end if;
    if writes then
        errors := errors || api.import_write(i, rows);
        if i.on_error = 'refuse' and errors <> '[]' then
            perform app.refuse(422, 'bad_rows', 'Something changed meanwhile, and rows that were good are so no more. Send it again.');
        end if;
        execute 'insert into app.import_row (org_id, import_id, line, record_id) select $1, $2, r.line, r.id from unnest($3) r '
            'where not exists (select from jsonb_array_elements($4) e where (e->>0)::int = r.line)' using i.org_id, i.id, rows, errors;
        get diagnostics in_ = row_count;
    else
        in_ := coalesce(cardinality(rows), 0);
        execute 'select coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(r) - ''{errors,id,email_key,phone_key}''::text[])), ''[]'') from unnest($1[:5]) r' into first_ using rows;
    end if;
    perform api.import_keep_errors(i, p, array(select (e->>0)::int from jsonb_array_elements(errors) e), (select jsonb_agg(e->1) from jsonb_array_elements(errors) e))
    where errors <> '[]';
    update app.import t set good = t.good + in_, bad = t.bad + jsonb_array_length(errors), skipped = t.skipped + cardinality(left_),
        sample = case when t.sample = '[]' then first_ else t.sample end,
        duplicate_count = t.duplicate_count + (select count(distinct d->'line') from jsonb_array_elements(found_) d),
        duplicates_seen = t.duplicates_seen || coalesce((select jsonb_agg(d order by (d->>'line')::int) from (select * from jsonb_array_elements(found_) d
            order by (d->>'line')::int limit greatest(0, 20 - jsonb_array_length(t.duplicates_seen))) d(d)), '[]')
    where t.org_id = i.org_id and t.id = i.id;
end
$$;
