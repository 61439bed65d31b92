-- history.sql: history follows the record; operations follow the person. Both are appended to only.

create policy operation_write on app.operation for insert to holdfast_owner with check (true);
create policy operation_count on app.operation for update to holdfast_owner using (true) with check (true);
create policy operation_find on app.operation for select to holdfast_owner using (true);
create policy history_write on app.history for insert to holdfast_owner with check (true);
-- app.scope_fields counts what a restore leaves outside.
create policy history_count on app.history for select to holdfast_owner using (true);

-- The history of a person, who is no customer's, is his own and of those above him; that of settings and funnel the admins'.
-- What a merge brought from a customer whom he does not see, and what a split took back from there, has its whole history (app.moved).
-- Whom the org tells (notify) only admins read.
create policy history_read on app.history for select to holdfast_api
    using (org_id = :ORG and (:ROLE in ('admin', 'auditor')
        or exists (select from app.customer c where c.org_id = :ORG and c.id in (customer_id, (select m.customer_id from app.moved m
                where m.org_id = :ORG and m.record_id = history.record_id))
            and (entity = 'customers' or (c.id = any(:REGAINED)) is not true or :MINE) and not coalesce(c.worked_in && case entity
            when 'contacts' then (select app.hiding_contacts())::text[] when 'deals' then (select app.hiding_deals())::text[]
            when 'activities' then (select app.hiding_activities())::text[] when 'offers' then (select app.hiding_offers())::text[] end, false))
        or (entity = 'staff' and (record_id = :ME or (:ROLE = 'manager' and exists (select from app.staff_tree t
            where t.org_id = :ORG and t.above_id = :ME and t.below_id = record_id)))))
        and (:ROLE = 'admin' or entity <> 'settings' or field is distinct from 'notify'));

create policy operation_read on app.operation for select to holdfast_api
    using (org_id = :ORG and (:ROLE in ('admin', 'auditor') or actor_id = :ME
        or (:ROLE = 'manager' and exists (select from app.staff_tree t
            where t.org_id = :ORG and t.above_id = :ME and t.below_id = actor_id))));

grant select on app.history, app.operation to holdfast_api;

create policy moved_read on app.moved for select to holdfast_api using (org_id = :ORG);
create policy moved_keep on app.moved for all to holdfast_mover using (org_id = :ORG) with check (org_id = :ORG);
grant select on app.moved to holdfast_api;
grant select, insert, update on app.moved to holdfast_mover;
