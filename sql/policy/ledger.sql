-- ledger.sql: everybody's answers are recorded in his own name; who may read the ledger.

create policy disclosure_write on app.disclosure for insert to holdfast_api
    with check (org_id = :ORG and staff_id = :ME);
create policy disclosure_read on app.disclosure for select to holdfast_api
    using (org_id = :ORG and (staff_id = :ME or :ROLE in ('admin', 'auditor')
        or (:ROLE = 'manager' and exists (select from app.staff_tree t
            where t.org_id = :ORG and t.above_id = :ME and t.below_id = staff_id))));
-- app.habit_of asks in which hours somebody works.
create policy disclosure_find on app.disclosure for select to holdfast_owner using (true);
-- app.partitions_ahead moves early rows out of the default partition.
create policy disclosure_rest_move on app.disclosure_rest for all to holdfast_owner using (true) with check (true);

grant select, insert on app.disclosure to holdfast_api;

create policy retry_own on app.retry for all to holdfast_api
    using (org_id = :ORG and staff_id = :ME) with check (org_id = :ORG and staff_id = :ME);
create policy retry_forget on app.retry for all to holdfast_owner using (true);
grant select, insert on app.retry to holdfast_api;
