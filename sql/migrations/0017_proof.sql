-- 0017_proof.sql: the last activity that proves a phone or an e-mail of a contact is found, not looked for.

set local role holdfast_owner;

create index activity_proof on app.activity (org_id, contact_id, kind, at) where direction = 'in' or outcome is not null;
