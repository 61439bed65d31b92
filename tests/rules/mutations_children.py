"""mutations_children.py -- the rules of contacts, deals, activities and offers, taken out as in mutations.py."""
from mutations import ALONE, CONTEXT, HISTORY, TESTS, Mutation

POLICY, VIEW, READ, WRITE, CASCADE = ("policy/children.sql", "api/children.sql", "api/children_read.sql", "api/children_write.sql", "app/children.sql")
RESTORE = "app/restore.sql"
KEPT = "not coalesce(c.worked_in && (select app.hiding_{0}())::text[], false)"


def of(kind):
    sees, works = ":SEEN and " + KEPT.format(kind), ":WORKED and " + KEPT.format(kind)
    return [
        Mutation(f"{kind} are seen by all", POLICY, f"(select true from app.customer c where {sees})", "true", ALONE),
        Mutation(f"{kind} are seen by nobody", POLICY, f"(select true from app.customer c where {sees})", "false"),
        Mutation(f"{kind} are written by who sees them", POLICY, works, sees, ALONE, 3),
        Mutation(f"{kind} are written by nobody", POLICY, works, "false", times=3),
        Mutation(f"{kind} are not kept back", POLICY, sees, ":SEEN", ALONE),
        Mutation(f"the history of {kind} is not kept back", HISTORY, f"(select app.hiding_{kind}())::text[]", "null", ALONE)]


MUTATIONS = [
    *of("contacts"), *of("deals"), *of("activities"), *of("offers"),
    Mutation("a manager sees all children", POLICY, ":ROLE in ('admin', 'auditor') or", ":ROLE <> 'rep' or", ALONE, 4),
    Mutation("an auditor writes children", POLICY, "(:ROLE = 'admin' or", "(:ROLE in ('admin', 'auditor') or", ALONE, 12),
    Mutation("a restore reads of what went along", HISTORY, "(entity = 'customers' or (c.id = any(:REGAINED)) is not true or :MINE)", "true", TESTS),
    # Lists.
    Mutation("lists of children have no scope", READ, "if way = 'all' or filter ? 'customer' then", "if true then", ALONE),
    Mutation("lists of a customer's children have the scope", READ, "if way = 'all' or filter ? 'customer' then", "if way = 'all' then"),
    Mutation("archived children among the others", READ, "case when archived then 'not' else '' end", "''"),
    # Masks.
    Mutation("contacts are clear", VIEW, "(select app.shows_contacts()) and (not (select app.masks_others()) or exists (", "true or (not (select app.masks_others()) or exists ("),
    Mutation("others' contacts are clear", VIEW, "(not (select app.masks_others()) or exists (", "(true or exists (", "off"),
    Mutation("contacts' e-mails are clear", VIEW, "else app.mask_email(k.email) end", "else k.email end"),
    Mutation("contacts' phones are clear", VIEW, "else app.mask_phone(k.phone) end", "else k.phone end"),
    Mutation("contacts' phones in E.164 are clear", VIEW, "else app.mask_phone(k.phone_e164) end", "else k.phone_e164 end"),
    Mutation("the past of contacts is clear", READ, "        if not clear then\n            bare", "        if false then\n            bare"),
    Mutation("the one contact is as in a list", READ, "    perform app.single();\n", ""),
    # Writing.
    Mutation("children of the archived are made", WRITE, "elsif c.archived_at is not null then", "elsif false then"),
    Mutation("archived children are changed", WRITE, "if r.archived_at is not null then", "if false then"),
    Mutation("an auditor makes children", WRITE, "if app.role() = 'auditor' then", "if false then"),
    # Archiving and restores.
    Mutation("children stay when their customer is archived", CASCADE, "for each row when (old.archived_at is distinct from new.archived_at) execute function app.tg_customer_children()",
             "for each row when (false) execute function app.tg_customer_children()", TESTS),
    Mutation("all children come back with their customer", CASCADE, " and k.archived_at is not distinct from $4', t)", "', t)", TESTS),
    Mutation("who comes back is primary", CASCADE, "if tg_op = 'UPDATE' and old.archived_at is not null and old.is_primary then", "if false then", TESTS),
    Mutation("a restore takes the primary contact from another", RESTORE, "'when p.field = ''is_primary'' and", "'when false and", TESTS),
    Mutation("a sent offer is taken back", RESTORE, "'when app.offer_stuck(", "'when false and app.offer_stuck(", TESTS),
    Mutation("a customer goes back whoever worked with him", RESTORE, "'when (p.born or p.record_id = any($6)) and", "'when false and", TESTS),
    Mutation("conflicts of a kind that is kept back", CONTEXT, "select entity = any(kept) or field = any(kept)", "select field = any(kept)", TESTS),
]
