-- exports.sql: a wish is read by whoever has it and those above him, and moved on by them; what an export is known by, by admins and by
-- the download itself.

create policy export_owner on app.export for all to holdfast_owner using (true) with check (true);
create policy export_decision_owner on app.export_decision for select to holdfast_owner using (true);
create policy export_decoy_owner on app.export_decoy for select to holdfast_owner using (true);
create policy export_ticket_owner on app.export_ticket for all to holdfast_owner using (true) with check (true);

\set OVER '(:ROLE in (''admin'', ''auditor'') or (:ROLE = ''manager'' and exists (select from app.staff_tree t where t.org_id = :ORG and t.above_id = :ME and t.below_id = staff_id and t.distance > 0)))'
create policy export_read on app.export for select to holdfast_api using (org_id = :ORG and (staff_id = :ME or :OVER));
create policy export_create on app.export for insert to holdfast_api
    with check (org_id = :ORG and staff_id = :ME and status = 'pending');
create policy export_progress on app.export for update to holdfast_api
    using (org_id = :ORG and (staff_id = :ME or :OVER and :ROLE <> 'auditor')) with check (org_id = :ORG and (staff_id = :ME or :OVER and :ROLE <> 'auditor'));

create policy export_decision_read on app.export_decision for select to holdfast_api
    using (org_id = :ORG and exists (select from app.export e where e.org_id = :ORG and e.id = export_id));
create policy export_decision_create on app.export_decision for insert to holdfast_api with check (org_id = :ORG and staff_id = :ME);

\set ASKED 'exists (select from app.export e where e.org_id = :ORG and e.id = export_id and e.staff_id = :ME)'
create policy export_ticket_read on app.export_ticket for select to holdfast_api using (org_id = :ORG and (:ROLE = 'admin' or :ASKED));
create policy export_ticket_create on app.export_ticket for insert to holdfast_api with check (org_id = :ORG and :ASKED);
create policy export_ticket_progress on app.export_ticket for update to holdfast_api using (org_id = :ORG and :ASKED) with check (org_id = :ORG and :ASKED);
create policy export_decoy_read on app.export_decoy for select to holdfast_api using (org_id = :ORG and (:ROLE = 'admin' or :ASKED));
create policy export_decoy_create on app.export_decoy for insert to holdfast_api with check (org_id = :ORG and :ASKED);

grant select, insert on app.export, app.export_decision, app.export_ticket, app.export_decoy to holdfast_api;
grant update (status, expires_at, decided_at, downloaded_at, rows_sent) on app.export to holdfast_api;
grant update (status, tries, request_id, requests, taken_at, clear, after_id, rows, counted, expires_at) on app.export_ticket to holdfast_api;
