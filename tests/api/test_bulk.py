"""Mass updates: previews, what each action does and leaves, transfers by every way, and taking them back."""
import uuid

import pytest

from bulking import alone, above, asleep, begun, book, decide, done, ended, owners, pending, preview, run, show, team, want, why
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
