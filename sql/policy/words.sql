-- words.sql: how policies ask who the caller is. Wrapped in a sub-query the planner asks once per statement instead
-- of once per row (4.6 ms against 1,123 ms on 200,000 rows). A sharded server, which takes no
-- sub-queries in policies, gets the bare calls by leaving the wrapping out here.
\set ORG  '(select app.org())'
\set ME   '(select app.me())'
\set ROLE '(select app.role())'
\set SEGMENTS '(select app.segments())::text[]'
\set TEAM_SEGMENTS '(select app.team_segments())::text[]'
\set VISIBILITY '(select app.visibility())'
\set ABOVE '(select app.above())'
\set OPENED '(select app.opened())::uuid[]'
\set REGAINED '(select app.regained())::uuid[]'

-- Whether a row of app.customer is the caller's to work with.
\set MINE '(:ROLE = ''admin'' or (:ROLE = ''rep'' and owner_id = :ME and segment = any(:SEGMENTS)) or (:ROLE = ''manager'' and (exists (select from app.staff_tree t where t.org_id = :ORG and t.above_id = :ME and t.below_id = owner_id) or (owner_id is null and segment = any(:TEAM_SEGMENTS)))))'
