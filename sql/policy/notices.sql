-- notices.sql: everybody reads what he was told; the one who did it tells.

create policy notice_read on app.notice for select to holdfast_api using (org_id = :ORG and staff_id = :ME);
create policy notice_tell on app.notice for insert to holdfast_api with check (org_id = :ORG and actor_id = :ME);

grant select, insert on app.notice to holdfast_api;
