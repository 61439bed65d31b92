-- outbox.sql: an org's admins read what was sent to whom and queue it again; what is sent is holdfast_owner's functions' to say, which
-- append and take (sql/app/outbox.sql).

create policy outbox_write on app.outbox for insert to holdfast_owner with check (org_id = :ORG);
create policy outbox_take on app.outbox for select to holdfast_owner using (true);
create policy delivery_write on app.delivery for insert to holdfast_owner with check (org_id = :ORG);
create policy delivery_take on app.delivery for select to holdfast_owner using (true);
create policy delivery_done on app.delivery for update to holdfast_owner using (true) with check (true);
create policy delivery_attempt_write on app.delivery_attempt for insert to holdfast_owner with check (true);

create policy outbox_read on app.outbox for select to holdfast_api using (org_id = :ORG and :ROLE = 'admin');
create policy delivery_read on app.delivery for select to holdfast_api using (org_id = :ORG and :ROLE = 'admin');
create policy delivery_queue on app.delivery for update to holdfast_api
    using (org_id = :ORG and :ROLE = 'admin') with check (org_id = :ORG and :ROLE = 'admin');
create policy delivery_attempt_read on app.delivery_attempt for select to holdfast_api using (org_id = :ORG and :ROLE = 'admin');

grant select on app.outbox, app.delivery, app.delivery_attempt to holdfast_api;
grant update (status, attempts, next_at) on app.delivery to holdfast_api;
