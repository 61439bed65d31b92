-- near_miss_test.sql: which changes of a phone or an e-mail address nobody would notice.
begin;
select no_plan();

create temp table pair (old text, new text, near boolean);
insert into pair values
    -- Digits: one or two replaced, inserted, removed, swapped.
    ('+49 30 5550 0012', '+49 30 5550 0013', true), ('+49 30 5550 0012', '+49 30 5550 0021', true), ('+49 30 5550 0012', '+49 30 5550 012', true),
    ('+49 30 5550 0012', '+49 30 5550 00012', true), ('+49 30 5550 0012', '+49 30 5505 0012', true), ('+49 30 5550 0012', '+49 31 5550 0013', true),
    ('+49 30 5550 0012', '+48 30 5550 0012', true), ('+49 30 5550 0012', '+49 30 5550 001234', true), ('+49 30 5550 0012', '+49 30 5550 00', true),
    ('+49 30 5550 0012', '+49 03 5550 0012', true), ('+49 30 1234567', '+49 03 1234576', true), ('030 555010', '130 555010', true), ('5554729', '5554792', true),
    ('030 555010', '+49 30 555011', false), ('030 555010', '031 555010', true), ('+49 30 5550-12', '+49 30 5550-21', true),
    -- Three, or another number.
    ('+49 30 5550 0012', '+49 30 5550 0345', false), ('+49 30 5550 0012', '+49 30 5550 0', false), ('+49 30 5550 0012', '+49 40 777 123', false),
    ('+49 30 1234567', '+49 03 2134576', false), ('+49 30 5550 0012', '+33 1 42685300', false),
    -- The same number written otherwise.
    ('+49 30 5550 0012', '+49 (30) 5550-0012', false), ('+49 30 55500012', '0049 30 55500012', false), ('030 555010', '+49 30 555010', false),
    ('+49 30 555010', '(030) 555010', false), ('030 555010', '00353 30 555010', false), ('Tel. 030 5550', '030 5550', false), ('+49 30 5550 ext. 12', '+49 30 5550', false),
    ('+49 30 5550 0012', '+49 30 5550 0012', false),
    -- Addresses.
    ('anna@firm.example', 'ana@firm.example', true), ('anna@firm.example', 'anna@fim.exmple', true), ('anna@firm.example', 'naan@firm.example', true),
    ('anna@firm.example', 'anna@firm.exmaple', true), ('anna@firm.example', 'anna@farm.exanple', true), ('anna@firm.example', 'anna2@firm.examples', true),
    ('anna@firm.example', 'Anna@Firm.Example', false), ('anna@firm.example', 'an@fim.example', false), ('anna@firm.example', 'bruno@firm.example', false),
    ('anna@firm.example', 'anna@other.example', false), (repeat('x', 240) || '@firm.example', repeat('x', 239) || 'y@firm.example', true),
    (repeat('xy', 120) || '@firm.example', repeat('yx', 120) || '@firm.example', true), (repeat('xyz', 80) || '@firm.example', repeat('zyx', 80) || '@firm.example', false),
    -- What was not there, or is no more.
    (null, '+49 30 5550', false), ('+49 30 5550', null, false), (null, null, false), ('anna@firm.example', '+49 30 5550', false);
select is(app.near_miss(p.old, p.new), p.near, format('%s > %s', left(p.old, 40), left(p.new, 40))) from pair p;
select is(app.near_miss(p.new, p.old), p.near, format('and back: %s > %s', left(p.new, 40), left(p.old, 40))) from pair p;

-- The distance is that of the whole table, counted without a band: of 2,000 random pairs.
create function pg_temp.slow(a text, b text) returns int language plpgsql immutable as $$
declare
    d int[] := array_fill(0, array[char_length(a) + 1, char_length(b) + 1]);
begin
    for i in 0..char_length(a) loop
        for j in 0..char_length(b) loop
            d[i + 1][j + 1] := case when i = 0 then j when j = 0 then i
                else least(d[i][j] + (substr(a, i, 1) <> substr(b, j, 1))::int, d[i][j + 1] + 1, d[i + 1][j] + 1) end;
            if i > 1 and j > 1 and substr(a, i, 1) = substr(b, j - 1, 1) and substr(a, i - 1, 1) = substr(b, j, 1) then
                d[i + 1][j + 1] := least(d[i + 1][j + 1], d[i - 1][j - 1] + 1);
            end if;
        end loop;
    end loop;
    return d[char_length(a) + 1][char_length(b) + 1];
end
$$;
select setseed(0.5);
create temp table chance as
select w.a, case when w.n % 2 = 0 then w.b else overlay(w.a placing left(w.b, w.n % 3) from 1 + w.n % 5 for w.n % 4) end as b
from (select g as n, string_agg(chr(97 + floor(random() * 3)::int), '') filter (where i <= 3 + g % 7) as a, string_agg(chr(97 + floor(random() * 3)::int), '') filter (where i <= 3 + g % 6) as b
    from generate_series(1, 2000) g, generate_series(1, 10) i group by g) w;
select is_empty($$select a, b, app.edits(a, b), pg_temp.slow(a, b) from chance where app.edits(a, b) <> least(3, pg_temp.slow(a, b))$$, 'it is counted rightly');
select cmp_ok(count(*) filter (where pg_temp.slow(a, b) in (1, 2))::int, '>', 300, 'near ones are among them') from chance;

select * from finish();
rollback;
