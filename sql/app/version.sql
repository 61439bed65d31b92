-- version.sql: which Holdfast this is, as CHANGELOG.md counts.

create or replace function app.version() returns text
language sql immutable as $$ select '0.6.0' $$;
