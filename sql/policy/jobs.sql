-- jobs.sql: jobs and restores belong to the one who asked; his managers, admins and auditors see them.

\set THEIRS '(org_id = :ORG and (staff_id = :ME or :ROLE in (''admin'', ''auditor'') or (:ROLE = ''manager'' and exists (select from app.staff_tree t where t.org_id = :ORG and t.above_id = :ME and t.below_id = staff_id))))'

create policy job_take on app.job for all to holdfast_owner using (true) with check (true);
create policy job_read on app.job for select to holdfast_api using (:THEIRS);
create policy job_create on app.job for insert to holdfast_api with check (org_id = :ORG and staff_id = :ME);
create policy job_progress on app.job for update to holdfast_api
    using (org_id = :ORG and staff_id = :ME) with check (org_id = :ORG and staff_id = :ME);

create policy restore_read on app.restore for select to holdfast_api using (:THEIRS);
create policy restore_create on app.restore for insert to holdfast_api with check (org_id = :ORG and staff_id = :ME);
create policy restore_progress on app.restore for update to holdfast_api
    using (org_id = :ORG and staff_id = :ME) with check (org_id = :ORG and staff_id = :ME);

create policy restore_item_own on app.restore_item for all to holdfast_api
    using (org_id = :ORG and exists (select from app.restore r where r.org_id = :ORG and r.id = restore_id and r.staff_id = :ME))
    with check (org_id = :ORG and exists (select from app.restore r where r.org_id = :ORG and r.id = restore_id and r.staff_id = :ME));

create policy restore_conflict_read on app.restore_conflict for select to holdfast_api
    using (org_id = :ORG and exists (select from app.restore r where r.org_id = :ORG and r.id = restore_id)
        -- and the record, which may have left the caller's view since; what is no customer's only admins restore
        and (:ROLE in ('admin', 'auditor') or exists (select from app.customer c where c.org_id = :ORG and c.id = customer_id))
        and (:ROLE = 'admin' or entity <> 'settings' or field <> 'notify'));
create policy restore_conflict_create on app.restore_conflict for insert to holdfast_api
    with check (org_id = :ORG and exists (select from app.restore r where r.org_id = :ORG and r.id = restore_id and r.staff_id = :ME));

grant select, insert on app.job, app.restore, app.restore_conflict to holdfast_api;
grant update (status, done, why, started_at, finished_at) on app.job to holdfast_api;
grant update (restored, conflict_count) on app.restore to holdfast_api;
grant select, insert, delete on app.restore_item to holdfast_api;
