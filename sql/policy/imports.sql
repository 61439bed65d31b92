-- imports.sql: an import belongs to whoever sent it; those above him and admins see it, and auditors without what is in the file.

create policy import_read on app.import for select to holdfast_api using (:THEIRS);
create policy import_create on app.import for insert to holdfast_api with check (org_id = :ORG and staff_id = :ME and :ROLE in ('manager', 'admin'));
create policy import_progress on app.import for update to holdfast_api
    using (org_id = :ORG and staff_id = :ME) with check (org_id = :ORG and staff_id = :ME);

-- His own that are not through yet, asked for once in a statement and not once for each of a thousand rows.
\set SENT 'org_id = :ORG and import_id = any(array(select i.id from app.import i where i.org_id = :ORG and i.staff_id = :ME and not i.settled))'
create policy import_part_own on app.import_part for all to holdfast_api using (:SENT) with check (:SENT);
create policy import_key_own on app.import_key for all to holdfast_api using (:SENT) with check (:SENT);
create policy import_error_create on app.import_error for insert to holdfast_api with check (:SENT);
create policy import_error_read on app.import_error for select to holdfast_api
    using (org_id = :ORG and :ROLE <> 'auditor' and exists (select from app.import i where i.org_id = :ORG and i.id = import_id));
create policy import_row_create on app.import_row for insert to holdfast_api with check (:SENT);
create policy import_row_read on app.import_row for select to holdfast_api
    using (org_id = :ORG and exists (select from app.import i where i.org_id = :ORG and i.id = import_id));

-- What is left of a file that broke off, and what went in of an import that did.
create policy import_owner on app.import for all to holdfast_owner using (true) with check (true);
create policy import_part_owner on app.import_part for all to holdfast_owner using (true) with check (true);
create policy import_key_owner on app.import_key for all to holdfast_owner using (true) with check (true);
create policy import_error_owner on app.import_error for all to holdfast_owner using (true) with check (true);
create policy import_take_back on app.import for select to holdfast_mover using (org_id = :ORG);
create policy import_row_take_back on app.import_row for select to holdfast_mover using (org_id = :ORG);

grant select, insert on app.import, app.import_row, app.import_error to holdfast_api;
grant select, insert, delete on app.import_part, app.import_key to holdfast_api;
grant update (encoding, checks, part, rows, good, bad, skipped, duplicate_count, duplicates_seen, sample, settled) on app.import to holdfast_api;
grant select on app.import, app.import_row to holdfast_mover;
grant update (archived_at) on app.customer to holdfast_mover;
