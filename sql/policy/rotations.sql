-- rotations.sql: proposals are made by the nightly run, read by whoever is above the person, himself if he is one who is above others, and
-- decided about by these but for the auditor.

create policy rotation_owner on app.rotation for all to holdfast_owner using (true) with check (true);
create policy rotation_item_owner on app.rotation_item for all to holdfast_owner using (true) with check (true);
create policy rotation_make on app.rotation for all to holdfast_mover using (org_id = :ORG) with check (org_id = :ORG);
create policy rotation_item_make on app.rotation_item for all to holdfast_mover using (org_id = :ORG) with check (org_id = :ORG);
create policy notice_rotation on app.notice for insert to holdfast_mover with check (org_id = :ORG and kind = 'rotation' and actor_id is null);

\set OVER '(:ROLE in (''admin'', ''auditor'') or (:ROLE = ''manager'' and exists (select from app.staff_tree t where t.org_id = :ORG and t.above_id = :ME and t.below_id = staff_id)))'
create policy rotation_read on app.rotation for select to holdfast_api using (org_id = :ORG and :OVER);
create policy rotation_decide on app.rotation for update to holdfast_api
    using (org_id = :ORG and :OVER and :ROLE <> 'auditor') with check (org_id = :ORG and :OVER and :ROLE <> 'auditor');
create policy rotation_item_read on app.rotation_item for select to holdfast_api
    using (org_id = :ORG and exists (select from app.rotation r where r.org_id = :ORG and r.id = rotation_id));

grant select on app.rotation, app.rotation_item to holdfast_api;
grant update (status, decided_by, decided_at, note, bulk_id) on app.rotation to holdfast_api;
grant select, insert, update on app.rotation to holdfast_mover;
grant select, insert, delete on app.rotation_item to holdfast_mover;
grant insert on app.notice to holdfast_mover;
