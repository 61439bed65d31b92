"""Mass updates of more than 1,000 records: 202, progress, and whole or not at all whatever happens meanwhile. A stack of its own, for it kills."""
import os
import signal
import time

import pytest

from bulking import alone, begun, book, done, ended, owners, run, show, team, why
from holdfast import Stack, problem
from large import Held, paused, processes
from people import newcomer
from restoring import settled

MANY = 1500


@pytest.fixture(scope="module")
def stack():
    with Stack() as running:
        running.unlimited()
        with alone(running, 100000):
            yield running


@pytest.fixture
def heir(stack):
    return newcomer(stack)


def transfer(who, filter, heir):
    return begun(who, "transfer", filter=filter, to={"staff_id": heir.id})


def introductions(stack, ids):
    return stack.sql("select count(*) from app.activity where introduction and archived_at is null and customer_id = any(%s::uuid[])", ids)[0][0]


def untouched(stack, ids, owner):
    """Asserts that nothing of a transfer stands."""
    assert owners(stack, ids) == {owner.id: len(ids)} and introductions(stack, ids) == 0
    assert stack.sql("select count(*) from app.bulk_item i join app.bulk b on b.id = i.bulk_id where b.status = 'begun'") == [(0,)]


def part(stack, ids, heir):
    """Waits until a job has moved some."""
    until = time.monotonic() + 20
    while owners(stack, ids).get(heir.id, 0) == 0:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_large_transfer(stack, ada, rita, heir):
    filter, ids = book(stack, rita, MANY)
    bulk = transfer(ada, filter, heir)
    doc = ended(ada, bulk)
    assert (doc["status"], doc["done"], doc["total"], doc["moved"], doc["refused"], doc["undo"]) == ("done", MANY, MANY, MANY, [], None)
    assert doc["asked_at"] <= doc["started_at"] <= doc["finished_at"] and doc["eta"] is None
    assert owners(stack, ids) == {heir.id: MANY} and introductions(stack, ids) == MANY
    operation = ada.get("/operations/" + doc["operation_id"]).json()
    assert (operation["changes"], operation["actor_id"], operation["via"], operation["reason"]) == (2 * MANY, ada.id, "bulk", "A test.")
    assert stack.sql("select field, count(*) from app.history where operation_id = %s group by 1 order by 1", operation["id"]) == [("owner_id", MANY), (None, MANY)]
    assert [n["reason"] for n in heir.get("/notices", kind="transfer").json()["data"]] == [f"{MANY} customers were transferred to you: A test."], "one for all"
    assert [b["id"] for b in ada.get("/bulk", status="done", action="transfer", staff=ada.id, limit=1).json()["data"]] == [bulk]


TABLES = ("customer", "contact", "deal", "offer", "activity")
FREE = "{version,updated_at,owner_since}"      # what every change moves


def dump(stack, ids):
    """All that hangs from these customers and is not archived, but for what every change moves."""
    return [stack.sql(f"select (to_jsonb(t) - %s::text[])::text from app.{t} t where {'id' if t == 'customer' else 'customer_id'} = any(%s::uuid[]) and archived_at is null order by 1", FREE, ids)
            for t in TABLES]


def test_a_transfer_with_all_that_hangs_and_its_undo_leave_no_trace(stack, ada, rita, heir):
    n = 10000 if os.environ.get("HOLDFAST_LONG") == "1" else 1200
    filter, ids = book(stack, rita, n)
    stack.sql("""insert into app.contact (org_id, id, customer_id, name, email, created_at, updated_at)
        select org_id, app.uuid7(), id, 'Person', 'p@x.example', app.now(), app.now() from app.customer where id = any(%s::uuid[])""", ids)
    stack.sql("""insert into app.deal (org_id, id, customer_id, title, stage, created_at, updated_at)
        select org_id, app.uuid7(), id, 'Deal', stage, app.now(), app.now() from app.customer where id = any(%s::uuid[])""", ids)
    stack.sql("""insert into app.activity (org_id, id, customer_id, kind, subject, at, created_at, updated_at)
        select org_id, app.uuid7(), id, k, 'x', app.now(), app.now(), app.now() from app.customer, unnest('{note,task}'::text[]) k where id = any(%s::uuid[])""", ids)
    for i in ids[:20]:
        assert rita.post("/offers", {"customer_id": i, "currency": "EUR"}).status_code == 201
    before = dump(stack, ids)
    doc = ended(ada, transfer(ada, filter, heir))
    assert doc["status"] == "done" and dump(stack, ids) != before
    assert heir.get("/offers", customer=ids[0]).json()["data"] and not rita.get("/contacts", customer=ids[0]).json().get("data")
    answer = ada.post(f"/bulk/{doc['id']}/undo", {"reason": "Back."})
    assert answer.status_code == 202, answer.text
    undone = settled(ada, answer.json()["id"])
    assert (undone["status"], undone["conflict_count"], undone["restored"]) == ("done", 0, 2 * n)
    assert dump(stack, ids) == before
    again = ada.post(f"/operations/{undone['operation_id']}/undo", {"reason": "And forth."})
    assert settled(ada, again.json()["id"])["conflict_count"] == 0 and owners(stack, ids) == {heir.id: n} and introductions(stack, ids) == n


def test_what_changed_meanwhile_stays(stack, ada, rita, omar, heir):
    filter, ids = book(stack, rita, MANY)
    with paused(stack, "bulk"):
        bulk = transfer(ada, filter, heir)
        stack.sql("update app.customer set owner_id = %s where id = any(%s::uuid[])", omar.id, ids[:3])
        stack.sql("update app.customer set archived_at = app.now() where id = any(%s::uuid[])", ids[3:5])
        stack.sql("update app.customer set stage = 'won' where id = %s", ids[5])
        stack.sql("update app.customer set source = 'worked with' where id = any(%s::uuid[])", ids[6:20])
    doc = ended(ada, bulk)
    assert (doc["status"], doc["done"], why(doc)) == ("done", MANY, {"changed_since": 3, "archived": 2, "segment": 1})
    assert {r["why"]: r["ids"] for r in doc["refused"]}["changed_since"] == ids[:3]
    assert owners(stack, ids) == {heir.id: MANY - 6, omar.id: 3, rita.id: 3}


def test_what_somebody_wrote_meanwhile_stands(stack, ada, rita):
    """A job overwrites nobody, whichever field he wrote; it writes what nobody touched."""
    filter, ids = book(stack, rita, MANY, tags=["old"])
    with paused(stack, "bulk"):
        bulk = begun(ada, "update", filter=filter, changes={"region": "BULK"})
        assert rita.patch("/customers/" + ids[0], {"region": "HUMAN"}, "*").status_code == 200
        assert rita.patch("/customers/" + ids[1], {"source": "HUMAN"}, "*").status_code == 200
        assert rita.patch("/customers/" + ids[2], {"region": "BULK"}, "*").status_code == 200
    doc = ended(ada, bulk)
    assert (doc["status"], why(doc)) == ("done", {"changed_since": 2, "unchanged": 1})
    assert dict(stack.sql("select coalesce(region, '-'), count(*) from app.customer where id = any(%s::uuid[]) group by 1", ids)) == {"HUMAN": 1, "-": 1, "BULK": MANY - 2}


def test_an_heir_who_leaves_gets_nothing(stack, ada, rita, heir):
    filter, ids = book(stack, rita, MANY)
    with paused(stack, "bulk"):
        bulk = transfer(ada, filter, heir)
        stack.sql("update app.staff set status = 'inactive' where id = %s", heir.id)
    assert why(ended(ada, bulk)) == {"owner_unfit": MANY}
    untouched(stack, ids, rita)


def test_overlap(stack, ada, rita, heir):
    boss, (one, two) = team(stack)
    filter, ids = book(stack, one, MANY)
    with paused(stack, "bulk"):
        bulk = transfer(ada, filter, two)
        assert problem(run(ada, "tag", ids=ids[:2], changes={"add": ["x"]}), 409, "overlap")["job"] == bulk
        doc = problem(run(boss, "tag", ids=ids[-2:], changes={"add": ["x"]}), 409, "overlap")
        assert "job" not in doc, "of a job that he does not see he is told no more"
        problem(ada.post("/operations/" + stack.sql("select operation_id::text from app.bulk where id = %s", bulk)[0][0] + "/undo", {"reason": "x"}), 409, "still_running")
        problem(ada.post(f"/bulk/{bulk}/undo", {"reason": "x"}), 409, "still_running")
    ended(ada, bulk)
    done(ada, "tag", ids=ids[:2], changes={"add": ["x"]})


def test_overlap_of_customers_and_what_hangs_from_them(stack, ada, rita, heir):
    """An archive or a transfer of customers is a change of their deals and activities too; whichever was first."""
    filter, ids = book(stack, rita, MANY)
    made = [d for d, in stack.sql("""insert into app.deal (org_id, id, customer_id, title, stage, amount, currency, created_at, updated_at)
        select org_id, app.uuid7(), id, 'Deal', stage, 777123, 'EUR', app.now(), app.now() from app.customer where id = any(%s::uuid[]) returning id::text""", ids)]
    (other,) = book(stack, rita, 1)[1]
    (apart,) = [d for d, in stack.sql("""insert into app.deal (org_id, id, customer_id, title, stage, created_at, updated_at)
        select org_id, app.uuid7(), id, 'Deal', stage, app.now(), app.now() from app.customer where id = %s returning id::text""", other)]
    later = {"expected_close": "2031-01-01"}
    with paused(stack, "bulk"):
        bulk = begun(ada, "archive", filter=filter)
        assert problem(run(ada, "update", "deals", ids=[made[7], apart], changes=later), 409, "overlap")["job"] == bulk
        done(ada, "update", "deals", ids=[apart], changes=later)
        assert ada.post(f"/bulk/{bulk}/cancel").status_code == 200
        bulk = begun(ada, "update", "deals", filter={"amount_min": 777123, "amount_max": 777123}, changes=later)
        assert problem(run(ada, "transfer", ids=ids[5:6], to={"staff_id": heir.id}), 409, "overlap")["job"] == bulk
        assert problem(run(ada, "archive", ids=ids[5:6]), 409, "overlap")["job"] == bulk
        done(ada, "archive", ids=book(stack, rita, 1)[1])
    ended(ada, bulk)
    done(ada, "archive", ids=ids[5:6])


def test_cancel(stack, ada, rita, heir, max):
    filter, ids = book(stack, rita, MANY)
    with paused(stack, "bulk"):
        bulk = transfer(ada, filter, heir)
        answer = ada.post(f"/bulk/{bulk}/cancel")
        assert answer.status_code == 200 and (answer.json()["status"], answer.json()["why"], answer.json()["undo"]) == ("cancelled", "asked", None)
    problem(ada.post(f"/bulk/{bulk}/cancel"), 409, "ended")
    untouched(stack, ids, rita)
    held = Held(stack, ids[-1])
    bulk = transfer(ada, filter, heir)
    part(stack, ids, heir)
    answer = ada.post(f"/bulk/{bulk}/cancel")
    assert answer.status_code == 202 and answer.json()["status"] == "running", "until it is taken back"
    held.release()
    doc = ended(ada, bulk)
    assert (doc["status"], doc["why"]) == ("cancelled", "asked") and 0 < doc["done"] < MANY
    undone = ada.get("/restores/" + doc["undo"]).json()
    assert (undone["status"], undone["conflict_count"], undone["restored"], undone["undoes"]) == ("done", 0, 2 * doc["done"], doc["operation_id"])
    assert ada.get("/operations/" + undone["operation_id"]).json()["action"] == "bulk.cancel"
    untouched(stack, ids, rita)
    assert heir.get("/notices", kind="transfer").json()["data"] == []
    # The records are free again, and the operation can be done once more.
    assert ended(ada, transfer(ada, filter, heir))["status"] == "done"


@pytest.mark.parametrize("change,why_", [("status = 'inactive'", "requester_left"), ("role = 'rep'", "rights_changed"), ("frozen", "requester_left")])
def test_present_rights(stack, ada, change, why_):
    """Who is dismissed, demoted or frozen goes on with nothing, and what he began is taken back."""
    boss, (one, two) = team(stack)
    filter, ids = book(stack, one, MANY)
    held = Held(stack, ids[-1])
    bulk = transfer(boss, filter, two)
    part(stack, ids, two)
    if change == "frozen":
        assert ada.post(f"/staff/{boss.id}/freeze", {"reason": "x"}).status_code == 200
    else:
        stack.sql(f"update app.staff set {change} where id = %s", boss.id)
    held.release()
    doc = ended(ada, bulk)
    assert (doc["status"], doc["why"]) == ("cancelled", why_) and ada.get("/restores/" + doc["undo"]).json()["status"] == "done"
    untouched(stack, ids, one)
    stack.sql("update app.staff set status = 'active', role = 'manager' where id = %s", boss.id)


def test_who_loses_people_loses_their_customers(stack, ada):
    boss, (one, two) = team(stack)
    filter, ids = book(stack, one, MANY)
    with paused(stack, "bulk"):
        bulk = begun(boss, "tag", filter=filter, changes={"add": ["x"]})
        stack.sql("update app.staff set manager_id = null where id = %s", one.id)
    assert why(ended(ada, bulk)) == {"not_found": MANY}
    assert stack.sql("select count(*) from app.customer where id = any(%s::uuid[]) and tags <> '{}'", ids) == [(0,)]


def test_fails_whole(stack, ada, rita, heir):
    filter, ids = book(stack, rita, MANY)
    stack.sql(f"alter table app.customer add constraint test_never check (id <> '{ids[-1]}' or owner_id <> '{heir.id}') not valid")
    try:
        doc = ended(ada, transfer(ada, filter, heir))
    finally:
        stack.sql("alter table app.customer drop constraint test_never")
    assert (doc["status"], doc["why"]) == ("failed", "error") and 0 < doc["done"] < MANY
    untouched(stack, ids, rita)


@pytest.mark.parametrize("dies", ["step process", "step process and its transaction", "workers", "all of the program"])
def test_goes_on_when_killed(stack, ada, rita, heir, dies):
    filter, ids = book(stack, rita, MANY)
    held = Held(stack, ids[-1])
    bulk = transfer(ada, filter, heir)
    backend = held.waiter()
    workers, step = processes(stack, "bulk")
    assert show(ada, bulk)["status"] in ("queued", "running")
    for pid in {"workers": workers, "all of the program": workers + [step]}.get(dies, [step]):
        os.kill(pid, signal.SIGKILL)
    if dies.endswith("transaction"):
        stack.sql("select pg_terminate_backend(%s)", backend)
    held.release()
    doc = ended(ada, bulk)
    assert (doc["status"], doc["done"], doc["refused"]) == ("done", MANY, [])
    assert owners(stack, ids) == {heir.id: MANY} and introductions(stack, ids) == MANY
    assert ada.get("/operations/" + doc["operation_id"]).json()["changes"] == 2 * MANY
    assert stack.sql("select count(*), min(version), max(version) from app.customer where id = any(%s::uuid[])", ids) == [(MANY, 2, 2)]


def test_a_chunk_holds_no_record_for_long(stack, ada, rita, heir):
    """Somebody who wants one of the records meanwhile gets it soon."""
    filter, ids = book(stack, rita, 6000)
    bulk, waits = transfer(ada, filter, heir), []
    while show(ada, bulk)["status"] in ("queued", "running"):
        began = time.monotonic()
        stack.sql("select from app.customer where id = %s for no key update", ids[len(waits) * 397 % len(ids)])
        waits.append(time.monotonic() - began)
    print(f"{len(waits)} waits, the longest {max(waits) * 1000:.0f} ms")
    assert owners(stack, ids) == {heir.id: 6000} and sorted(waits)[len(waits) * 9 // 10] < 0.4


def test_taking_back_does_not_stop_at_who_may_own_no_more(stack, ada, heir):
    """What was an auditor's stays with whom it went to; all else comes back."""
    boss, (one, two) = team(stack)
    filter, ids = book(stack, one, MANY)
    stack.sql("update app.customer set owner_id = %s where id = any(%s::uuid[])", two.id, ids[100:])
    with paused(stack, "bulk"):
        bulk = transfer(ada, filter, heir)
    part(stack, ids, heir)
    with paused(stack, "bulk"):
        stack.sql("update app.staff set role = 'auditor', segments = '{}' where id = %s", one.id)
        gone = owners(stack, ids).get(heir.id, 0)
        assert gone < MANY and ada.post(f"/bulk/{bulk}/cancel").status_code in (200, 202)
    doc = ended(ada, bulk)
    undone = ada.get("/restores/" + doc["undo"]).json()
    assert (doc["status"], undone["status"]) == ("cancelled", "done") and {c["why"] for c in undone["conflicts"]} == {"owner_unfit"}
    assert owners(stack, ids) == {heir.id: 100, two.id: MANY - 100}, gone


def test_taking_back_that_fails_is_tried_again_and_holds_nobody_up(stack, ada, rita, heir):
    filter, ids = book(stack, rita, MANY)
    with paused(stack, "bulk"):
        bulk = transfer(ada, filter, heir)
    part(stack, ids, heir)
    with paused(stack, "bulk"):
        stack.sql("alter table app.restore add constraint test_never check (reason not like 'The job was stopped%%') not valid")
        assert ada.post(f"/bulk/{bulk}/cancel").status_code in (200, 202)
    try:
        other, more = book(stack, rita, 1001)
        assert ended(ada, transfer(ada, other, heir))["status"] == "done", "the next one goes on"
        assert show(ada, bulk)["status"] == "running" and stack.sql("select stopped, retry_at is not null from app.bulk where id = %s", bulk) == [(True, True)]
    finally:
        stack.sql("alter table app.restore drop constraint test_never")
    stack.sql("update app.bulk set retry_at = null where id = %s", bulk)
    assert ended(ada, bulk)["status"] == "cancelled"
    untouched(stack, ids, rita)
