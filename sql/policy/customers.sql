-- customers.sql: who sees and who writes a customer.
--
--   admin     all of the org
--   auditor   all of the org, writes nothing
--   manager   those owned by himself or by anyone below him
--   rep       those he owns

\set SEES '(:ROLE in (''admin'', ''auditor'') or owner_id = :ME or (:ROLE = ''manager'' and exists (select from app.staff_tree t where t.org_id = :ORG and t.above_id = :ME and t.below_id = owner_id)))'

create policy customer_read on app.customer for select to holdfast_api
    using (org_id = :ORG and :SEES);
create policy customer_create on app.customer for insert to holdfast_api
    with check (org_id = :ORG and :ROLE <> 'auditor' and :SEES);
create policy customer_change on app.customer for update to holdfast_api
    using (org_id = :ORG and :ROLE <> 'auditor' and :SEES)
    with check (org_id = :ORG and :ROLE <> 'auditor' and :SEES);

grant select, insert on app.customer to holdfast_api;
-- Neither the key nor what follows from other columns can be written.
grant update (name, email, phone, website, address, city, region, postal_code, country, source, stage, owner_id, value,
    currency, notes, tags, custom, archived_at) on app.customer to holdfast_api;
