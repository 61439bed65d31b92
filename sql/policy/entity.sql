-- entity.sql: the list of tables that have a history. Loaded before app.track fills it.

create policy entity_read on app.entity for select to holdfast_api, holdfast_owner using (true);
create policy entity_write on app.entity for all to holdfast_owner using (true) with check (true);
