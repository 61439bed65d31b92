-- time.sql: the clock, time-ordered ids, times as JSON.

-- The time of the transaction. A test database replaces this function and app.clock by ones with an
-- offset (tests/sql/clock.sql), so that a test can live through months.
create or replace function app.now() returns timestamptz
language sql stable as 'select now()';

-- The time of this very moment: what orders changes to one record, since it is taken under the record's lock.
create or replace function app.clock() returns timestamptz
language sql volatile as 'select clock_timestamp()';

-- The first UUIDv7 of a moment: 48 bits of milliseconds, 12 bits of their fraction, the rest zero
-- (RFC 9562, 5.7 and 6.2 method 3). What was made before sorts below it.
create or replace function app.uuid7_floor(at timestamptz) returns uuid
language plpgsql immutable strict as $$
declare
    us bigint := greatest(0, extract(epoch from at) * 1000000);
begin
    return encode(substring(int8send(us / 1000) from 3) || int2send((28672 + us % 1000 * 4096 / 1000)::int2)
        || '\x8000000000000000'::bytea, 'hex')::uuid;
end
$$;

-- A new UUIDv7 of a moment: of a column or a parameter it is inlined where 100,000 are made, 1.6 us each against 3.6 in plpgsql.
create or replace function app.uuid7(at timestamptz) returns uuid
language sql volatile as $$
    select encode(overlay(uuid_send(gen_random_uuid())  -- whose variant bits are right already
        placing int8send((date_part('epoch', at) * 1000000)::bigint / 1000 * 65536 + 28672
            + (date_part('epoch', at) * 1000000)::bigint % 1000 * 4096 / 1000) from 1 for 8), 'hex')::uuid
$$;

-- A new UUIDv7 of this moment, which is asked for once.
create or replace function app.uuid7() returns uuid
language plpgsql volatile as $$
declare
    at timestamptz := app.clock();
begin
    return app.uuid7(at);
end
$$;

-- A time as the API shows it: RFC 3339, UTC, six fractional digits.
create or replace function app.time_json(at timestamptz) returns jsonb
language sql stable as $$
    select to_jsonb(to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
$$;
