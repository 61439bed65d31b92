-- customers.sql: who sees and who writes a customer.
--
--   admin     all of the org
--   auditor   all of the org, writes nothing
--   manager   those owned by himself or by anyone below him, and those of nobody in the segments of his team
--   rep       those he owns whose stage lies in a segment assigned to him
--
-- These he writes (MINE in words.sql). He only reads besides: where the setting visibility is "open", everything; where it is
-- "team", a rep what his manager's tree owns in his own segments (app.above); a customer he broke the glass of, for half an hour,
-- and, while a restore of his own operation runs, what that moved out of his view (app.opened).
--
-- Written as one condition with each question asked once, for each costs time in every plan.

\set SEES '(:ROLE in (''admin'', ''auditor'') or :VISIBILITY = ''open'' or (:ROLE = ''rep'' and owner_id = :ME and segment = any(:SEGMENTS)) or (exists (select from app.staff_tree t where t.org_id = :ORG and t.above_id = :ABOVE and t.below_id = owner_id) and (:ROLE = ''manager'' or segment = any(:SEGMENTS))) or (:ROLE = ''manager'' and owner_id is null and segment = any(:TEAM_SEGMENTS)) or id = any(:OPENED))'

create policy customer_read on app.customer for select to holdfast_api
    using (org_id = :ORG and :SEES);
create policy customer_create on app.customer for insert to holdfast_api
    with check (org_id = :ORG and :MINE);
create policy customer_change on app.customer for update to holdfast_api
    using (org_id = :ORG and (:MINE or id = any(:REGAINED)))
    with check (org_id = :ORG and (:MINE or id = any(:REGAINED)));

grant select, insert on app.customer to holdfast_api;
-- Neither the key nor what follows from other columns can be written.
grant update (name, email, phone, website, address, city, region, postal_code, country, source, stage, owner_id, value,
    currency, notes, tags, custom, archived_at, merged_into) on app.customer to holdfast_api;

-- A hand-over leaves the caller's view, which a policy of his would refuse; app.hand_over moves what he could lock.
create policy customer_move on app.customer for all to holdfast_mover using (org_id = :ORG) with check (org_id = :ORG);
create policy staff_segment_move on app.staff_segment for all to holdfast_mover using (org_id = :ORG) with check (org_id = :ORG);
create policy stage_move on app.stage for select to holdfast_mover using (org_id = :ORG);
create policy segment_move on app.segment for select to holdfast_mover using (org_id = :ORG);
create policy staff_move on app.staff for select to holdfast_mover using (org_id = :ORG);
create policy staff_tree_move on app.staff_tree for select to holdfast_mover using (org_id = :ORG);
grant select on app.customer, app.stage, app.segment, app.staff, app.staff_tree, app.staff_segment to holdfast_mover;
grant update (stage, owner_id, worked_in, brought) on app.customer to holdfast_mover;
grant update (handed_at) on app.staff_segment to holdfast_mover;

-- app.break_glass_find, the mover's too, looks beyond what the caller sees. What he opens is his own act.
create policy break_glass_open on app.break_glass for insert to holdfast_api
    with check (org_id = :ORG and staff_id = :ME);
create policy break_glass_read on app.break_glass for select to holdfast_api
    using (org_id = :ORG and (staff_id = :ME or :ROLE in ('admin', 'auditor') or (:ROLE = 'manager' and exists (
        select from app.staff_tree t where t.org_id = :ORG and t.above_id = :ME and t.below_id = staff_id))));
grant select, insert on app.break_glass to holdfast_api;
