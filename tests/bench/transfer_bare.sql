-- transfer_bare.sql: the bare UPDATE of a transfer of rita's customers up to number :count to omar, on the copy that copy.sql makes.
update bench.customer c set owner_id = h.staff_id from app.login h, app.login w
where h.email = 'omar@demo.test' and w.email = 'rita@demo.test' and c.org_id = w.org_id and c.owner_id = w.staff_id
  and c.id <= ('01920000-0000-7000-8000-' || lpad(:count::text, 12, '0'))::uuid;
