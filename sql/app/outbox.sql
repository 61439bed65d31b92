-- outbox.sql: what is told to people outside.

create or replace function app.notify(kind text, subject jsonb) returns void
language sql volatile as $$ select $$;
