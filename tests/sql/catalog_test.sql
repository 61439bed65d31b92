-- catalog_test.sql: what the catalog must say: who exists, who owns what, who may do what, and that nothing is left open.
-- Each list of exceptions is here, so that a new one is a decision somebody saw.
begin;
select no_plan();

-- Tables of app: what all orgs share or operators write, and what only test databases have, is left out.
create temp view tables as
select c.oid, c.relname::text as name, c.relispartition as part, c.relowner, c.relrowsecurity, c.relforcerowsecurity
from pg_class c
where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p', 'f', 'm')
  and c.relname not in ('migration', 'loaded') and c.relname not like 'test\_%';

create temp view functions as
select p.oid, n.nspname::text as space, p.proname::text as name, p.oid::regprocedure::text as whole, p.prosecdef, p.proowner::regrole::text as owner,
    l.lanname::text as language, p.proconfig, p.prosrc, p.proleakproof, p.proargnames, p.proacl, p.proowner,
    coalesce(p.proargnames[1] = 'session', false) as proves,
    -- The open ones: what has no session yet, or shows and begins nothing.
    p.proname in ('health', 'health_step', 'restore_step', 'alerts_step', 'exports_step', 'bulk_step', 'rotations_step', 'import_step', 'outbox_take', 'outbox_done', 'refuse_form', 'refused', 'session_challenge', 'session_open', 'session_refresh', 'password_set') as open,
    has_function_privilege('holdfast_cgi', p.oid, 'execute') as cgi,
    has_function_privilege('holdfast_sessions', p.oid, 'execute') as sessions
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
join pg_language l on l.oid = p.prolang
where n.nspname in ('app', 'api')
  and p.proname not like 'test\_%' and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e');

-- Roles.
select set_eq(
    $$select rolname::text, rolcanlogin, rolsuper, rolbypassrls, rolinherit, rolcreaterole, rolcreatedb, rolreplication
        from pg_roles where rolname like 'holdfast%'$$,
    $$values ('holdfast_owner', false, false, false, false, false, false, false),
        ('holdfast_api', false, false, false, false, false, false, false),
        ('holdfast_mover', false, false, false, false, false, false, false),
        ('holdfast_search', false, false, false, false, false, false, false),
        ('holdfast_sessions', true, false, false, false, false, false, false),
        ('holdfast_cgi', true, false, false, false, false, false, false)$$,
    'the six roles have exactly their attributes');
select is_empty($$select m.member::regrole, m.roleid::regrole from pg_auth_members m where m.member::regrole::text like 'holdfast%'$$,
    'none of them is a member of any role');
select is_empty($$select * from pg_default_acl$$, 'nothing is granted by default');

-- Tables.
select isnt_empty('select from tables', 'there are tables');
select is_empty($$select name from tables where not relrowsecurity or not relforcerowsecurity$$,
    'every table has row level security, enabled and forced');
select is_empty($$select name, relowner::regrole from tables where relowner <> 'holdfast_owner'::regrole$$,
    'every table belongs to holdfast_owner');
select is_empty($$select c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('public', 'api') and c.relkind in ('r', 'p', 'f', 'm', 'S') or n.nspname = 'app' and c.relkind in ('S', 'f', 'm', 'v')$$,
    'tables are in app alone, views in api alone, and there are no sequences');
select is_empty($$select t.name from tables t where not exists (select from pg_constraint c where c.conrelid = t.oid and c.contype = 'p')$$,
    'every table has a primary key');
select set_eq(
    $$select i.indexrelid::regclass::text from pg_index i join tables t on t.oid = i.indrelid
        where i.indisunique and (select a.attname from pg_attribute a where a.attrelid = i.indrelid and a.attnum = i.indkey[0]) is distinct from 'org_id'$$,
    $$values ('app.calling_code_pkey'), ('app.chore_pkey'), ('app.entity_pkey'), ('app.login_pkey'), ('app.login_throttle_pkey')$$,
    'org_id leads every primary key and unique index but these');
select is_empty($$select c.conrelid::regclass, c.conname from pg_constraint c
    where c.contype = 'f' and c.connamespace = 'app'::regnamespace and (
        (select a.attname from pg_attribute a where a.attrelid = c.conrelid and a.attnum = c.conkey[1]) is distinct from 'org_id'
        or (select a.attname from pg_attribute a where a.attrelid = c.confrelid and a.attnum = c.confkey[1]) is distinct from 'org_id')$$,
    'org_id leads every foreign key, on both sides');
select is_empty($$select t.name from tables t where t.name not in ('calling_code', 'chore', 'entity', 'login_throttle')
    and not exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = 'org_id' and a.attnotnull)$$,
    'every table has an org_id that is never null');
select is_empty($$select c.conrelid::regclass, c.conname from pg_constraint c
    where c.contype = 'f' and c.connamespace = 'app'::regnamespace and c.confdeltype = 'a'$$, 'every foreign key says on delete');
select is_empty($$select c.conrelid::regclass, c.conname from pg_constraint c where c.connamespace = 'app'::regnamespace and not c.convalidated$$,
    'every constraint was validated');

-- Policies.
select set_eq(
    $$select tablename::text, policyname::text, cmd, array_to_string(roles, ' ') from pg_policies$$,
    $$values
    ('break_glass', 'break_glass_find', 'SELECT', 'holdfast_search'),
    ('break_glass', 'break_glass_open', 'INSERT', 'holdfast_api'),
    ('break_glass', 'break_glass_read', 'SELECT', 'holdfast_api'),
    ('credential', 'credential_owner', 'ALL', 'holdfast_owner'),
    ('customer', 'customer_change', 'UPDATE', 'holdfast_api'),
    ('customer', 'customer_create', 'INSERT', 'holdfast_api'),
    ('customer', 'customer_find', 'SELECT', 'holdfast_search'),
    ('contact', 'contact_find', 'SELECT', 'holdfast_search'),
    ('search_word', 'search_word_find', 'SELECT', 'holdfast_search'),
    ('search_word', 'search_word_owner', 'ALL', 'holdfast_owner'),
    ('segment', 'segment_find', 'SELECT', 'holdfast_search'),
    ('staff_segment', 'staff_segment_find', 'SELECT', 'holdfast_search'),
    ('staff_tree', 'staff_tree_find', 'SELECT', 'holdfast_search'),
    ('customer', 'customer_move', 'ALL', 'holdfast_mover'),
    ('customer', 'customer_read', 'SELECT', 'holdfast_api'),
    ('outbox', 'outbox_read', 'SELECT', 'holdfast_api'),
    ('outbox', 'outbox_take', 'SELECT', 'holdfast_owner'),
    ('outbox', 'outbox_write', 'INSERT', 'holdfast_owner'),
    ('delivery', 'delivery_done', 'UPDATE', 'holdfast_owner'),
    ('delivery', 'delivery_queue', 'UPDATE', 'holdfast_api'),
    ('delivery', 'delivery_read', 'SELECT', 'holdfast_api'),
    ('delivery', 'delivery_take', 'SELECT', 'holdfast_owner'),
    ('delivery', 'delivery_write', 'INSERT', 'holdfast_owner'),
    ('delivery_attempt', 'delivery_attempt_read', 'SELECT', 'holdfast_api'),
    ('delivery_attempt', 'delivery_attempt_write', 'INSERT', 'holdfast_owner'),
    ('disclosure', 'disclosure_read', 'SELECT', 'holdfast_api'), ('disclosure', 'disclosure_find', 'SELECT', 'holdfast_owner'),
    ('disclosure', 'disclosure_write', 'INSERT', 'holdfast_api'),
    ('disclosure_rest', 'disclosure_rest_move', 'ALL', 'holdfast_owner'),
    ('calling_code', 'calling_code_read', 'SELECT', 'holdfast_api holdfast_mover holdfast_owner holdfast_search'),
    ('chore', 'chore_owner', 'ALL', 'holdfast_owner'),
    ('entity', 'entity_read', 'SELECT', 'holdfast_api holdfast_owner'),
    ('entity', 'entity_write', 'ALL', 'holdfast_owner'),
    ('funnel', 'funnel_change', 'UPDATE', 'holdfast_api'),
    ('funnel', 'funnel_owner', 'ALL', 'holdfast_owner'),
    ('funnel', 'funnel_read', 'SELECT', 'holdfast_api'),
    ('history', 'history_count', 'SELECT', 'holdfast_owner'),
    ('history', 'history_read', 'SELECT', 'holdfast_api'),
    ('history', 'history_write', 'INSERT', 'holdfast_owner'),
    ('invite', 'invite_owner', 'ALL', 'holdfast_owner'),
    ('job', 'job_create', 'INSERT', 'holdfast_api'),
    ('job', 'job_progress', 'UPDATE', 'holdfast_api'),
    ('job', 'job_read', 'SELECT', 'holdfast_api'),
    ('job', 'job_take', 'ALL', 'holdfast_owner'),
    ('login', 'login_owner', 'ALL', 'holdfast_owner'),
    ('login_throttle', 'login_throttle_owner', 'ALL', 'holdfast_owner'),
    ('notice', 'notice_read', 'SELECT', 'holdfast_api'),
    ('notice', 'notice_tell', 'INSERT', 'holdfast_api'),
    ('operation', 'operation_count', 'UPDATE', 'holdfast_owner'),
    ('operation', 'operation_find', 'SELECT', 'holdfast_owner'),
    ('operation', 'operation_read', 'SELECT', 'holdfast_api'),
    ('operation', 'operation_write', 'INSERT', 'holdfast_owner'),
    ('org', 'org_owner', 'ALL', 'holdfast_owner'),
    ('org', 'org_read', 'SELECT', 'holdfast_api'),
    ('refresh', 'refresh_owner', 'ALL', 'holdfast_owner'),
    ('restore', 'restore_create', 'INSERT', 'holdfast_api'),
    ('restore', 'restore_progress', 'UPDATE', 'holdfast_api'),
    ('restore', 'restore_read', 'SELECT', 'holdfast_api'),
    ('restore_conflict', 'restore_conflict_create', 'INSERT', 'holdfast_api'),
    ('restore_conflict', 'restore_conflict_read', 'SELECT', 'holdfast_api'),
    ('restore_item', 'restore_item_own', 'ALL', 'holdfast_api'),
    ('retry', 'retry_forget', 'ALL', 'holdfast_owner'),
    ('retry', 'retry_own', 'ALL', 'holdfast_api'),
    ('segment', 'segment_move', 'SELECT', 'holdfast_mover'),
    ('segment', 'segment_owner', 'ALL', 'holdfast_owner'),
    ('segment', 'segment_read', 'SELECT', 'holdfast_api'),
    ('session', 'session_end', 'UPDATE', 'holdfast_api'),
    ('session', 'session_owner', 'ALL', 'holdfast_owner'),
    ('session', 'session_read', 'SELECT', 'holdfast_api'),
    ('settings', 'settings_change', 'UPDATE', 'holdfast_api'),
    ('settings', 'settings_owner', 'ALL', 'holdfast_owner'),
    ('settings', 'settings_read', 'SELECT', 'holdfast_api'),
    ('staff', 'staff_change', 'UPDATE', 'holdfast_api'),
    ('staff', 'staff_create', 'INSERT', 'holdfast_api'),
    ('staff', 'staff_move', 'SELECT', 'holdfast_mover'),
    ('staff', 'staff_owner', 'ALL', 'holdfast_owner'),
    ('staff', 'staff_read', 'SELECT', 'holdfast_api'),
    ('staff_segment', 'staff_segment_move', 'ALL', 'holdfast_mover'),
    ('staff_segment', 'staff_segment_owner', 'ALL', 'holdfast_owner'),
    ('staff_segment', 'staff_segment_read', 'SELECT', 'holdfast_api'),
    ('staff_tree', 'staff_tree_move', 'SELECT', 'holdfast_mover'),
    ('staff_tree', 'staff_tree_owner', 'ALL', 'holdfast_owner'),
    ('staff_tree', 'staff_tree_read', 'SELECT', 'holdfast_api'),
    ('stage', 'stage_move', 'SELECT', 'holdfast_mover'),
    ('stage', 'stage_owner', 'ALL', 'holdfast_owner'),
    ('stage', 'stage_read', 'SELECT', 'holdfast_api'),
    ('offer_counter', 'offer_counter_take', 'ALL', 'holdfast_mover'), ('moved', 'moved_read', 'SELECT', 'holdfast_api'), ('moved', 'moved_keep', 'ALL', 'holdfast_mover')
    union all values ('alert', 'alert_close', 'UPDATE', 'holdfast_api'), ('customer', 'customer_count', 'SELECT', 'holdfast_owner'), ('decoy', 'decoy_create', 'INSERT', 'holdfast_api'),
        ('exposure_grant', 'exposure_grant_create', 'INSERT', 'holdfast_api'), ('hold', 'hold_create', 'INSERT', 'holdfast_api'), ('hold', 'hold_decide', 'UPDATE', 'holdfast_api')
    union all values ('export', 'export_progress', 'UPDATE', 'holdfast_api'), ('export_ticket', 'export_ticket_progress', 'UPDATE', 'holdfast_api'), ('export_decision', 'export_decision_owner', 'SELECT', 'holdfast_owner'),
        ('export_decoy', 'export_decoy_owner', 'SELECT', 'holdfast_owner')
    union all values ('rotation', 'rotation_owner', 'ALL', 'holdfast_owner'), ('rotation', 'rotation_make', 'ALL', 'holdfast_mover'), ('rotation', 'rotation_read', 'SELECT', 'holdfast_api'), ('rotation', 'rotation_decide', 'UPDATE', 'holdfast_api'),
        ('rotation_item', 'rotation_item_owner', 'ALL', 'holdfast_owner'), ('rotation_item', 'rotation_item_make', 'ALL', 'holdfast_mover'), ('rotation_item', 'rotation_item_read', 'SELECT', 'holdfast_api'),
        ('notice', 'notice_rotation', 'INSERT', 'holdfast_mover')
    union all values ('bulk', 'bulk_progress', 'UPDATE', 'holdfast_api'), ('bulk_item', 'bulk_item_own', 'ALL', 'holdfast_api'), ('bulk_decision', 'bulk_decision_owner', 'SELECT', 'holdfast_owner')
    union all select t.name, t.name || '_create', 'INSERT', 'holdfast_api' from unnest('{bulk,bulk_decision,export,export_decision,export_ticket,export_decoy}'::text[]) t(name)
    union all select t.name, t.name || '_read', 'SELECT', 'holdfast_api' from unnest('{bulk,bulk_decision,export,export_decision,export_ticket,export_decoy,seen,exposure,plain_sight,exposure_day,exposure_share,exposure_grant,event,alert,hold,decoy}'::text[]) t(name)
    union all select t.name, t.name || '_owner', 'ALL', 'holdfast_owner' from unnest('{bulk,bulk_item,export,export_ticket,seen,team_seen,exposure,plain_sight,exposure_share,base,alert,hold,habit}'::text[]) t(name)
    union all select t.name, t.name || '_write', 'INSERT', 'holdfast_owner' from unnest('{event,exposure_day}'::text[]) t(name)
    union all select t.name, t.name || '_find', 'SELECT', 'holdfast_owner' from unnest('{event,exposure_day,exposure_grant,decoy}'::text[]) t(name)
    union all values ('import', 'import_read', 'SELECT', 'holdfast_api'), ('import', 'import_create', 'INSERT', 'holdfast_api'), ('import', 'import_progress', 'UPDATE', 'holdfast_api'),
        ('import', 'import_take_back', 'SELECT', 'holdfast_mover'), ('import_row', 'import_row_take_back', 'SELECT', 'holdfast_mover'), ('import_row', 'import_row_create', 'INSERT', 'holdfast_api'),
        ('import_row', 'import_row_read', 'SELECT', 'holdfast_api'), ('import_error', 'import_error_create', 'INSERT', 'holdfast_api'), ('import_error', 'import_error_read', 'SELECT', 'holdfast_api'),
        ('import_part', 'import_part_own', 'ALL', 'holdfast_api'), ('import_key', 'import_key_own', 'ALL', 'holdfast_api')
    union all select t.name, t.name || '_owner', 'ALL', 'holdfast_owner' from unnest('{import,import_part,import_key,import_error}'::text[]) t(name)
    union all select t.name, t.name || w.word, w.cmd, w.role from unnest('{contact,deal,activity,offer}'::text[]) t(name), (values ('_read', 'SELECT', 'holdfast_api'),
        ('_create', 'INSERT', 'holdfast_api'), ('_change', 'UPDATE', 'holdfast_api'), ('_move', 'ALL', 'holdfast_mover')) w(word, cmd, role)$$,
    'the policies are exactly these');
select is_empty($$select tablename, policyname from pg_policies where 'public' = any(roles)$$, 'no policy is for everybody');
select is_empty($$select p.tablename, p.policyname, e.expression
    from pg_policies p, lateral (values (p.qual), (p.with_check)) e(expression)
    where regexp_replace(e.expression, '\( SELECT app\.([a-z_]+)\(\) AS \1\)', '', 'g') ~ '\mapp\.[a-z_0-9]+\(|current_setting'$$,
    'a policy asks for the caller only in a sub-select, once per statement');
select is_empty($$select p.tablename, p.policyname, e.expression
    from pg_policies p, lateral (values (p.qual), (p.with_check)) e(expression)
    where 'holdfast_api' = any(p.roles) and p.tablename not in ('calling_code', 'entity') and e.expression !~ '\(org_id = \( SELECT app\.org\(\) AS org\)\)'$$,
    'every policy of holdfast_api keeps to the caller''s org');

select is_empty($$select tablename, policyname from pg_policies where cmd <> 'SELECT' and roles = '{holdfast_api}'
    and (with_check is null or cmd = 'UPDATE' and with_check <> qual)$$, 'what may be written is as narrow as what may be changed');

-- Privileges on tables.
select set_eq(
    $$select c.relname::text, a.grantee::regrole::text, string_agg(a.privilege_type, ' ' order by a.privilege_type)
        from pg_class c, aclexplode(c.relacl) a
        where c.relnamespace = 'app'::regnamespace and c.relname not like 'test\_%' and a.grantee <> c.relowner group by 1, 2$$,
    $$select t.name, 'holdfast_api', t.privileges from (values
        ('break_glass', 'INSERT SELECT'), ('funnel', 'SELECT'), ('notice', 'INSERT SELECT'), ('settings', 'SELECT'), ('calling_code', 'SELECT'), ('customer', 'INSERT SELECT'), ('disclosure', 'INSERT SELECT'), ('entity', 'SELECT'), ('history', 'SELECT'), ('job', 'INSERT SELECT'),
        ('operation', 'SELECT'), ('restore', 'INSERT SELECT'), ('restore_conflict', 'INSERT SELECT'),
        ('restore_item', 'DELETE INSERT SELECT'), ('retry', 'INSERT SELECT'), ('segment', 'SELECT'), ('staff', 'INSERT SELECT'),
        ('staff_segment', 'SELECT'), ('staff_tree', 'SELECT'), ('stage', 'SELECT'), ('contact', 'INSERT SELECT'), ('deal', 'INSERT SELECT'),
        ('activity', 'INSERT SELECT'), ('offer', 'INSERT SELECT'), ('moved', 'SELECT'), ('exposure_grant', 'INSERT SELECT'), ('hold', 'INSERT SELECT'), ('decoy', 'INSERT SELECT'),
        ('rotation', 'SELECT'), ('rotation_item', 'SELECT'),
        ('bulk', 'INSERT SELECT'), ('bulk_item', 'DELETE INSERT SELECT'), ('bulk_decision', 'INSERT SELECT'),
        ('export', 'INSERT SELECT'), ('export_decision', 'INSERT SELECT'), ('export_ticket', 'INSERT SELECT'), ('export_decoy', 'INSERT SELECT'),
        ('import', 'INSERT SELECT'), ('import_row', 'INSERT SELECT'), ('import_error', 'INSERT SELECT'), ('import_part', 'DELETE INSERT SELECT'), ('import_key', 'DELETE INSERT SELECT'),
        ('seen', 'SELECT'), ('exposure', 'SELECT'), ('plain_sight', 'SELECT'), ('exposure_day', 'SELECT'), ('exposure_share', 'SELECT'), ('event', 'SELECT'), ('alert', 'SELECT'), ('outbox', 'SELECT'), ('delivery', 'SELECT'), ('delivery_attempt', 'SELECT')) t(name, privileges)
    union all select t.name, 'holdfast_mover', 'SELECT' from unnest('{import,import_row,calling_code,customer,contact,deal,activity,offer,segment,staff,staff_segment,staff_tree,stage}'::text[]) t(name)
    union all values ('calling_code', 'holdfast_search', 'SELECT'), ('search_word', 'holdfast_search', 'SELECT'), ('staff_tree', 'holdfast_search', 'SELECT'), ('offer_counter', 'holdfast_mover', 'INSERT SELECT UPDATE'), ('rotation', 'holdfast_mover', 'INSERT SELECT UPDATE'),
        ('rotation_item', 'holdfast_mover', 'DELETE INSERT SELECT'), ('notice', 'holdfast_mover', 'INSERT'), ('moved', 'holdfast_mover', 'INSERT SELECT UPDATE')$$,
    'only these roles have privileges on tables, and exactly these');
select set_eq(
    $$select a.attrelid::regclass::text, x.grantee::regrole::text, x.privilege_type, string_agg(a.attname, ' ' order by a.attname)
        from pg_attribute a join tables t on t.oid = a.attrelid, aclexplode(a.attacl) x group by 1, 2, 3$$,
    $$values ('app.customer', 'holdfast_api', 'UPDATE', 'address archived_at city country currency custom email merged_into name notes owner_id phone '
            'postal_code region source stage tags value website'),
        ('app.hold', 'holdfast_api', 'UPDATE', 'decided_at decided_by note operation_id status'), ('app.alert', 'holdfast_api', 'UPDATE', 'closed_at closed_by note status'),
        ('app.customer', 'holdfast_mover', 'UPDATE', 'archived_at brought owner_id stage worked_in'),
        ('app.import', 'holdfast_api', 'UPDATE', 'bad checks duplicate_count duplicates_seen encoding good part rows sample settled skipped'),
        ('app.funnel', 'holdfast_api', 'UPDATE', 'segments'),
        ('app.customer', 'holdfast_search', 'SELECT', 'archived_at country email_key id name org_id owner_id phone_key segment updated_at worked_in'),
        ('app.contact', 'holdfast_search', 'SELECT', 'archived_at customer_id email_key id name org_id phone_key updated_at'),
        ('app.break_glass', 'holdfast_search', 'SELECT', 'customer_id expires_at org_id staff_id'),
        ('app.segment', 'holdfast_search', 'SELECT', 'id org_id'), ('app.staff_segment', 'holdfast_search', 'SELECT', 'org_id segment_id staff_id'),
        ('app.org', 'holdfast_api', 'SELECT', 'created_at name org_id'),
        ('app.session', 'holdfast_api', 'SELECT', 'address agent created_at expires_at id org_id revoked_at revoked_why staff_id'),
        ('app.session', 'holdfast_api', 'UPDATE', 'revoked_at revoked_why'),
        ('app.settings', 'holdfast_api', 'UPDATE', 'backdate_days budgets bulk classification contact_masking exports ledger_months notify rotation visibility webhook_secret'),
        ('app.bulk', 'holdfast_api', 'UPDATE', 'approved_by decided_at expires_at next_n pace reason refused request_id retry_at session_id status stopped undo_id'),
        ('app.export', 'holdfast_api', 'UPDATE', 'decided_at downloaded_at expires_at rows_sent status'),
        ('app.export_ticket', 'holdfast_api', 'UPDATE', 'after_id clear counted expires_at request_id requests rows status taken_at tries'),
        ('app.delivery', 'holdfast_api', 'UPDATE', 'attempts next_at status'),
        ('app.staff', 'holdfast_api', 'UPDATE', 'email manager_id name person_id role segments status'),
        ('app.staff_segment', 'holdfast_mover', 'UPDATE', 'handed_at'), ('app.rotation', 'holdfast_api', 'UPDATE', 'bulk_id decided_at decided_by note status'),
        ('app.job', 'holdfast_api', 'UPDATE', 'done finished_at started_at status why'),
        ('app.restore', 'holdfast_api', 'UPDATE', 'conflict_count restored'),
        ('app.contact', 'holdfast_api', 'UPDATE', 'archived_at customer_id email is_primary name notes phone title'),
        ('app.deal', 'holdfast_api', 'UPDATE', 'amount archived_at currency customer_id expected_close notes reason stage status title'),
        ('app.activity', 'holdfast_api', 'UPDATE', 'archived_at at body contact_id customer_id deal_id direction done_at due_at kind next_step outcome subject'),
        ('app.offer', 'holdfast_api', 'UPDATE', 'archived_at contact_id currency customer_id deal_id lines notes promised_by reason status superseded_at title valid_until'),
        ('app.contact', 'holdfast_mover', 'UPDATE', 'archived_at is_primary phone_e164 phone_key'), ('app.deal', 'holdfast_mover', 'UPDATE', 'archived_at'),
        ('app.activity', 'holdfast_mover', 'UPDATE', 'archived_at'), ('app.offer', 'holdfast_mover', 'UPDATE', 'archived_at')$$,
    'the columns that can be updated are exactly these: no key, no version, nothing that follows from others');
select is_empty($$select t.name, r.role, p.privilege
    from unnest('{history,operation,disclosure,event,exposure_day,exposure_grant,seen,outbox,delivery_attempt}'::text[]) t(name), unnest('{holdfast_api,holdfast_mover,holdfast_search}'::text[]) r(role),
        unnest('{UPDATE,DELETE,TRUNCATE}'::text[]) p(privilege)
    where has_table_privilege(r.role, 'app.' || t.name, p.privilege)
       or p.privilege = 'UPDATE' and has_any_column_privilege(r.role, 'app.' || t.name, p.privilege)$$,
    'history, operations, the ledger, the event log and the outbox are appended to only');
select is_empty($$select tablename, policyname from pg_policies where tablename in ('history', 'disclosure', 'event', 'exposure_day', 'exposure_grant', 'outbox', 'delivery_attempt') and cmd not in ('SELECT', 'INSERT')$$,
    'not even their owner has a policy to change history, the ledger, the event log or the outbox');

-- The two logins.
select is_empty($$select r.role, c.oid::regclass, p.privilege
    from unnest('{holdfast_cgi,holdfast_sessions}'::text[]) r(role), unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) p(privilege),
        pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('app', 'api', 'public') and c.relkind in ('r', 'p', 'v', 'm', 'f')
      and (has_table_privilege(r.role, c.oid, p.privilege)
        or p.privilege in ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') and has_any_column_privilege(r.role, c.oid, p.privilege))$$,
    'the logins have no privilege on any table, view or column');
select set_eq($$select r.role, n.nspname::text, p.privilege
    from unnest('{holdfast_cgi,holdfast_sessions}'::text[]) r(role), unnest('{USAGE,CREATE}'::text[]) p(privilege), pg_namespace n
    where n.nspname !~ '^pg_temp|^pg_toast_temp' and n.nspname not in ('tap', 'pg_catalog', 'information_schema') and has_schema_privilege(r.role, n.oid, p.privilege)$$,
    $$values ('holdfast_cgi', 'api', 'USAGE'), ('holdfast_sessions', 'api', 'USAGE')$$,
    'they reach the schema api alone and create nothing');
select is_empty($$select r.role, p.privilege from unnest('{holdfast_cgi,holdfast_sessions,holdfast_api,holdfast_owner,public}'::text[]) r(role),
    unnest('{CREATE,TEMPORARY}'::text[]) p(privilege) where has_database_privilege(r.role, current_database(), p.privilege)$$,
    'nobody makes schemas or temporary tables');
select is_empty($$select r.role, n.nspname from unnest('{holdfast_api,holdfast_mover,holdfast_search}'::text[]) r(role), pg_namespace n
    where n.nspname in ('app', 'api', 'public') and has_schema_privilege(r.role, n.oid, 'CREATE')$$, 'nor does holdfast_api');

-- Functions.
select is_empty($$select whole from functions where proleakproof$$, 'no function claims to be leakproof');
select is_empty($$select f.whole from functions f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a where a.grantee = 0$$,
    'nothing is executable by PUBLIC');
select is_empty($$select whole from functions where space = 'app' and (cgi or sessions)$$, 'the logins execute nothing in app');
select is_empty($$select whole from functions where (cgi or sessions) and not proves and not open$$,
    'a login executes what takes a session first, and the open ones');
select is_empty($$select whole from functions where space = 'api' and (proves or open)
    and (cgi, sessions) is distinct from (case when name in ('refuse_form', 'refused') then row(true, true)
        else row(name !~ '^(session|password)_', name ~ '^(session|password)_') end)$$,
    'each of them has its one login');
select is_empty($$select whole, owner from functions where space = 'api'
    and owner <> case when name ~ '^(session|password)_' then 'holdfast_owner' else 'holdfast_api' end$$,
    'api functions belong to holdfast_api, log-in to holdfast_owner');
select is_empty($$select whole from functions where space = 'api' and (cgi or sessions) and name <> 'refuse_form'
    and not (prosecdef and language = 'plpgsql' and proconfig = '{"search_path=pg_catalog, app, pg_temp"}')$$,
    'what a login executes is plpgsql, security definer, with the search path');
select is_empty($$select whole from functions where space = 'api' and not (cgi or sessions) and prosecdef$$,
    'helpers run with the rights of the function that calls them');
select is_empty($$select whole from functions where space = 'api' and (cgi or sessions) and not open
    and not (ltrim(regexp_replace(prosrc, '^.*?\mbegin\M', ''), e' \n\t') ~ '^perform app\.enter\(session, request, ''[a-z]+\.[a-z_]+''(, reads => true)?\);')$$,
    'the first statement of an api function proves who asks');
select is_empty($$select whole from functions where space = 'api' and (cgi or sessions) and not open
    and (regexp_split_to_array(prosrc, '\mbegin\M'))[1] ~ ':=[^;]*(\mapp\.|\mapi\.|\mselect\M)'$$,
    'and nothing is asked before it, in a declaration');
select is_empty($$select whole from functions where space = 'api' and prosrc ~ 'app\.context\(|app\.act_as|set_config|app\.job_enter' and name !~ '^(restore|bulk|import|rotation)_step$'$$,
    'no api function makes up a context');
select is_empty($$select whole from functions where prosrc ~* '\mset\s+(local\s+)?role\M|\mmerge\s+into\M|row_security'$$,
    'no function changes its role');
select set_eq($$select name, owner from functions where space = 'app' and prosecdef$$,
    $$select v.name, v.owner from (values ('chores', 'holdfast_owner'), ('enter', 'holdfast_owner'), ('invite_create', 'holdfast_owner'),
        ('job_enter', 'holdfast_owner'), ('job_total', 'holdfast_owner'), ('operation_record', 'holdfast_owner'), ('org_create', 'holdfast_owner'),
        ('partitions_ahead', 'holdfast_owner'), ('retry_forget', 'holdfast_owner'), ('scope_fields', 'holdfast_owner'),
        ('staff_doc', 'holdfast_owner'), ('throttle_wait', 'holdfast_owner'), ('throttle_forget', 'holdfast_owner'),
        ('tg_staff_login', 'holdfast_owner'), ('tg_staff_tree', 'holdfast_owner'), ('tg_customer_history_insert', 'holdfast_owner'),
        ('tg_customer_history_update', 'holdfast_owner'), ('tg_customer_history_delete', 'holdfast_owner'),
        ('act_as', 'holdfast_owner'), ('keyed_hash', 'holdfast_owner'), ('tg_customer_owner', 'holdfast_owner'), ('answerable', 'holdfast_mover'), ('break_glass_find', 'holdfast_mover'), ('funnel_in_use', 'holdfast_mover'), ('hand_over', 'holdfast_mover'), ('heirs', 'holdfast_mover'), ('transfer', 'holdfast_mover'),
        ('changed', 'holdfast_owner'), ('changed_before', 'holdfast_owner'), ('customers_behind', 'holdfast_owner'), ('customer_whole', 'holdfast_mover'), ('conversation_count', 'holdfast_mover'),
        ('history_begin', 'holdfast_owner'), ('moved_by', 'holdfast_owner'), ('regained', 'holdfast_owner'), ('successor', 'holdfast_mover'), ('bulk_customers', 'holdfast_mover'), ('rotation_due', 'holdfast_mover'), ('rotation_propose', 'holdfast_mover'),
        ('tg_funnel_derive', 'holdfast_owner'), ('has_password', 'holdfast_owner'), ('invite_issue', 'holdfast_owner'), ('tg_staff_leave', 'holdfast_owner'),
        ('tg_staff_rules', 'holdfast_owner'), ('search_find', 'holdfast_search'), ('tg_search_insert', 'holdfast_owner'), ('tg_search_update', 'holdfast_owner'), ('tg_search_delete', 'holdfast_owner'), ('tg_staff_segment', 'holdfast_owner'),
        ('worked_with', 'holdfast_owner'), ('tg_contact_primary', 'holdfast_mover'), ('tg_customer_children', 'holdfast_mover'), ('tg_customer_country', 'holdfast_mover'), ('offer_number', 'holdfast_mover'),
        ('duplicate_find', 'holdfast_mover'), ('import_matches', 'holdfast_mover'), ('import_archive', 'holdfast_mover'), ('duplicate_told', 'holdfast_mover'), ('bring_along', 'holdfast_mover'), ('tg_child_moved', 'holdfast_mover'), ('worked_on', 'holdfast_owner'),
        ('event', 'holdfast_owner'), ('alert', 'holdfast_owner'), ('expose', 'holdfast_owner'), ('expose_more', 'holdfast_owner'), ('expose_share', 'holdfast_owner'), ('share_counted', 'holdfast_owner'),
        ('exposure_locked', 'holdfast_owner'), ('exposure_limits', 'holdfast_owner'), ('book_size', 'holdfast_owner'), ('partitions_past', 'holdfast_owner'), ('base_counted', 'holdfast_owner'),
        ('refusal', 'holdfast_owner'), ('refused', 'holdfast_owner'), ('log_in_refused', 'holdfast_owner'), ('log_in_throttled', 'holdfast_owner'), ('log_in_reused', 'holdfast_owner'), ('exposure_eased', 'holdfast_owner'), 
        ('notify', 'holdfast_owner'), ('outbox_take', 'holdfast_owner'), ('outbox_done', 'holdfast_owner')) v(name, owner)
    union all select n, 'holdfast_owner' from unnest('{change_limit,contact_changed,deleted,held_by,tg_held,tg_gone,deciders,hold_alert,holds_expire,freeze,decoys_touched,alert_once,habit_of,off_hours,watch_transfers,watch_person,watch,export_customers,had_before,tg_export,tg_export_decision,tg_export_ticket,tg_staff_exports,exports_void,exports_expire,export_deciders,export_maker,export_counts,export_counted,rotate,export_downloads,import_forget,imports_forget,import_broken,import_archived,exempt_by_himself,given_turn,given_alone,given_too_many,given_back,approval_above,tg_bulk,tg_bulk_decision,bulk_overlap,tg_job_bulk,bulk_cancel,bulk_enter,bulk_stopped_enter,bulk_expire,bulk_forget}'::text[]) n
    union all select format('tg_%s_history_%s', t, e), 'holdfast_owner' from unnest('{staff,funnel,settings,contact,deal,activity,offer}'::text[]) t, unnest('{insert,update,delete}'::text[]) e$$,
    'the security definer functions of app are exactly these, and none belongs to a superuser');
select is_empty($$select whole from functions where prosecdef and proconfig[1] is distinct from 'search_path=pg_catalog, app, pg_temp'$$,
    'every security definer function has the search path');
select is_empty($$select f.whole from functions f where f.space = 'app' and has_function_privilege('holdfast_api', f.oid, 'execute')
    and f.name in ('org_create', 'invite_create', 'track', 'track_event', 'history_begin', 'act_as', 'watch_person', 'watch_transfers', 'alert_once', 'habit_of', 'off_hours')$$, 'what is an operator''s is not the api''s');

-- Views.
select is_empty($$select c.oid::regclass from pg_class c where c.relnamespace in ('app'::regnamespace, 'api'::regnamespace) and c.relkind = 'v'
    and not coalesce(c.reloptions, '{}') @> '{security_invoker=true}'$$, 'every view asks with the rights of its reader');
select is_empty($$select c.oid::regclass from pg_class c where c.relnamespace = 'api'::regnamespace and c.relkind = 'v' and c.relowner <> 'holdfast_api'::regrole$$,
    'every view belongs to holdfast_api');

-- History.
select set_eq($$select t.name from tables t where not t.part and not exists (select from app.entity e where e.relation::regclass = t.oid)$$,
    $$values ('break_glass'), ('calling_code'), ('notice'), ('chore'), ('credential'), ('disclosure'), ('entity'), ('history'), ('invite'), ('job'), ('login'), ('login_throttle'), ('operation'), ('org'),
        ('refresh'), ('restore'), ('restore_conflict'), ('restore_item'), ('retry'), ('segment'), ('session'), ('staff_segment'),
        ('staff_tree'), ('stage'), ('offer_counter'), ('search_word'), ('moved'), ('seen'), ('team_seen'), ('exposure'), ('plain_sight'), ('exposure_day'), ('exposure_share'), ('exposure_grant'),
        ('base'), ('event'), ('alert'), ('hold'), ('decoy'), ('habit'), ('outbox'), ('delivery'), ('delivery_attempt'),
        ('export'), ('export_decision'), ('export_ticket'), ('export_decoy'), ('bulk'), ('bulk_item'), ('bulk_decision'),
        ('rotation'), ('rotation_item'),
        ('import'), ('import_part'), ('import_error'), ('import_row'), ('import_key')$$,
    'every table has a history but these');
select is_empty($$select e.name, w.event from app.entity e, (values ('insert', 4), ('update', 16), ('delete', 8)) w(event, bit)
    where not exists (select from pg_trigger g join pg_proc p on p.oid = g.tgfoid
        where g.tgrelid = e.relation::regclass and g.tgname = '_900_history_' || w.event and g.tgenabled in ('O', 'A')
          and g.tgtype & 31 = w.bit and g.tgtype & 66 = 0 and g.tgqual is null and g.tgattr = ''
          and p.proname = format('tg_%s_history_%s', e.singular, w.event) and p.pronamespace = 'app'::regnamespace)$$,
    'every table with a history has its three triggers, after the statement, on every column');
select is_empty($$select tgrelid::regclass, tgname from pg_trigger where tgenabled not in ('O', 'A')$$, 'no trigger is disabled');
select is_empty($$select tgrelid::regclass, tgname from pg_trigger g join tables t on t.oid = g.tgrelid
    where not g.tgisinternal and g.tgname !~ '^_[0-9]{3}_[a-z]'$$, 'triggers are named by their order');
select set_eq($$select e.relation, c.name from app.entity e, unnest(app.untracked(e.relation::regclass)) c(name)$$,
    $$select r.name, c.name as field from unnest('{app.customer,app.staff,app.funnel,app.settings,app.contact,app.deal,app.activity,app.offer}'::text[]) r(name), unnest('{org_id,version,updated_at}'::text[]) c(name)
        union all select 'app.customer', c.name from unnest('{phone_e164,segment,email_key,phone_key,worked_in,dup_key,brought,owner_since}'::text[]) c(name) union all values ('app.staff', 'role_since'), ('app.settings', 'hides'), ('app.settings', 'webhook_secret'), ('app.deal', 'closed_at'), ('app.activity', 'backdated'), ('app.activity', 'introduction')
        union all select 'app.contact', c.name from unnest('{phone_e164,email_key,phone_key}'::text[]) c(name) union all select 'app.offer', c.name from unnest('{net,tax,gross,sent_at,decided_at}'::text[]) c(name)$$,
    'the columns without a history are exactly these');
select is_empty($$select e.relation, a.attname from app.entity e
    join pg_attribute a on a.attrelid = e.relation::regclass and a.attnum > 0 and not a.attisdropped
    where a.attname <> all(app.untracked(e.relation::regclass)) and not exists (select from pg_proc u, pg_proc r
        where u.proname = format('tg_%s_history_update', e.singular) and r.proname = e.singular || '_record'
          and strpos(u.prosrc, format('case when n.%1$I is distinct from o.%1$I then %1$L end', a.attname)) > 0
          and strpos(r.prosrc, format('%L, ', a.attname)) > 0)$$,
    'the triggers know every other column');

select * from finish();
rollback;
