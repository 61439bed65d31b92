"""Restores of more than 1,000 records: 202, progress, and whole whatever dies meanwhile. A stack of its own, for it kills."""
import os
import signal
import time
import uuid

import pytest

from holdfast import Stack, problem
from large import Held, as_person, ask, healed, processes, spoil
from restoring import dry_run, settled

MANY = 1500


@pytest.fixture(scope="module")
def stack():
    with Stack() as running:
        running.unlimited()
        yield running


def whole(stack, client, doc, ids):
    """Asserts that a restore brought both fields of each record back, once."""
    assert (doc["status"], doc["restored"], doc["conflict_count"]) == ("done", 2 * len(ids), 0)
    assert doc["done"] == doc["total"] == len(ids)
    assert healed(stack, ids) == (len(ids), 0)
    assert client.get("/operations/" + doc["operation_id"]).json()["changes"] == 2 * len(ids)
    assert stack.sql("select count(*), min(version), max(version) from app.customer where id = any(%s::uuid[])", ids) == [(len(ids), 3, 3)]
    assert stack.sql("select count(*) from app.restore_item") == [(0,)]


def test_large_restore(stack, rita, omar, max, ada):
    ids, scope, _ = spoil(stack, rita, MANY)
    fixed, given, rest = ids[:250], ids[250:252], ids[252:]
    as_person(stack, max, "update app.customer set phone = '111' where id = any(%s::uuid[])", fixed)
    as_person(stack, ada, "update app.customer set owner_id = %s where id = any(%s::uuid[])", omar.id, given)
    plan = dry_run(max, scope)
    assert (plan["restorable"], plan["conflict_count"], plan["outside"]) == (2 * len(rest) + 250, 250, 4)
    assert len(plan["conflicts"]) == 200 and plan["by_entity"]["customers"]["records"] == MANY - 2

    key = {"Idempotency-Key": uuid.uuid4().hex}
    restore = ask(max, scope, **key)
    doc = settled(max, restore)
    assert (doc["status"], doc["done"], doc["total"]) == ("done", MANY - 2, MANY - 2)
    assert (doc["restored"], doc["conflict_count"], doc["outside"]) == (2 * len(rest) + 250, 250, 4)
    assert doc["created_at"] <= doc["started_at"] <= doc["finished_at"]
    assert healed(stack, rest) == (len(rest), 0) and healed(stack, given) == (0, 2)
    assert stack.sql("select count(*) from app.customer where id = any(%s::uuid[]) and phone = '111' and city like 'Old %%'", fixed) == [(250,)]
    operation = max.get("/operations/" + doc["operation_id"]).json()
    assert (operation["changes"], operation["via"], operation["actor_id"], operation["reason"]) == (
        doc["restored"], "restore", max.id, "All of it.")
    assert len(max.pages("/history", operation=operation["id"], limit=200)) == doc["restored"]

    # 200 of the conflicts are in the document, all of them are paged.
    conflicts = max.pages(f"/restores/{restore}/conflicts", limit=100)
    assert [c["record_id"] for c in conflicts] == fixed
    assert doc["conflicts"] == conflicts[:200] == max.pages(f"/restores/{restore}/conflicts", limit=200)[:200]
    assert {(c["undone"], c["current"], c["target"][:-2], c["why"]) for c in conflicts} == {("*** ***-****", "*** ***-****", "+4 *** ***-**", "changed_since")}
    assert {c["target"][-2:] for c in conflicts} > {"00", "42", "99"}
    assert stack.sql("select distinct undone #>> '{}', current #>> '{}', left(target #>> '{}', 9) from app.restore_conflict where restore_id = %s",
                     restore) == [("000", "111", "+49 30 10")]

    # The same request once more, when it is done, answers with what it did.
    again = max.post("/restores", {"scope": scope, "reason": "All of it."}, headers=key)
    assert (again.status_code, again.json()["id"], again.json()["restored"]) == (201, restore, doc["restored"])


def test_large_undo(stack, rita, max):
    ids, _, operation = spoil(stack, rita, 1001)
    answer = max.post(f"/operations/{operation}/undo", {"reason": "x"})
    assert answer.status_code == 202 and answer.json()["total"] == 1001
    doc = settled(max, answer.json()["id"])
    whole(stack, max, doc, ids)
    assert max.get("/operations/" + operation).json()["undone_by"] == [doc["operation_id"]]
    assert max.get("/operations/" + doc["operation_id"]).json()["action"] == "operations.undo"


def test_a_thousand_are_done_at_once(stack, rita, max):
    ids, scope, _ = spoil(stack, rita, 1000)
    as_person(stack, max, "update app.customer set phone = '111' where id = any(%s::uuid[])", ids[:201])
    answer = max.post("/restores", {"scope": scope, "reason": "x"})
    assert (answer.status_code, answer.json()["restored"], answer.json()["conflict_count"]) == (201, 1799, 201)
    assert len(answer.json()["conflicts"]) == 200
    assert len(max.pages(f"/restores/{answer.json()['id']}/conflicts")) == 201


@pytest.mark.parametrize("dies", ["step process", "step process and its transaction", "workers", "all of the program"])
def test_goes_on_when_killed(stack, rita, max, dies):
    ids, scope, _ = spoil(stack, rita, MANY)
    held = Held(stack, ids[-1])
    restore = ask(max, scope)
    backend = held.waiter()
    workers, step = processes(stack)
    assert healed(stack, ids) == (0, MANY), "nobody sees half of it"
    assert max.get("/restores/" + restore).json()["status"] in ("queued", "running")
    for pid in {"workers": workers, "all of the program": workers + [step]}.get(dies, [step]):
        os.kill(pid, signal.SIGKILL)
    if dies.endswith("transaction"):
        stack.sql("select pg_terminate_backend(%s)", backend)
    held.release()
    whole(stack, max, settled(max, restore), ids)
    workers_now, step_now = processes(stack)
    assert (step_now == step) == (dies == "workers")
    assert bool(set(workers) & set(workers_now)) == dies.startswith("step")


def test_stops_when_its_requester_is_dismissed(stack, rita, max, ada):
    ids, scope, _ = spoil(stack, rita, 2100)
    held = Held(stack, ids[0])
    restore = ask(max, scope)
    held.waiter()
    stack.sql("update app.staff set status = 'inactive' where id = %s", max.id)
    try:
        problem(max.get("/restores/" + restore), 401)
        held.release()
        doc = settled(ada, restore)
    finally:
        stack.sql("update app.staff set status = 'active' where id = %s", max.id)
    assert (doc["status"], doc["why"], doc["done"], doc["total"]) == ("cancelled", "requester_left", 2000, 2100)
    assert healed(stack, ids) == (2000, 100), "the piece in hand, and no further one"
    assert ada.get("/operations/" + doc["operation_id"]).json()["changes"] == doc["restored"] == 4000
    time.sleep(1.2)  # it is not taken up again
    assert ada.get("/restores/" + restore).json() == doc
    rest = ask(ada, scope)
    doc = settled(ada, rest)
    assert (doc["status"], doc["restored"], doc["conflict_count"]) == ("done", 200, 4000) and healed(stack, ids) == (2100, 0)
    stack.sql("delete from app.restore_item where restore_id = %s", restore)


def test_fails_whole(stack, rita, max):
    ids, scope, _ = spoil(stack, rita, 1001)
    stack.sql("alter table app.customer add constraint test_never check (phone is distinct from '+49 30 1000500') not valid")
    try:
        doc = settled(max, ask(max, scope))
    finally:
        stack.sql("alter table app.customer drop constraint test_never")
    assert (doc["status"], doc["why"], doc["done"], doc["restored"]) == ("failed", "error", 0, 0)
    assert max.get("/operations/" + doc["operation_id"]).json()["changes"] == 0
    assert healed(stack, ids) == (0, 1001)
    stack.sql("delete from app.restore_item where restore_id = %s", doc["id"])
    whole(stack, max, settled(max, ask(max, scope)), ids)
