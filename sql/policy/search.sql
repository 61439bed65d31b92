-- search.sql: the words of names are written by triggers and read by the one search function, which asks for the caller itself.

create policy search_word_owner on app.search_word for all to holdfast_owner using (true) with check (true);
create policy search_word_find on app.search_word for select to holdfast_search using (org_id = :ORG);
create policy customer_find on app.customer for select to holdfast_search using (org_id = :ORG);
create policy contact_find on app.contact for select to holdfast_search using (org_id = :ORG);
create policy segment_find on app.segment for select to holdfast_search using (org_id = :ORG);
create policy staff_segment_find on app.staff_segment for select to holdfast_search using (org_id = :ORG);
create policy staff_tree_find on app.staff_tree for select to holdfast_search using (org_id = :ORG);
create policy break_glass_find on app.break_glass for select to holdfast_search using (org_id = :ORG and staff_id = :ME);

grant select on app.search_word, app.staff_tree to holdfast_search;
grant select (org_id, id, name, email_key, phone_key, country, segment, worked_in, owner_id, updated_at, archived_at) on app.customer to holdfast_search;
grant select (org_id, id, customer_id, name, email_key, phone_key, updated_at, archived_at) on app.contact to holdfast_search;
grant select (org_id, id) on app.segment to holdfast_search;
grant select (org_id, staff_id, segment_id) on app.staff_segment to holdfast_search;
grant select (org_id, staff_id, customer_id, expires_at) on app.break_glass to holdfast_search;
grant execute on function app.org, app.me, app.role, app.segments, app.team_segments, app.above, app.visibility, app.hiding, app.hiding_kind,
    app.hiding_contacts, app.kept_back, app.opened, app.regained, app.now, app.clock, app.email_key, app.phone_key, app.phone_keys, app.phone_means, app.phone_good,
    app.phone_e164, app.phone_plain, app.phone_national, app.fold, app.fold_wide, app.search_words, app.search_letters, app.search_meant, app.search_postings,
    app.search_book, app.search_seen, app.search_named, app.search_keyed to holdfast_search;
