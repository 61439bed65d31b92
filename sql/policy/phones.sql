-- phones.sql: the calling codes, the same for everybody. Loaded before anything that derives a number from them.

create policy calling_code_read on app.calling_code for select to holdfast_api, holdfast_owner, holdfast_mover, holdfast_search using (true);
grant select on app.calling_code to holdfast_api, holdfast_mover, holdfast_search;
