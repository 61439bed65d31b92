-- near_miss.sql: whether a contact value was changed so little that nobody notices.

-- How many characters are replaced, inserted, removed or swapped with their neighbour between two texts; three stands for three and
-- more. Only the band around the diagonal is looked at, in which two lie.
create or replace function app.edits(a text, b text) returns int
language plpgsql immutable parallel safe as $$
declare
    n     int;
    x     text[];
    y     text[];
    prev2 int[];
    prev  int[];
    row_  int[];
    best  int;
    v     int;
begin
    if abs(char_length(a) - char_length(b)) > 2 then
        return 3;
    end if;
    -- What both begin with needs no table.
    n := 0;
    while n < least(char_length(a), char_length(b)) and substr(a, n + 1, 1) = substr(b, n + 1, 1) loop
        n := n + 1;
    end loop;
    x := string_to_array(substr(a, n + 1), null);
    y := string_to_array(substr(b, n + 1), null);
    prev := array(select least(g, 3) from generate_series(0, cardinality(y)) g);
    for i in 1..cardinality(x) loop
        row_ := array_fill(3, array[cardinality(y) + 1]);
        row_[1] := least(i, 3);
        best := row_[1];
        for j in greatest(1, i - 2)..least(cardinality(y), i + 2) loop
            v := least(prev[j] + (x[i] <> y[j])::int, prev[j + 1] + 1, row_[j] + 1, 3);
            if i > 1 and j > 1 and x[i] = y[j - 1] and x[i - 1] = y[j] then
                v := least(v, prev2[j - 1] + 1);
            end if;
            row_[j + 1] := v;
            best := least(best, v);
        end loop;
        if best = 3 then
            return 3;
        end if;
        prev2 := prev;
        prev := row_;
    end loop;
    return prev[cardinality(y) + 1];
end
$$;

-- The digits of a number, 00 for +.
create or replace function app.phone_digits(phone text) returns text
language sql immutable parallel safe as $$
    select regexp_replace(regexp_replace(app.phone_plain(phone), '^[ (]*[+]', '00'), '[^0-9]', '', 'g')
$$;

-- Of two e-mail addresses, capitals apart, or two phone numbers, of which the digits count: one or two of these differ. The same
-- number once with its country's code and once with a 0 in its place is the same.
create or replace function app.near_miss(old text, new text) returns boolean
language plpgsql immutable parallel safe as $$
declare
    a text;
    b text;
begin
    if old is null or new is null then
        return false;
    elsif strpos(old, '@') > 0 or strpos(new, '@') > 0 then
        return app.edits(lower(old), lower(new)) between 1 and 2;
    end if;
    a := app.phone_digits(old);
    b := app.phone_digits(new);
    if left(a, 2) <> '00' and left(b, 2) = '00' then
        a := b;
        b := app.phone_digits(old);
    end if;
    -- a is the one with the code, if only one has it.
    if left(a, 2) = '00' and b ~ '^0[1-9][0-9]{5}' and char_length(a) - 2 > char_length(b) and right(a, char_length(b) - 1) = substr(b, 2) then
        return false;
    end if;
    return app.edits(regexp_replace(a, '^00', ''), regexp_replace(b, '^00', '')) between 1 and 2;
end
$$;
