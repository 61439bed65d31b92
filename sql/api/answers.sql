-- answers.sql: the shapes of answers that are no rows of a list.

-- A document that SQL wrote whole.
create type api.document as (_doc jsonb, _status int, _location text, _classification text);

-- No content, or a problem that is recorded though it refuses.
create type api.nothing as (_status int, _code text, _detail text, _problem jsonb);
