-- children.sql: contacts, deals, activities and offers are seen with their customer and written by whoever works with it; but not
-- where the funnel keeps their kind back from the people of the caller's segment.
--
-- A customer that a restore of the caller's own hand-over reaches for (app.regained) brings none of them along: they may have been
-- worked on by whoever has it now.
--
-- A scalar sub-select, not exists(): that one PostgreSQL may turn into a hash of all customers that the caller sees, 115 ms for a
-- page of fifty.

\set SEEN 'c.org_id = :ORG and c.id = customer_id and ((c.id = any(:REGAINED)) is not true or :MINE)'
\set WORKED 'c.org_id = :ORG and c.id = customer_id and :MINE'

create policy contact_read on app.contact for select to holdfast_api
    using (org_id = :ORG and (:ROLE in ('admin', 'auditor') or (select true from app.customer c where :SEEN and not coalesce(c.worked_in && (select app.hiding_contacts())::text[], false))));
create policy contact_create on app.contact for insert to holdfast_api
    with check (org_id = :ORG and (:ROLE = 'admin' or (select true from app.customer c where :WORKED and not coalesce(c.worked_in && (select app.hiding_contacts())::text[], false))));
create policy contact_change on app.contact for update to holdfast_api
    using (org_id = :ORG and (:ROLE = 'admin' or (select true from app.customer c where :WORKED and not coalesce(c.worked_in && (select app.hiding_contacts())::text[], false))))
    with check (org_id = :ORG and (:ROLE = 'admin' or (select true from app.customer c where :WORKED and not coalesce(c.worked_in && (select app.hiding_contacts())::text[], false))));
create policy contact_move on app.contact for all to holdfast_mover using (org_id = :ORG) with check (org_id = :ORG);

create policy deal_read on app.deal for select to holdfast_api
    using (org_id = :ORG and (:ROLE in ('admin', 'auditor') or (select true from app.customer c where :SEEN and not coalesce(c.worked_in && (select app.hiding_deals())::text[], false))));
create policy deal_create on app.deal for insert to holdfast_api
    with check (org_id = :ORG and (:ROLE = 'admin' or (select true from app.customer c where :WORKED and not coalesce(c.worked_in && (select app.hiding_deals())::text[], false))));
create policy deal_change on app.deal for update to holdfast_api
    using (org_id = :ORG and (:ROLE = 'admin' or (select true from app.customer c where :WORKED and not coalesce(c.worked_in && (select app.hiding_deals())::text[], false))))
    with check (org_id = :ORG and (:ROLE = 'admin' or (select true from app.customer c where :WORKED and not coalesce(c.worked_in && (select app.hiding_deals())::text[], false))));
create policy deal_move on app.deal for all to holdfast_mover using (org_id = :ORG) with check (org_id = :ORG);

create policy activity_read on app.activity for select to holdfast_api
    using (org_id = :ORG and (:ROLE in ('admin', 'auditor') or (select true from app.customer c where :SEEN and not coalesce(c.worked_in && (select app.hiding_activities())::text[], false))));
create policy activity_create on app.activity for insert to holdfast_api
    with check (org_id = :ORG and (:ROLE = 'admin' or (select true from app.customer c where :WORKED and not coalesce(c.worked_in && (select app.hiding_activities())::text[], false))));
create policy activity_change on app.activity for update to holdfast_api
    using (org_id = :ORG and (:ROLE = 'admin' or (select true from app.customer c where :WORKED and not coalesce(c.worked_in && (select app.hiding_activities())::text[], false))))
    with check (org_id = :ORG and (:ROLE = 'admin' or (select true from app.customer c where :WORKED and not coalesce(c.worked_in && (select app.hiding_activities())::text[], false))));
create policy activity_move on app.activity for all to holdfast_mover using (org_id = :ORG) with check (org_id = :ORG);

create policy offer_read on app.offer for select to holdfast_api
    using (org_id = :ORG and (:ROLE in ('admin', 'auditor') or (select true from app.customer c where :SEEN and not coalesce(c.worked_in && (select app.hiding_offers())::text[], false))));
create policy offer_create on app.offer for insert to holdfast_api
    with check (org_id = :ORG and (:ROLE = 'admin' or (select true from app.customer c where :WORKED and not coalesce(c.worked_in && (select app.hiding_offers())::text[], false))));
create policy offer_change on app.offer for update to holdfast_api
    using (org_id = :ORG and (:ROLE = 'admin' or (select true from app.customer c where :WORKED and not coalesce(c.worked_in && (select app.hiding_offers())::text[], false))))
    with check (org_id = :ORG and (:ROLE = 'admin' or (select true from app.customer c where :WORKED and not coalesce(c.worked_in && (select app.hiding_offers())::text[], false))));
create policy offer_move on app.offer for all to holdfast_mover using (org_id = :ORG) with check (org_id = :ORG);

-- The next offer's number is taken by the mover, who also takes children along with their customer, whoever may see them.
create policy offer_counter_take on app.offer_counter for all to holdfast_mover using (org_id = :ORG) with check (org_id = :ORG);

grant select, insert on app.contact, app.deal, app.activity, app.offer to holdfast_api;
grant update (customer_id, name, title, email, phone, is_primary, notes, archived_at) on app.contact to holdfast_api;
grant update (customer_id, title, stage, amount, currency, expected_close, status, reason, notes, archived_at) on app.deal to holdfast_api;
grant update (customer_id, contact_id, deal_id, kind, direction, subject, body, outcome, at, next_step, due_at, done_at, archived_at)
    on app.activity to holdfast_api;
grant update (customer_id, contact_id, deal_id, title, currency, lines, status, valid_until, promised_by, reason, notes, superseded_at,
    archived_at) on app.offer to holdfast_api;
grant select on app.contact, app.deal, app.activity, app.offer to holdfast_mover;
grant update (is_primary, phone_e164, phone_key, archived_at) on app.contact to holdfast_mover;
grant update (archived_at) on app.deal, app.activity, app.offer to holdfast_mover;
grant select, insert, update on app.offer_counter to holdfast_mover;
