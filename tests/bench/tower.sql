-- tower.sql: moves a person with half of tower's people below him to tower himself, or back below the other one.
update app.staff s set manager_id = (select staff_id from app.login where email = case when :turn % 2 = 0 then 'tower@demo.test' else 'lead-2@demo.test' end)
where s.org_id = 1 and s.id = (select staff_id from app.login where email = 'lead-1@demo.test');
