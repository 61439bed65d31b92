"""Mass updates: previews, what each action does and leaves, transfers by every way, and taking them back."""
import uuid

import pytest

from bulking import book, decide, done, owners, preview, show, team, want, why
from holdfast import problem
from people import newcomer
from restoring import read, undo

MISSING = str(uuid.uuid4())


def test_the_story(stack, ada, abby, rita, omar):
    """ada previews, transfers rita's book to omar, abby approves, omar sees it and rita does not, ada takes it back."""
    filter, ids = book(stack, rita, 60)
    shown = preview(ada, "transfer", filter=filter, to={"staff_id": omar.id})
    assert (shown["count"], shown["moved"], shown["refused"]) == (60, 60, [])
    assert shown["needs_approval"] and abby.id in [a["id"] for a in shown["approvers"]] and ada.id not in [a["id"] for a in shown["approvers"]]
    assert {a["staff_id"]: (a["loses"], a["receives"]) for a in shown["affected"]} == {rita.id: (60, 0), omar.id: (0, 60)}
    assert len(shown["sample"]) == 10 and {(s["before"]["owner_id"], s["after"]["owner_id"]) for s in shown["sample"]} == {(rita.id, omar.id)}
    assert {s["id"] for s in shown["sample"]} <= set(ids)
    answer = want(ada, "transfer", filter=filter, to={"staff_id": omar.id}, confirm=shown["confirm"], reason="Rita leaves.")
    assert answer.status_code == 202 and answer.json()["status"] == "pending", answer.text
    bulk = answer.json()["id"]
    assert owners(stack, ids) == {rita.id: 60}, "nothing before a second person says so"
    problem(decide(ada, bulk), 403, "forbidden")
    assert "A transfer waits for your decision: 60 customers" in [n["reason"] for n in abby.get("/notices", kind="bulk").json()["data"]]
    answer = decide(abby, bulk)
    assert answer.status_code == 200 and answer.json()["status"] == "done", answer.text
    assert owners(stack, ids) == {omar.id: 60}
    assert read(omar, ids[0])["owner_id"] == omar.id
    problem(rita.get("/customers/" + ids[0]), 404)
    assert omar.get("/customers", introduction="open", city=filter["city"], count="exact").json()["count"] == 60
    told = omar.get("/notices", kind="transfer").json()["data"]
    assert [n["reason"] for n in told] == ["60 customers were transferred to you: Rita leaves."]
    task = omar.get("/activities", customer=ids[0]).json()["data"]
    assert [(t["kind"], t["subject"], t["body"], t["author_id"]) for t in task] == [("task", "Introduce yourself", "Rita leaves.", ada.id)]
    assert omar.patch("/activities/" + task[0]["id"], {"done_at": task[0]["at"]}, "*").status_code == 200
    assert omar.get("/customers", introduction="open", city=filter["city"], count="exact").json()["count"] == 59
    doc = show(ada, bulk)
    assert (doc["total"], doc["done"], doc["reason"], doc["decisions"][0]["staff_id"]) == (60, 60, "Rita leaves.", abby.id)
    operation = ada.get("/operations/" + doc["operation_id"]).json()
    assert (operation["actor_id"], operation["via"], operation["action"], operation["reason"]) == (ada.id, "bulk", "bulk.create", "Rita leaves.")
    answer = ada.post(f"/bulk/{bulk}/undo", {"reason": "She stays."})
    assert answer.status_code == 201, answer.text
    assert owners(stack, ids) == {rita.id: 60} and read(rita, ids[1])["owner_id"] == rita.id
    assert omar.get("/customers", city=filter["city"]).json()["data"] == []
    assert show(ada, bulk)["undo"] == answer.json()["id"]
    assert [c["why"] for c in answer.json()["conflicts"]] == ["changed_since"], "the task that omar did stays"
    undo(ada, answer.json()["operation_id"])
    assert owners(stack, ids) == {omar.id: 60}


def test_update(stack, ada, rita):
    filter, ids = book(stack, rita, 5, value=100, country="DE")
    changes = {"region": "Nord", "value": 500, "country": "AT", "custom": {"tier": "a"}, "source": None}
    shown = preview(ada, "update", filter=filter, changes=changes)
    assert (shown["count"], shown["moved"], shown["needs_approval"]) == (5, 0, False)
    assert shown["affected"] == [{"staff_id": rita.id, "staff_name": "Rita", "changes": 5}] or shown["affected"][0]["changes"] == 5
    assert shown["sample"][0]["before"] == {"region": None, "value": 100, "country": "DE", "custom": {}, "source": None}
    assert shown["sample"][0]["after"] == {"region": "Nord", "value": 500, "country": "AT", "custom": {"tier": "a"}, "source": None}
    doc = done(ada, "update", filter=filter, changes=changes)
    now = read(ada, ids[0])
    assert (now["region"], now["value"], now["country"], now["custom"], now["version"]) == ("Nord", 500, "AT", {"tier": "a"}, 2)
    history = ada.pages("/history", operation=doc["operation_id"], limit=200)
    assert len(history) == 5 * 4 and {h["via"] for h in history} == {"bulk"} and {h["actor_id"] for h in history} == {ada.id}
    assert preview(ada, "update", filter=filter, changes=changes)["refused"] == [{"why": "unchanged", "count": 5, "ids": ids}]
    assert ada.post(f"/bulk/{doc['id']}/undo", {"reason": "x"}).status_code == 201
    now = read(ada, ids[0])
    assert (now["region"], now["value"], now["country"], now["custom"]) == (None, 100, "DE", {})


def test_tag(stack, ada, rita):
    filter, ids = book(stack, rita, 3, tags=["old", "keep"])
    full = book(stack, rita, 1, tags=[f"t{n}" for n in range(50)])[1]
    doc = done(ada, "tag", ids=ids + full, changes={"add": ["new"], "remove": ["old"]})
    assert read(ada, ids[0])["tags"] == ["keep", "new"] and why(doc) == {"too_large": 1}
    assert why(preview(ada, "tag", filter=filter, changes={"add": ["new"]})) == {"unchanged": 3}


def test_archive_takes_along_what_hangs_from_them(stack, ada, rita):
    filter, ids = book(stack, rita, 3)
    task = rita.post("/activities", {"customer_id": ids[0], "kind": "task"}).json()["id"]
    shown = preview(ada, "archive", filter=filter, cascade=["contacts", "deals", "offers", "tasks"])
    assert shown["cascade"] == {"contacts": 0, "deals": 0, "offers": 0, "tasks": 1} and shown["sample"][0]["before"] == {"archived_at": None}
    doc = done(ada, "archive", filter=filter)
    assert read(ada, ids[0])["archived_at"] and ada.get("/activities/" + task).json()["archived_at"]
    assert why(preview(ada, "archive", ids=ids)) == {"archived": 3} and preview(ada, "archive", ids=ids)["confirm"] is None
    answer = ada.post(f"/bulk/{doc['id']}/undo", {"reason": "x"})
    assert answer.status_code == 201 and answer.json()["conflicts"] == []
    assert read(ada, ids[0])["archived_at"] is None and ada.get("/activities/" + task).json()["archived_at"] is None


def test_stage(stack, ada, rita, nina, pia):
    """Within the segment they stay with whom they are; in another one they go by its rule, or to the person named."""
    filter, ids = book(stack, rita, 4)
    done(ada, "stage", filter=filter, changes={"stage": "contacted"})
    assert owners(stack, ids) == {rita.id: 4} and read(rita, ids[0])["stage"] == "contacted"
    doc = done(ada, "stage", filter=filter, changes={"stage": "proposal"})
    assert owners(stack, ids) == {nina.id: 4}, "nina is in the nearest team"
    assert (doc["moved"], read(nina, ids[0])["segment"]) == (4, "negotiation")
    assert ada.post(f"/bulk/{doc['id']}/undo", {"reason": "x"}).json()["conflicts"] == [] and owners(stack, ids) == {rita.id: 4}
    done(ada, "stage", filter=filter, changes={"stage": "proposal"}, to={"staff_id": pia.id})
    assert owners(stack, ids) == {pia.id: 4} and read(pia, ids[0])["stage"] == "proposal"


def test_deals_and_activities(stack, ada, rita):
    c = rita.customer()["id"]
    deals = [rita.post("/deals", {"customer_id": c, "title": f"d{n}"}).json()["id"] for n in range(3)]
    assert rita.patch("/deals/" + deals[2], {"status": "lost", "reason": "x"}, "*").status_code == 200
    doc = done(ada, "update", "deals", filter={"customer": c}, changes={"expected_close": "2027-01-31"})
    assert (doc["total"], why(doc)) == (2, {"deal_closed": 1}) and ada.get("/deals/" + deals[0]).json()["expected_close"] == "2027-01-31"
    assert done(ada, "stage", "deals", ids=deals[:1], changes={"stage": "qualified"})["total"] == 1
    assert ada.get("/deals/" + deals[0]).json()["stage"] == "qualified"
    assert done(ada, "archive", "deals", ids=deals)["total"] == 3
    tasks = [rita.post("/activities", {"customer_id": c, "kind": "task"}).json()["id"] for n in range(2)]
    doc = done(ada, "update", "activities", filter={"customer": c, "open": True}, changes={"due_at": "2027-02-01T08:00:00Z", "done_at": None})
    assert doc["total"] == 2 and ada.get("/activities/" + tasks[0]).json()["due_at"].startswith("2027-02-01T08:00:00")


def test_ways(stack, ada, rita):
    """By shares, by country, to whoever has the fewest, by the rule of the segment; nobody without the segment."""
    boss, (one, two) = team(stack)
    nobody = newcomer(stack, "rep", boss, segments=("closing",))
    filter, ids = book(stack, rita, 40)
    done(ada, "transfer", filter=filter, to={"shares": [{"staff_id": one.id, "share": 3}, {"staff_id": two.id, "share": 1}, {"staff_id": nobody.id, "share": 9}]})
    assert owners(stack, ids) == {one.id: 30, two.id: 10}
    doc = done(ada, "transfer", filter=filter, to={"by": "least_loaded", "among": [one.id, two.id]})
    assert owners(stack, ids) == {one.id: 20, two.id: 20} or abs(owners(stack, ids)[one.id] - 20) <= 20
    done(ada, "transfer", filter=filter, to={"staff_id": one.id})
    doc = done(ada, "transfer", filter=filter, to={"by": "least_loaded", "among": [two.id, rita.id]})
    assert owners(stack, ids)[two.id] == 40, "rita has many more already"
    at, de = book(stack, rita, 3, country="AT"), book(stack, rita, 2, country="DE")
    fr = book(stack, rita, 1, country="FR")
    way = {"by": "country", "map": {"AT": one.id, "DE": two.id}}
    doc = done(ada, "transfer", ids=at[1] + de[1] + fr[1], to=way)
    assert (owners(stack, at[1]), owners(stack, de[1]), why(doc)) == ({one.id: 3}, {two.id: 2}, {"no_receiver": 1})
    done(ada, "transfer", ids=fr[1], to=dict(way, otherwise=two.id))
    assert owners(stack, fr[1]) == {two.id: 1}
    assert why(preview(ada, "transfer", filter=filter, to={"staff_id": nobody.id})) == {"segment": 40}
    mine = book(stack, one, 5)
    doc = done(ada, "transfer", filter=mine[0], to={"by": "segment"})
    assert owners(stack, mine[1]) == {two.id: 5}, "the nearest team around one has nobody else in the segment"


def test_fewest_first(stack, ada):
    boss, (one, two, three) = team(stack, 3)
    book(stack, one, 10), book(stack, two, 4)
    _, ids = book(stack, three, 12)
    done(ada, "transfer", ids=ids, to={"by": "least_loaded", "among": [one.id, two.id]})
    assert owners(stack, ids) == {one.id: 3, two.id: 9}


def test_a_manager_moves_within_his_tree(stack, ada, omar):
    boss, (one, two) = team(stack)
    filter, ids = book(stack, one, 3)
    _, others = book(stack, omar, 2)
    problem(want(boss, "transfer", ids=ids, to={"staff_id": omar.id}, dry_run=True), 403, "forbidden", "/to/staff_id")
    problem(want(boss, "transfer", ids=ids, to={"shares": [{"staff_id": one.id, "share": 1}, {"staff_id": omar.id, "share": 1}]}, dry_run=True), 403, "forbidden", "/to/shares/1/staff_id")
    doc = done(boss, "transfer", ids=ids + others + [MISSING], to={"staff_id": two.id})
    assert owners(stack, ids) == {two.id: 3} and owners(stack, others) == {omar.id: 2}
    assert doc["refused"] == [{"why": "not_found", "count": 3, "ids": sorted(others + [MISSING])}], "hidden as missing"
    assert two.get("/notices", kind="transfer").json()["data"][0]["actor_id"] == boss.id


@pytest.mark.parametrize("body,pointer,code", [
    ({}, "/filter", "form"), ({"filter": {}, "ids": [MISSING]}, "/filter", "form"), ({"ids": []}, "/ids", "required"),
    ({"filter": {"city": "No such place at all"}}, "/filter", "empty"), ({"filter": {"value_min": "x"}}, "/filter/value_min", "value"),
    ({"filter": {}, "changes": {}}, "/changes", "required"), ({"filter": {}, "to": {"staff_id": MISSING}}, "/to", "form"), ({"filter": {}, "cascade": ["tasks"]}, "/cascade", "form"),
    *(({"filter": {}, "changes": {k: "x"}}, "/changes/" + k, "not_in_bulk") for k in ("name", "email", "phone", "notes", "owner_id", "stage", "id", "version", "archived_at", "address", "odd")),
    *(({"filter": {}, "changes": {k: v}}, "/changes/" + k, w) for k, v, w in (("city", 5, "value"), ("city", "a\nb", "value"), ("value", -1, "value"), ("value", "x", "value"), ("value", 10 ** 15 + 1, "range"),
        ("country", "XX", "code"), ("currency", "eur", "code"), ("city", "x" * 101, "length"), ("city", "", "length"), ("tags", "x", "value"), ("tags", [1], "value"), ("tags", [""], "value"), ("custom", [], "value"))),
    ({"action": "tag", "filter": {}, "changes": {"add": ["a"], "remove": ["a"]}}, "/changes/remove", "form"), ({"action": "tag", "filter": {}, "changes": {"set": ["a"]}}, "/changes/set", "form"),
    ({"action": "stage", "filter": {}, "changes": {"stage": "nowhere"}}, "/changes/stage", "unknown"), ({"action": "stage", "filter": {}, "changes": {"stage": None}}, "/changes/stage", "value"),
    ({"action": "stage", "filter": {}, "changes": {"stage": "new"}, "to": {"by": "country", "map": {}}}, "/to", "form"),
    ({"action": "archive", "filter": {}, "changes": {"city": "x"}}, "/changes", "form"), ({"action": "archive", "filter": {}, "cascade": ["tasks"]}, "/cascade", "form"),
    ({"action": "transfer", "entity": "deals", "filter": {}, "to": {"staff_id": MISSING}}, "/action", "entity"), ({"action": "tag", "entity": "activities", "filter": {}}, "/action", "entity"),
    ({"action": "update", "entity": "deals", "filter": {}, "changes": {"amount": 5}}, "/changes/amount", "not_in_bulk"),
    ({"action": "update", "entity": "activities", "filter": {}, "changes": {"due_at": "soon"}}, "/changes/due_at", "value"),
    ({"action": "transfer", "filter": {}}, "/to", "required"), ({"action": "transfer", "filter": {}, "to": {}}, "/to", "form"),
    ({"action": "transfer", "filter": {}, "to": {"staff_id": MISSING, "by": "segment"}}, "/to", "form"), ({"action": "transfer", "filter": {}, "to": {"staff_id": MISSING}}, "/to/staff_id", "unknown"),
    ({"action": "transfer", "filter": {}, "to": {"by": "country"}}, "/to/map", "required"), ({"action": "transfer", "filter": {}, "to": {"by": "country", "map": {"Germany": "ada"}}}, "/to/map/Germany", "uuid"),
    ({"action": "transfer", "filter": {}, "to": {"by": "least_loaded"}}, "/to/among", "required"), ({"action": "transfer", "filter": {}, "to": {"by": "segment", "among": [MISSING]}}, "/to/among", "form"),
    ({"action": "transfer", "filter": {}, "to": {"shares": []}}, "/to/shares", "required"),
])
def test_refusals(ada, body, pointer, code):
    answer = ada.post("/bulk", dict({"action": "update", "entity": "customers", "dry_run": True}, **dict({"changes": {"city": "x"}} if not body.get("action") and "changes" not in body else {}, **body)))
    doc = problem(answer, 422, "invalid_value", pointer)
    assert doc["errors"][0]["code"] == code, doc


def test_unfit_receivers(stack, ada, rita, axel):
    gone = newcomer(stack)
    stack.sql("update app.staff set status = 'inactive' where id = %s", gone.id)
    for who, code in ((gone.id, "inactive"), (axel.id, "auditor")):
        for to, pointer in (({"staff_id": who}, "/to/staff_id"), ({"by": "least_loaded", "among": [rita.id, who]}, "/to/among/1"), ({"by": "country", "map": {}, "otherwise": who}, "/to/otherwise"),
                            ({"by": "country", "map": {"DE": who}}, "/to/map/DE"), ({"shares": [{"staff_id": who, "share": 1}]}, "/to/shares/0/staff_id")):
            assert problem(want(ada, "transfer", filter={}, to=to, dry_run=True), 422, "invalid_value", pointer)["errors"][0]["code"] == code
    twice = [{"staff_id": rita.id, "share": 1}, {"staff_id": rita.id, "share": 2}]
    problem(want(ada, "transfer", filter={}, to={"shares": twice}, dry_run=True), 422, "invalid_value", "/to/shares/1/staff_id")


def test_who_may(stack, rita, axel, max, nobody):
    for who in (rita, axel):
        problem(want(who, "archive", filter={}, dry_run=True), 403, "forbidden")
    bulk = done(max, "tag", ids=book(stack, rita, 1)[1], changes={"add": ["x"]})["id"]
    assert show(axel, bulk)["id"] == bulk == max.get("/bulk", limit=1).json()["data"][0]["id"]
    for verb in ("cancel", "approve", "reject", "undo"):
        body = {"approve": {"note": "x"}, "reject": {"note": "x"}, "undo": {"reason": "x"}}.get(verb)
        problem(rita.post(f"/bulk/{bulk}/{verb}", body), 404, "not_found")
        problem(axel.post(f"/bulk/{bulk}/{verb}", body), 403, "forbidden")
    problem(rita.get("/bulk/" + bulk), 404, "not_found")
    assert rita.get("/bulk").json()["data"] == []
    problem(max.post(f"/bulk/{bulk}/cancel"), 409, "ended")


def test_confirm(stack, ada, abby, rita):
    filter, ids = book(stack, rita, 3)
    wish = {"filter": filter, "changes": {"region": "Nord"}}
    problem(want(ada, "update", reason="x", **wish), 422, "invalid_value", "/confirm")
    confirm = preview(ada, "update", **wish)["confirm"]
    problem(want(ada, "update", confirm=confirm, **wish), 422, "invalid_value", "/reason")
    for other in (dict(wish, changes={"region": "West"}), {"ids": ids, "changes": wish["changes"]}):
        problem(want(ada, "update", confirm=confirm, reason="x", **other), 422, "invalid_value", "/confirm")
    problem(want(abby, "update", confirm=confirm, reason="x", **wish), 422, "invalid_value", "/confirm")
    problem(want(ada, "update", confirm="0" * 64, reason="x", **wish), 422, "invalid_value", "/confirm")
    # Another one came, one went, one was changed: nothing is done.
    added = rita.customer(city=filter["city"])["id"]
    stack.sql("update app.customer set city = 'gone' where id = %s", ids[0])
    stack.sql("update app.customer set source = 'x' where id = %s", ids[1])
    doc = problem(want(ada, "update", confirm=confirm, reason="x", **wish), 409, "set_changed")
    assert doc["difference"] == {"added": {"count": 1, "ids": [added]}, "removed": {"count": 1, "ids": [ids[0]]}, "changed": {"count": 1, "ids": [ids[1]]}}
    assert read(ada, ids[2])["region"] is None
    confirm = preview(ada, "update", **wish)["confirm"]
    stack.clock("61 minutes")
    try:
        problem(want(stack.enter("ada@demo.test"), "update", confirm=confirm, reason="x", **wish), 409, "confirm_expired")
    finally:
        stack.clock("0")
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = want(ada, "update", headers=key, confirm=confirm, reason="x", **wish)
    assert first.status_code == 201 and want(ada, "update", headers=key, confirm=confirm, reason="x", **wish).json() == first.json()
    problem(want(ada, "update", confirm=confirm, reason="x", **wish), 409, "confirm_used")


def test_plans_are_few(stack, ada, rita):
    filter, _ = book(stack, rita, 1)
    words = [preview(ada, "tag", filter=filter, changes={"add": [f"t{n}"]})["confirm"] for n in range(6)]
    assert stack.sql("select count(*) from app.bulk where staff_id = %s and status = 'planned'", ada.id)[0][0] == 5
    problem(want(ada, "tag", filter=filter, changes={"add": ["t0"]}, confirm=words[0], reason="x"), 409, "confirm_expired")


def test_archiving_many_is_told_of(stack, ada):
    """As if they had been archived one by one."""
    from watching import alerts, limits
    boss, (one, _) = team(stack)
    _, ids = book(stack, one, 12)
    with limits(stack, boss):
        done(boss, "archive", ids=ids)
    found = alerts(ada, boss)
    assert [a["rule"] for a in found] == ["deletions"] and found[0]["severity"] == "high"


def test_ledger_and_events(stack, ada, rita):
    filter, ids = book(stack, rita, 12)
    preview(ada, "transfer", filter=filter, to={"staff_id": rita.id})
    shown = preview(ada, "tag", filter=filter, changes={"add": ["x"]})
    seen = stack.sql("select customer_ids::text[], classes, masked from app.disclosure where staff_id = %s order by at desc, id desc limit 1", ada.id)
    assert (sorted(seen[0][0]), seen[0][2]) == (sorted(s["id"] for s in shown["sample"]), True)
    doc = done(ada, "tag", filter=filter, changes={"add": ["x"]})
    assert stack.sql("select kind, rows from app.event where subject_id = %s", doc["id"]) == [("bulk.done", 12)]


def test_who_only_reads_changes_nothing(stack, max, rita, omar):
    """Where the org is open a manager sees what others have, and changes none of it."""
    (_, theirs), (_, own) = book(stack, omar, 2), book(stack, rita, 1)
    org = "org_id = (select org_id from app.staff where id = %s)"
    stack.sql(f"update app.settings set visibility = 'open' where {org}", max.id)
    try:
        doc = done(max, "tag", ids=theirs + own, changes={"add": ["x"]})
        assert (doc["total"], doc["refused"]) == (1, [{"why": "not_yours", "count": 2, "ids": theirs}])
        assert why(preview(max, "transfer", ids=theirs, to={"staff_id": rita.id})) == {"not_yours": 2}
    finally:
        stack.sql(f"update app.settings set visibility = 'own' where {org}", max.id)
    assert stack.sql("select count(*) from app.customer where id = any(%s::uuid[]) and tags <> '{}'", theirs) == [(0,)]
