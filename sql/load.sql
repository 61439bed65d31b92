-- load.sql: everything that can be rebuilt without losing data, in order. sql/apply runs it in one
-- transaction at each deploy: what is not in these files does not exist afterwards.

set local client_min_messages = warning;

-- All tables at once, before anything is dropped: taken one by one they would deadlock with requests under way. Every request
-- reads app.session first, so those that run end and the others wait, which they do for two seconds at most.
do $$
declare
    rest text := (select string_agg(oid::regclass::text, ', ' order by oid) from pg_class
        where relnamespace = 'app'::regnamespace and relkind in ('r', 'p') and not relispartition);
begin
    for n in 1..200 loop
        begin
            set local lock_timeout = '1s';
            lock table app.session in access exclusive mode;
            execute format('lock table %s in access exclusive mode nowait', rest);
            return;
        exception when lock_not_available or deadlock_detected then
            perform pg_sleep(0.05);   -- somebody logs in, or works for long: let all go on
        end;
    end loop;
    raise 'the tables are in use' using errcode = 'lock_not_available';
end
$$;

-- Policies and the api are dropped first, so the files are the whole truth.
do $$
declare
    p record;
begin
    for p in select schemaname, tablename, policyname from pg_policies where schemaname = 'app' loop
        execute format('drop policy %I on %I.%I', p.policyname, p.schemaname, p.tablename);
    end loop;
end
$$;
drop schema if exists api cascade;

-- So are the functions of app, lest one stay behind when its arguments change; those of triggers are replaced.
do $$
declare
    f regprocedure;
begin
    for f in select p.oid from pg_proc p
        where p.pronamespace = 'app'::regnamespace and p.prorettype <> 'trigger'::regtype and p.proname not like 'test\_%'
    loop
        execute format('drop function %s', f);
    end loop;
end
$$;
create schema api;
grant usage, create on schema api to holdfast_api, holdfast_owner;

\ir app/version.sql
\ir app/time.sql
\ir app/context.sql
\ir app/identity.sql
\ir app/operation.sql
\ir policy/entity.sql
\ir policy/phones.sql
\ir app/history.sql
\ir app/settings.sql
\ir app/funnel.sql
\ir app/staff.sql
\ir app/outbox.sql
\ir app/alerts.sql
\ir app/budgets.sql
\ir app/exposure_limits.sql
\ir app/exposure.sql
\ir app/plain_sight.sql
\ir app/exposure_share.sql
\ir app/exposure_read.sql
\ir app/refusals.sql
\ir app/log_ins.sql
\ir app/rights.sql
\ir app/ledger.sql
\ir app/retry.sql
\ir app/json.sql
\ir app/list.sql
\ir app/job.sql
\ir app/chores.sql
\ir app/phones.sql
\ir app/near_miss.sql
\ir app/customers.sql
\ir app/children.sql
\ir app/offers.sql
\ir app/completeness.sql
\ir app/search.sql
\ir app/duplicates.sql
\ir app/hand_over.sql
\ir app/transfer.sql
\ir app/break_glass.sql
\ir app/holds.sql
\ir app/decoys.sql
\ir app/marks.sql
\ir app/leaks.sql
\ir app/watch.sql
\ir app/exports.sql
\ir app/countries.sql
\ir app/imports.sql
\ir app/restore.sql
\ir app/changes.sql
\ir app/restore_write.sql
\ir app/bulk_set.sql
\ir app/given.sql
\ir app/bulk.sql
\ir app/bulk_chunk.sql
\ir app/rotations.sql
\ir app/search_find.sql
\ir app/org.sql

\ir policy/words.sql
\ir policy/identity.sql
\ir policy/settings.sql
\ir policy/customers.sql
\ir policy/children.sql
\ir policy/search.sql
\ir policy/notices.sql
\ir policy/history.sql
\ir policy/ledger.sql
\ir policy/exposure.sql
\ir policy/jobs.sql
\ir policy/outbox.sql
\ir policy/exports.sql
\ir policy/bulk.sql
\ir policy/rotations.sql
\ir policy/imports.sql

\ir api/answers.sql
\ir api/outcome.sql
\ir api/stale.sql
\ir api/health.sql
\ir api/refused.sql
\ir api/sessions.sql
\ir api/staff.sql
\ir api/staff_sessions.sql
\ir api/funnel.sql
\ir api/settings.sql
\ir api/notices.sql
\ir api/outbox.sql
\ir api/customers.sql
\ir api/duplicates.sql
\ir api/customers_write.sql
\ir api/customers_list.sql
\ir api/customers_stage.sql
\ir api/customers_reveal.sql
\ir api/children.sql
\ir api/children_read.sql
\ir api/children_write.sql
\ir api/contacts.sql
\ir api/deals.sql
\ir api/offers.sql
\ir api/offers_sent.sql
\ir api/activities.sql
\ir api/batch.sql
\ir api/customers_merge.sql
\ir api/search.sql
\ir api/history.sql
\ir api/timeline.sql
\ir api/changes.sql
\ir api/handover.sql
\ir api/completeness.sql
\ir api/holds.sql
\ir api/alerts.sql
\ir api/decoys.sql
\ir api/operations.sql
\ir api/events.sql
\ir api/exposure.sql
\ir api/grants.sql
\ir api/leaks.sql
\ir api/restores_scope.sql
\ir api/restores.sql
\ir api/exports_rows.sql
\ir api/exports.sql
\ir api/bulk_wish.sql
\ir api/bulk_doc.sql
\ir api/bulk.sql
\ir api/rotations.sql
\ir api/exports_file.sql
\ir api/imports_read.sql
\ir api/imports_check.sql
\ir api/imports_write.sql
\ir api/imports_step.sql
\ir api/imports.sql
\ir api/imports_parts.sql

\ir grants.sql

do $$ begin perform app.partitions_ahead(), app.history_begin(); end $$;
