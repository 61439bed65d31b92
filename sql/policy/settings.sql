-- settings.sql: everybody reads how his org works and its funnel; admins write both, and the people.

create policy settings_owner on app.settings for all to holdfast_owner using (true) with check (true);
create policy funnel_owner on app.funnel for all to holdfast_owner using (true) with check (true);
create policy settings_read on app.settings for select to holdfast_api using (org_id = :ORG);
create policy settings_change on app.settings for update to holdfast_api
    using (org_id = :ORG and :ROLE = 'admin') with check (org_id = :ORG and :ROLE = 'admin');
create policy funnel_read on app.funnel for select to holdfast_api using (org_id = :ORG);
create policy funnel_change on app.funnel for update to holdfast_api
    using (org_id = :ORG and :ROLE = 'admin') with check (org_id = :ORG and :ROLE = 'admin');
create policy staff_create on app.staff for insert to holdfast_api with check (org_id = :ORG and :ROLE = 'admin');
create policy staff_change on app.staff for update to holdfast_api
    using (org_id = :ORG and :ROLE = 'admin') with check (org_id = :ORG and :ROLE = 'admin');

-- Sessions, without their secrets: one's own, those of the people below, all for an admin. Ended by oneself or an admin.
create policy session_read on app.session for select to holdfast_api
    using (org_id = :ORG and (staff_id = :ME or :ROLE = 'admin' or (:ROLE = 'manager' and exists (
        select from app.staff_tree t where t.org_id = :ORG and t.above_id = :ME and t.below_id = staff_id))));
create policy session_end on app.session for update to holdfast_api
    using (org_id = :ORG and (staff_id = :ME or :ROLE = 'admin')) with check (org_id = :ORG and (staff_id = :ME or :ROLE = 'admin'));

grant select on app.settings, app.funnel to holdfast_api;
grant update (visibility, contact_masking, classification, backdate_days, budgets, ledger_months, exports, bulk, rotation, notify, webhook_secret) on app.settings to holdfast_api;
grant update (segments) on app.funnel to holdfast_api;
grant insert on app.staff to holdfast_api;
grant update (name, email, role, manager_id, person_id, segments, status) on app.staff to holdfast_api;
grant select (org_id, id, staff_id, address, agent, created_at, expires_at, revoked_at, revoked_why),
    update (revoked_at, revoked_why) on app.session to holdfast_api;
