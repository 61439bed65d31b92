-- 0012_leaks.sql: finding whose an e-mail or a phone number was.

set local role holdfast_owner;

-- By what all spellings of one have in common: of a number, its last seven digits (app.had_before).
create index history_was on app.history (org_id,
    (case field when 'email' then lower(old #>> '{}') else right(regexp_replace(old #>> '{}', '[^0-9]', '', 'g'), 7) end))
    where field in ('email', 'phone');
