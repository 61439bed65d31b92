"""mutations.py -- each rule taken out or loosened in the text of sql/: what the matrix must notice. Loosenings that a second rule
makes good, and so change nothing that anybody gets, are not here."""
from collections import namedtuple

# In a file of sql/ this text (which is there as often as times says) becomes that. under: the masks to ask first; ALONE: the
# policies without the functions and the functions without the policies, where two rules say the same; TESTS: the tests of restores.
Mutation = namedtuple("Mutation", "name file old new under times", defaults=("lists", 1))
SEES, MINE, HISTORY, JOBS = "policy/customers.sql", "policy/words.sql", "policy/history.sql", "policy/jobs.sql"
LIST, VIEW, RECORD, CHANGES, RESTORES, CONTEXT = ("api/customers_list.sql", "api/customers.sql", "api/customers.sql", "api/history.sql",
                                                  "api/restores.sql", "app/context.sql")
REP = "(:ROLE = ''rep'' and owner_id = :ME and segment = any(:SEGMENTS))"
TREE = "exists (select from app.staff_tree t where t.org_id = :ORG and t.above_id = :ABOVE and t.below_id = owner_id)"
BELOW = "exists (select from app.staff_tree t where t.org_id = :ORG and t.above_id = :ME and t.below_id = owner_id)"
NOBODY = "(:ROLE = ''manager'' and owner_id is null and segment = any(:TEAM_SEGMENTS))"
ALONE, TESTS = "alone", "tests"
MASK = "case when k.clear then {0} else app.mask_json(h.field, {0}) end"
CONFLICT = "'{0}', case when m.clear then c.{0} else app.mask_json(c.field, c.{0}) end"

MUTATIONS = [
    # Who sees a customer.
    Mutation("an admin sees his own only", SEES, ":ROLE in (''admin'', ''auditor'') or :VIS", ":ROLE = ''auditor'' or :VIS"),
    Mutation("an auditor sees his own only", SEES, ":ROLE in (''admin'', ''auditor'') or :VIS", ":ROLE = ''admin'' or :VIS"),
    Mutation("a manager sees all", SEES, ":ROLE in (''admin'', ''auditor'') or :VIS", ":ROLE <> ''rep'' or :VIS"),
    Mutation("open is not open", SEES, " or :VISIBILITY = ''open''", ""),
    Mutation("team is open", SEES, ":VISIBILITY = ''open''", ":VISIBILITY <> ''own''"),
    Mutation("a rep does not see his own", SEES, REP, "false"),
    Mutation("a rep sees his own in any segment", SEES, REP, REP.replace(" and segment = any(:SEGMENTS)", "")),
    Mutation("a rep sees all of his segments", SEES, REP, REP.replace("owner_id = :ME and ", "")),
    Mutation("nobody sees what people below own", SEES, TREE, "false"),
    Mutation("what anybody owns is seen", SEES, TREE, TREE.replace("t.above_id = :ABOVE and ", "")),
    Mutation("who has somebody below sees all", SEES, TREE, TREE.replace(" and t.below_id = owner_id", "")),
    Mutation("a rep sees his team in any segment", SEES, "(:ROLE = ''manager'' or segment = any(:SEGMENTS))", "true"),
    Mutation("a manager sees his people in his segments only", SEES, ":ROLE = ''manager'' or segment = any(:SEGMENTS)", "segment = any(:SEGMENTS)"),
    Mutation("nobody sees the unowned", SEES, NOBODY, "false"),
    Mutation("a manager sees all the unowned", SEES, NOBODY, NOBODY.replace(" and segment = any(:TEAM_SEGMENTS)", "")),
    Mutation("a rep sees the unowned", SEES, NOBODY, NOBODY.replace(":ROLE = ''manager'' and ", "")),
    Mutation("a manager sees all of his team's segments", SEES, NOBODY, NOBODY.replace("owner_id is null and ", "")),
    Mutation("broken glass opens nothing", SEES, " or id = any(:OPENED)", ""),
    Mutation("glass stays broken", "app/restore.sql", " and b.expires_at > app.now()", ""),
    Mutation("a manager looks through his people's glass", "app/restore.sql", " and b.staff_id = app.me()", ""),
    Mutation("nobody reads his own broken glass", SEES, "using (org_id = :ORG and (staff_id = :ME or :ROLE in", "using (org_id = :ORG and (:ROLE in"),
    Mutation("everybody looks through everybody's glass", SEES, "using (org_id = :ORG and (staff_id = :ME or :ROLE in", "using (true or (:ROLE in", ALONE),
    Mutation("nobody breaks glass", SEES, "with check (org_id = :ORG and staff_id = :ME)", "with check (false)"),
    Mutation("a hand-over cannot be taken back: not seen", "app/restore.sql", " || app.regained()", ""),
    Mutation("a hand-over cannot be taken back: not written", SEES, "using (org_id = :ORG and (:MINE or id = any(:REGAINED)))", "using (org_id = :ORG and :MINE)"),
    Mutation("customers of all orgs are seen", SEES, "using (org_id = :ORG and :SEES)", "using (:SEES)", ALONE),
    # Who writes one.
    Mutation("an admin writes nothing", MINE, ":ROLE = ''admin'' or ", ""),
    Mutation("an auditor writes all", MINE, ":ROLE = ''admin'' or ", ":ROLE in (''admin'', ''auditor'') or "),
    Mutation("a rep does not write his own", MINE, REP, "false"),
    Mutation("who owns one writes it", MINE, REP, REP.replace(":ROLE = ''rep'' and ", "")),
    Mutation("a rep writes his own in any segment", MINE, REP, REP.replace(" and segment = any(:SEGMENTS)", "")),
    Mutation("a rep writes all of his segments", MINE, REP, REP.replace("owner_id = :ME and ", "")),
    Mutation("a manager writes nothing that has an owner", MINE, BELOW, "false"),
    Mutation("a manager writes what anybody owns", MINE, BELOW, BELOW.replace("t.above_id = :ME and ", "")),
    Mutation("a manager writes all that he sees", MINE, BELOW, BELOW.replace(" and t.below_id = owner_id", "")),
    Mutation("whoever is above writes", MINE, ":ROLE = ''manager'' and (exists", "(exists"),
    Mutation("a manager does not write the unowned", MINE, " or (owner_id is null and segment = any(:TEAM_SEGMENTS))", ""),
    Mutation("a manager writes all the unowned", MINE, "owner_id is null and segment = any(:TEAM_SEGMENTS)", "owner_id is null"),
    Mutation("a manager writes all of his team's segments", MINE, "owner_id is null and segment = any(:TEAM_SEGMENTS)", "segment = any(:TEAM_SEGMENTS)"),
    Mutation("an update needs no policy", SEES, "using (org_id = :ORG and (:MINE or id = any(:REGAINED)))", "using (org_id = :ORG)"),
    # History, operations, restores.
    Mutation("history follows nothing", HISTORY, "or exists (select from app.customer c where c.org_id = :ORG and c.id in (", "or exists (select from app.customer c where false and c.id in ("),
    Mutation("history is open to managers", HISTORY, ":ROLE in ('admin', 'auditor')\n        or exists", ":ROLE <> 'rep'\n        or exists"),
    Mutation("history of any customer", HISTORY, "and c.id in (customer_id, (select m.customer_id from app.moved m\n                where m.org_id = :ORG and m.record_id = history.record_id))", ""),
    Mutation("operations are nobody's own", HISTORY, " or actor_id = :ME\n", "\n"),
    Mutation("operations of those below are hidden", HISTORY, "t.above_id = :ME and t.below_id = actor_id", "false"),
    Mutation("operations are open to managers", HISTORY, "t.above_id = :ME and t.below_id = actor_id", "true"),
    Mutation("operations are open", HISTORY, "(:ROLE in ('admin', 'auditor') or actor_id = :ME", "(true"),
    Mutation("restores are open", JOBS, "staff_id = :ME or :ROLE in", "true or :ROLE in"),
    Mutation("conflicts without their record", JOBS, "exists (select from app.customer c where c.org_id = :ORG and c.id = customer_id)", "true"),
    Mutation("a rep takes back what others did", "api/restores_scope.sql", "if app.role() = 'rep' and exists (select", "if false and exists (select"),
    # Lists.
    Mutation("the scope of all is a rep's", LIST, " or app.visibility() = 'open' then", " then"),
    Mutation("an auditor's scope is a rep's", LIST, "if app.role() in ('admin', 'auditor') or", "if app.role() = 'admin' or"),
    Mutation("mine without its owner", LIST, "'mine', 'v.owner_id = $4 and v.segment = any($6)'", "'mine', 'v.segment = any($6)'"),
    Mutation("mine without its segment", LIST, "'mine', 'v.owner_id = $4 and v.segment = any($6)'", "'mine', 'v.owner_id = $4'", ALONE),
    Mutation("team without its segment", LIST, "'team', 'v.owner_id = p.id and v.segment = any($6)'", "'team', 'v.owner_id = p.id'", ALONE),
    Mutation("many of a team without their segment", LIST, "q.people || ') and v.segment = any($6)'", "q.people || ')'", ALONE),
    Mutation("nobody's without their segment", LIST, "'v.owner_id is null and v.segment = g.id'", "'v.owner_id is null'", ALONE),
    Mutation("many, and nobody's without their segment", LIST, "') or v.owner_id is null and v.segment = any($6))'", "') or v.owner_id is null)'", ALONE),
    Mutation("many, and not nobody's", LIST, "') or v.owner_id is null and v.segment = any($6))'", "'))'"),
    Mutation("not nobody's", LIST, "if way = 'people' then", "if false then"),
    Mutation("people of all", LIST, "array(select t.below_id from app.staff_tree t where t.org_id = $5 and t.above_id = $7)", "array(select t.below_id from app.staff_tree t where t.org_id = $5)", ALONE),
    Mutation("archived ones among the others", LIST, "case when archived then 'not ' else '' end || 'null'", "'null'"),
    Mutation("a team for who sees his own", "app/context.sql", "when role = 'rep' and visibility = 'team' then manager end", "when role = 'rep' then manager end"),
    # Masks.
    Mutation("an auditor sees contacts", CONTEXT, "app.role() <> 'auditor' and (app.contact_masking()", "(app.contact_masking()"),
    Mutation("always is lists", CONTEXT, "or app.contact_masking() = 'lists' and single", "or single", "always"),
    Mutation("lists is off", CONTEXT, "= 'lists' and single", "= 'lists'"),
    Mutation("lists is always", CONTEXT, " or app.contact_masking() = 'lists' and single", ""),
    Mutation("off is lists", CONTEXT, "app.contact_masking() = 'off' or app.contact_masking() = 'lists' and", "app.contact_masking() <> 'always' and", "off"),
    Mutation("others are not masked", CONTEXT, "select app.visibility() <> 'open' and app.role() in ('rep', 'manager')", "select false"),
    Mutation("a manager's others are not masked", CONTEXT, "app.role() in ('rep', 'manager') $$", "app.role() = 'rep' $$"),
    Mutation("open masks others", CONTEXT, "select app.visibility() <> 'open' and", "select"),
    Mutation("customers are clear", VIEW, "(select app.shows_contacts()) and (not (select app.masks_others()) or :MINE) as clear", "true as clear"),
    Mutation("others' customers are clear", VIEW, "(not (select app.masks_others()) or :MINE) as clear", "true as clear"),
    Mutation("e-mails are clear", VIEW, "else app.mask_email(c.email) end", "else c.email end"),
    Mutation("phones are clear", VIEW, "else app.mask_phone(c.phone) end", "else c.phone end"),
    Mutation("phones in E.164 are clear", VIEW, "else app.mask_phone(c.phone_e164) end", "else c.phone_e164 end"),
    Mutation("the past is clear", RECORD, "if not clear then", "if false then"),
    Mutation("the one record is as in a list", RECORD, "perform app.single();\n    r := api.customer_shown(id);\n    if as_of", "r := api.customer_shown(id);\n    if as_of"),
    Mutation("old values are clear", CHANGES, MASK.format("h.old"), "h.old"),
    Mutation("new values are clear", CHANGES, MASK.format("w.new"), "w.new"),
    Mutation("changes are clear", CHANGES, "((select app.shows_contacts()) and (not", "(true or (not"),
    Mutation("others' changes are clear", CHANGES, "(not (select app.masks_others()) or exists (", "(true or exists (", "off"),
    *[Mutation(f"conflicts: {f} is clear", RESTORES, f"case when m.clear then c.{f} else app.mask_json(c.field, c.{f}) end as {f}", f"c.{f}") for f in ("undone", "current", "target")],
    *[Mutation(f"dry runs: {f} is clear", RESTORES, CONFLICT.format(f), f"'{f}', c.{f}") for f in ("undone", "current", "target")],
    # Single calls.
    Mutation("an auditor reveals", "api/customers_reveal.sql", "perform app.refuse(403, 'forbidden', 'An auditor does not get contact values.')", "null"),
    Mutation("who was dismissed goes on", "app/identity.sql", " and s.expires_at > app.now() and p.status = 'active'", " and s.expires_at > app.now()", ALONE),
]
