-- exposure.sql: what is counted and told of people: written by holdfast_owner's functions alone, read by those above them.

do $$
declare
    t text;
begin
    foreach t in array array['seen', 'team_seen', 'exposure', 'plain_sight', 'exposure_share', 'base', 'alert', 'hold', 'habit'] loop
        execute format('create policy %s_owner on app.%1$s for all to holdfast_owner using (true) with check (true)', t);
    end loop;
    -- These are appended to only, and that of a person's days is written once for each.
    foreach t in array array['event', 'exposure_day'] loop
        execute format('create policy %s_write on app.%1$s for insert to holdfast_owner with check (true)', t);
    end loop;
    foreach t in array array['event', 'exposure_day', 'exposure_grant', 'decoy'] loop
        execute format('create policy %s_find on app.%1$s for select to holdfast_owner using (true)', t);
    end loop;
end
$$;
-- Whose a customer is, and in which segment, decides what counts (app.expose_more).
create policy customer_count on app.customer for select to holdfast_owner using (true);

-- The log of a person is his own and of those above him; alerts are never their subject's. Which customers are decoys, and who met one,
-- only admins and auditors know: a manager has a base to carry away himself.
\set OVER '(:ROLE in (''admin'', ''auditor'') or (:ROLE = ''manager'' and exists (select from app.staff_tree t where t.org_id = :ORG and t.above_id = :ME and t.below_id = staff_id and t.distance > 0)))'
create policy seen_read on app.seen for select to holdfast_api using (org_id = :ORG and (staff_id = :ME or :OVER));
create policy exposure_read on app.exposure for select to holdfast_api using (org_id = :ORG and (staff_id = :ME or :OVER));
create policy plain_sight_read on app.plain_sight for select to holdfast_api using (org_id = :ORG and (staff_id = :ME or :OVER));
create policy exposure_day_read on app.exposure_day for select to holdfast_api using (org_id = :ORG and (staff_id = :ME or :OVER));
create policy exposure_share_read on app.exposure_share for select to holdfast_api using (org_id = :ORG and (staff_id = :ME or :OVER));
create policy exposure_grant_read on app.exposure_grant for select to holdfast_api using (org_id = :ORG and (staff_id = :ME or :OVER));
create policy exposure_grant_create on app.exposure_grant for insert to holdfast_api
    with check (org_id = :ORG and granted_by = :ME and staff_id <> :ME and :OVER and :ROLE <> 'auditor');
create policy event_read on app.event for select to holdfast_api using (org_id = :ORG and (staff_id = :ME or :OVER));
\set NO_DECOY '(rule <> ''decoy'' or :ROLE in (''admin'', ''auditor''))'
create policy alert_read on app.alert for select to holdfast_api using (org_id = :ORG and staff_id <> :ME and :OVER and :NO_DECOY);
create policy alert_close on app.alert for update to holdfast_api using (org_id = :ORG and staff_id <> :ME and :OVER and :NO_DECOY and :ROLE <> 'auditor')
    with check (org_id = :ORG and staff_id <> :ME and :OVER and :NO_DECOY and :ROLE <> 'auditor');
create policy hold_read on app.hold for select to holdfast_api using (org_id = :ORG and (staff_id = :ME or :OVER));
create policy hold_decide on app.hold for update to holdfast_api using (org_id = :ORG and staff_id <> :ME and :OVER and :ROLE <> 'auditor')
    with check (org_id = :ORG and staff_id <> :ME and :OVER and :ROLE <> 'auditor');
create policy hold_create on app.hold for insert to holdfast_api with check (org_id = :ORG and staff_id = :ME and status = 'pending');
create policy decoy_read on app.decoy for select to holdfast_api using (org_id = :ORG and :ROLE in ('admin', 'auditor'));
create policy decoy_create on app.decoy for insert to holdfast_api with check (org_id = :ORG and :ROLE = 'admin' and made_by = :ME);

grant select on app.seen, app.exposure, app.plain_sight, app.exposure_day, app.exposure_share, app.exposure_grant, app.event, app.alert, app.hold, app.decoy to holdfast_api;
grant insert on app.exposure_grant, app.hold, app.decoy to holdfast_api;
grant update (status, closed_by, closed_at, note) on app.alert to holdfast_api;
grant update (status, decided_by, decided_at, note, operation_id) on app.hold to holdfast_api;
