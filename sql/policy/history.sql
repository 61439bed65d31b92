-- history.sql: history follows the record; operations follow the person. Both are appended to only.

create policy operation_write on app.operation for insert to holdfast_owner with check (true);
create policy operation_count on app.operation for update to holdfast_owner using (true) with check (true);
create policy operation_find on app.operation for select to holdfast_owner using (true);
create policy history_write on app.history for insert to holdfast_owner with check (true);
-- app.scope_fields counts what a restore leaves outside.
create policy history_count on app.history for select to holdfast_owner using (true);

-- The history of a person, who is no customer's, is his own and of those above him; that of settings and funnel the admins'.
create policy history_read on app.history for select to holdfast_api
    using (org_id = :ORG and (:ROLE in ('admin', 'auditor')
        or exists (select from app.customer c where c.org_id = :ORG and c.id = customer_id)
        or (entity = 'staff' and (record_id = :ME or (:ROLE = 'manager' and exists (select from app.staff_tree t
            where t.org_id = :ORG and t.above_id = :ME and t.below_id = record_id))))));

create policy operation_read on app.operation for select to holdfast_api
    using (org_id = :ORG and (:ROLE in ('admin', 'auditor') or actor_id = :ME
        or (:ROLE = 'manager' and exists (select from app.staff_tree t
            where t.org_id = :ORG and t.above_id = :ME and t.below_id = actor_id))));

grant select on app.history, app.operation to holdfast_api;
