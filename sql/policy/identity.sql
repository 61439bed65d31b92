-- identity.sql: orgs, people, sessions and what belongs to logging in.

-- holdfast_owner's functions (app.enter, log-in, the tree, the jobs) find their rows by secret or key.
do $$
declare
    t text;
begin
    foreach t in array array['org', 'segment', 'stage', 'staff', 'staff_tree', 'staff_segment', 'login', 'login_throttle', 'credential',
        'invite', 'session', 'refresh', 'chore'] loop
        execute format('create policy %s_owner on app.%1$s for all to holdfast_owner using (true) with check (true)', t);
    end loop;
end
$$;

-- Everybody reads his org, its funnel and its people: names of colleagues are not a secret.
create policy org_read on app.org for select to holdfast_api using (org_id = :ORG);
create policy segment_read on app.segment for select to holdfast_api using (org_id = :ORG);
create policy stage_read on app.stage for select to holdfast_api using (org_id = :ORG);
create policy staff_read on app.staff for select to holdfast_api using (org_id = :ORG);
create policy staff_tree_read on app.staff_tree for select to holdfast_api using (org_id = :ORG);
create policy staff_segment_read on app.staff_segment for select to holdfast_api using (org_id = :ORG);

grant select (org_id, name, created_at) on app.org to holdfast_api;
grant select on app.segment, app.stage, app.staff, app.staff_tree, app.staff_segment, app.entity to holdfast_api;
grant select on app.stage, app.staff to holdfast_owner;
