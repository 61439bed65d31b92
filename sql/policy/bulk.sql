-- bulk.sql: a wish is read by whoever has it, from then on when he asked for it by those above him too, and moved on by him; its set is his own.

create policy bulk_owner on app.bulk for all to holdfast_owner using (true) with check (true);
create policy bulk_item_owner on app.bulk_item for all to holdfast_owner using (true) with check (true);
create policy bulk_decision_owner on app.bulk_decision for select to holdfast_owner using (true);

\set OVER '(:ROLE in (''admin'', ''auditor'') or (:ROLE = ''manager'' and exists (select from app.staff_tree t where t.org_id = :ORG and t.above_id = :ME and t.below_id = staff_id and t.distance > 0)))'
create policy bulk_read on app.bulk for select to holdfast_api using (org_id = :ORG and (staff_id = :ME or status <> 'planned' and :OVER));
create policy bulk_create on app.bulk for insert to holdfast_api with check (org_id = :ORG and staff_id = :ME and status = 'planned' and :ROLE in ('admin', 'manager'));
create policy bulk_progress on app.bulk for update to holdfast_api
    using (org_id = :ORG and (staff_id = :ME or :OVER and :ROLE <> 'auditor')) with check (org_id = :ORG and (staff_id = :ME or :OVER and :ROLE <> 'auditor'));

\set ASKED 'exists (select from app.bulk b where b.org_id = :ORG and b.id = bulk_id and b.staff_id = :ME)'
create policy bulk_item_own on app.bulk_item for all to holdfast_api using (org_id = :ORG and :ASKED) with check (org_id = :ORG and :ASKED);

create policy bulk_decision_read on app.bulk_decision for select to holdfast_api
    using (org_id = :ORG and exists (select from app.bulk b where b.org_id = :ORG and b.id = bulk_id));
create policy bulk_decision_create on app.bulk_decision for insert to holdfast_api with check (org_id = :ORG and staff_id = :ME);

grant select, insert on app.bulk to holdfast_api;
grant select, insert, delete on app.bulk_item to holdfast_api;
grant update (status, reason, session_id, request_id, refused, approved_by, pace, next_n, stopped, retry_at, expires_at, decided_at, undo_id) on app.bulk to holdfast_api;
grant select, insert on app.bulk_decision to holdfast_api;
