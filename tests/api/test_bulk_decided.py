"""Transfers of many customers: a second person lets them begin, in his own name, and only what was shown."""
import concurrent.futures
import time
import uuid

import psycopg2
import pytest

from bulking import above, alone, book, decide, done, owners, pending, preview, run, show, team, want
from exporting import decider, seasoned, second_account
from hiring import again
from holdfast import problem
from large import Held
from people import newcomer, other_org


@pytest.fixture
def boss(stack):
    return above(stack)


def asked(stack, who, n=51, heir=None):
    """A transfer that waits: its id, its filter and its records, whose they are, and who gets them."""
    one = newcomer(stack, "rep", who)
    heir = heir or newcomer(stack, "rep", who)
    filter, ids = book(stack, one, n)
    return pending(who, filter=filter, to={"staff_id": heir.id})["id"], filter, ids, one, heir


def test_the_number_is_a_setting(stack):
    """Of 72 hours the lowest: nobody puts it up for a wish of his own, and whoever puts it up is told of."""
    otto = other_org(stack)
    one, two = newcomer(stack, "rep", otto), newcomer(stack, "rep", otto)
    stack.unlimited()
    other = seasoned(stack, newcomer(stack, "admin", otto))
    stack.sql("update app.staff set manager_id = null where id = %s", other.id)
    _, ids = book(stack, one, 80)

    def put(who, n):
        return who.patch("/settings", {"bulk": {"approval_above": n}}, "*")

    def told():
        return stack.sql("select severity from app.alert where rule = 'rights' and staff_id = %s and evidence->'settings' is not null", otto.id)
    assert run(otto, "transfer", ids=ids[:50], to={"staff_id": two.id}).status_code == 201
    answer = put(otto, 5)
    assert answer.status_code == 200 and answer.json()["bulk"] == {"approval_above": 5, "introduction_days": 3} and told() == [("medium",)]
    assert pending(otto, ids=ids[50:56], to={"staff_id": two.id})["approvers"]
    # Of what gives nothing away there may be any number; a move to another segment gives away.
    assert done(otto, "tag", ids=ids, changes={"add": ["x"]})["total"] == 80
    stack.sql("update app.staff set segments = '{negotiation,prospecting}' where id = %s", two.id)
    answer = run(otto, "stage", ids=ids[56:62], changes={"stage": "proposal"})
    assert answer.status_code == 202 and answer.json()["status"] == "pending"
    problem(put(otto, 1001), 422, "invalid_value")
    assert put(otto, None).json()["bulk"]["approval_above"] == 50 and told() == [("critical",)]
    assert pending(otto, ids=ids[62:68], to={"staff_id": two.id}) and preview(otto, "transfer", ids=ids[:6], to={"staff_id": one.id})["needs_approval"]
    assert put(otto, 1000).status_code == 200
    assert pending(otto, ids=ids[68:], to={"staff_id": two.id})
    stack.clock("73 hours")
    try:
        late = stack.enter(stack.sql("select email from app.login where staff_id = %s", otto.id)[0][0])
        assert not preview(late, "transfer", ids=ids[:60], to={"staff_id": one.id})["needs_approval"]
    finally:
        stack.clock("0")


def test_many_small_ones_need_it_too(stack, boss):
    """Four times the number within a day by one person, whatever his account; what somebody approved does not count."""
    who = decider(stack, "admin")
    _, ids = book(stack, newcomer(stack), 260)
    heir = newcomer(stack)
    for n in range(4):
        assert run(who, "transfer", ids=ids[50 * n:50 * n + 50], to={"staff_id": heir.id}).status_code == 201
    assert pending(who, ids=ids[200:201], to={"staff_id": heir.id})
    other = second_account(stack, boss, who)
    assert pending(other, ids=ids[201:202], to={"staff_id": heir.id})


def test_at_the_number_at_once(stack, boss):
    """Of two wishes at once of which one person may begin but one, one waits."""
    who = decider(stack, "admin")
    _, ids = book(stack, newcomer(stack), 250)
    heir = newcomer(stack)
    for n in range(3):
        assert run(who, "transfer", ids=ids[50 * n:50 * n + 50], to={"staff_id": heir.id}).status_code == 201
    wishes = [dict(ids=ids[150:200], to={"staff_id": heir.id}), dict(ids=ids[200:], to={"staff_id": heir.id})]
    words = [preview(who, "transfer", **w)["confirm"] for w in wishes]
    # Both have to wait for their turn.
    held = Held(stack, who.id, "select pg_advisory_xact_lock(hashtextextended('bulk ' || org_id, 0)) from app.staff where id = %s")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(want, again(who), "transfer", confirm=c, reason="x", **w) for c, w in zip(words, wishes)]
        until = time.monotonic() + 20
        while stack.sql("select count(*) from pg_locks where locktype = 'advisory' and not granted")[0][0] < 2:
            assert time.monotonic() < until
        held.release()
        answers = [a.result() for a in answers]
    assert sorted((a.status_code, a.json()["status"]) for a in answers) == [(201, "done"), (202, "pending")], [a.text for a in answers]


def test_approved(stack, boss):
    who = decider(stack, "manager", boss)
    bulk, filter, ids, one, heir = asked(stack, who)
    problem(decide(boss, bulk, note=""), 422, "invalid_value", "/note")
    assert owners(stack, ids) == {one.id: 51}
    answer = decide(boss, bulk, note="Go on.")
    doc = answer.json()
    assert answer.status_code == 200 and doc["status"] == "done" and owners(stack, ids) == {heir.id: 51}
    assert [(d["staff_id"], d["decision"], d["note"]) for d in doc["decisions"]] == [(boss.id, "approve", "Go on.")]
    assert stack.sql("select actor_id::text from app.operation where id = %s", doc["operation_id"]) == [(who.id,)], "it is whose it was"
    assert [k for k, in stack.sql("select kind from app.event where subject_id = %s order by id", bulk)] == ["bulk.ask", "bulk.approve", "bulk.done"]
    assert "Your transfer was approved." in [n["reason"] for n in who.pages("/notices", kind="bulk")]
    for word in ("approve", "reject"):
        problem(decide(boss, bulk, word), 409, "not_pending")


def test_rejected_withdrawn_and_expired(stack, boss):
    who = decider(stack, "manager", boss)
    bulk, _, ids, one, _ = asked(stack, who)
    assert decide(boss, bulk, "reject", "No.").json()["status"] == "rejected"
    problem(decide(boss, bulk), 409, "not_pending")
    problem(who.post(f"/bulk/{bulk}/undo", {"reason": "x"}), 409, "not_done")
    assert "Your transfer was rejected: No." in [n["reason"] for n in who.pages("/notices", kind="bulk")]
    bulk = asked(stack, who)[0]
    assert who.post(f"/bulk/{bulk}/cancel").json()["status"] == "cancelled"
    problem(decide(boss, bulk), 409, "not_pending")
    bulk = asked(stack, who)[0]
    stack.clock("73 hours")
    try:
        late = stack.enter(stack.sql("select email from app.login where staff_id = %s", boss.id)[0][0])
        problem(decide(late, bulk), 409, "not_pending")
        assert show(late, bulk)["status"] == "expired"
        stack.sql("select app.bulk_expire()")
    finally:
        stack.clock("0")
    assert show(boss, bulk)["status"] == "expired" and owners(stack, ids) == {one.id: 51}
    assert stack.sql("select count(*) from app.bulk_item where bulk_id = %s", bulk) == [(0,)]


def test_who_decides(stack, ada, boss):
    """Never he himself, by no account; nobody below him, nobody new, no auditor; whoever sees nothing finds nothing."""
    who = decider(stack, "manager", boss)
    bulk = asked(stack, who)[0]
    fresh, below, axel = newcomer(stack, "admin"), decider(stack, "manager", who), stack.enter("axel@demo.test")
    problem(decide(who, bulk), 403, "forbidden")
    problem(decide(second_account(stack, boss, who), bulk), 403, "forbidden")
    problem(decide(fresh, bulk), 403, "forbidden")
    problem(decide(axel, bulk), 403, "forbidden")
    for nobody in (below, decider(stack, "manager", boss), newcomer(stack)):
        problem(decide(nobody, bulk), 404, "not_found")
    assert show(boss, bulk)["status"] == "pending" and decide(decider(stack, "admin"), bulk).json()["status"] == "done"


def test_the_set_is_still_that_of_the_preview(stack, boss):
    who = decider(stack, "manager", boss)
    bulk, filter, ids, one, heir = asked(stack, who)
    stack.sql("update app.customer set source = 'worked with' where id = %s", ids[0])
    added = one.customer(city=filter["city"])["id"]
    doc = problem(decide(boss, bulk), 409, "set_changed")
    assert doc["difference"] == {"added": {"count": 1, "ids": [added]}, "removed": {"count": 0, "ids": []}, "changed": {"count": 0, "ids": []}}
    assert show(boss, bulk)["status"] == "pending" and owners(stack, ids) == {one.id: 51}
    stack.sql("update app.customer set archived_at = app.now() where id = %s", added)
    stack.sql("update app.customer set owner_id = %s where id = %s", who.id, ids[1])
    assert problem(decide(boss, bulk), 409, "set_changed")["difference"]["changed"] == {"count": 1, "ids": [ids[1]]}
    stack.sql("update app.customer set owner_id = %s where id = %s", one.id, ids[1])
    assert decide(boss, bulk).json()["status"] == "done" and owners(stack, ids) == {heir.id: 51}, "one that somebody worked with is the same"


def test_the_requesters_present_rights(stack, boss):
    who = decider(stack, "manager", boss)
    bulk, _, ids, one, _ = asked(stack, who)
    for change in ("status = 'inactive'", "role = 'rep'"):
        stack.sql(f"update app.staff set {change} where id = %s", who.id)
        problem(decide(boss, bulk), 409, "requester_left")
        stack.sql("update app.staff set status = 'active', role = 'manager' where id = %s", who.id)
    assert owners(stack, ids) == {one.id: 51}


def test_many_approve_at_once(stack, boss):
    who = decider(stack, "manager", boss)
    bulk, _, ids, _, heir = asked(stack, who)
    others = [boss] + [decider(stack, "admin") for _ in range(3)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [a.result() for a in [pool.submit(decide, again(o), bulk) for o in others * 2]]
    assert sorted(a.status_code for a in answers)[0] == 200 and {a.status_code for a in answers} <= {200, 409}
    assert sum(a.status_code == 200 for a in answers) == 1 and owners(stack, ids) == {heir.id: 51}
    assert stack.sql("select changes from app.operation where id = (select operation_id from app.bulk where id = %s)", bulk) == [(102,)]


def test_the_same_key_decides_once(stack, boss):
    who, key = decider(stack, "manager", boss), {"Idempotency-Key": uuid.uuid4().hex}
    bulk = asked(stack, who)[0]
    assert [decide(boss, bulk, headers=key).json()["status"] for _ in range(2)] == ["done", "done"]


def test_the_law_is_in_the_tables(stack, boss):
    """Whatever function writes it."""
    who = decider(stack, "manager", boss)
    bulk, _, ids, one, _ = asked(stack, who)
    for change in ("status = 'begun'", f"status = 'begun', approved_by = '{boss.id}'", f"status = 'begun', approved_by = '{who.id}'", "status = 'planned'", "moved = 1", "wish = '{}'",
                   f"staff_id = '{boss.id}'", "reason = 'another'", "stopped = true"):
        with pytest.raises(psycopg2.errors.RaiseException):
            stack.sql(f"update app.bulk set {change} where id = %s", bulk)
    assert preview(who, "transfer", ids=ids, to={"staff_id": one.id})["confirm"] is None
    plan = newcomer(stack, "rep", who)
    preview(who, "transfer", ids=ids, to={"staff_id": plan.id})
    with pytest.raises(psycopg2.errors.RaiseException):
        stack.sql("update app.bulk set status = 'begun' where staff_id = %s and status = 'planned' and total = 51", who.id)


def test_who_takes_it_back(stack, boss):
    """Whoever may decide, and for a week the one who asked; by no way anybody else, for to give back is to give away."""
    who = decider(stack, "manager", boss)
    bulk, _, ids, one, heir = asked(stack, who)
    operation = decide(boss, bulk).json()["operation_id"]
    fresh = newcomer(stack, "admin")
    window = {"actor": who.id, "from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z", "entities": ["customers"]}

    def ways(client):
        return [client.post(path, dict(body, reason="x")) for path, body in ((f"/bulk/{bulk}/undo", {}), (f"/operations/{operation}/undo", {}),
                                                                             ("/restores", {"scope": {"operation": operation}}), ("/restores", {"scope": window}))]
    for answer in ways(fresh):
        problem(answer, 409, "needs_approval")
    stack.clock("8 days")
    try:
        late, other = (stack.enter(stack.sql("select email from app.login where staff_id = %s", p.id)[0][0]) for p in (who, boss))
        for answer in ways(late):
            problem(answer, 409, "needs_approval")
        assert owners(stack, ids) == {heir.id: 51}
        undone = other.post(f"/bulk/{bulk}/undo", {"reason": "Back."})
        assert undone.status_code == 201 and owners(stack, ids) == {one.id: 51}
    finally:
        stack.clock("0")
    bulk, _, ids, one, heir = asked(stack, who)
    decide(boss, bulk)
    assert who.post(f"/bulk/{bulk}/undo", {"reason": "x"}).status_code == 201 and owners(stack, ids) == {one.id: 51}


def test_begun_by_other_parts(stack, boss):
    """app.bulk_begin: pairs of customer and heir with a cause, approved elsewhere, or not."""
    who = decider(stack, "manager", boss)
    one, two = newcomer(stack, "rep", who), newcomer(stack, "rep", who)
    _, ids = book(stack, one, 60)

    def begin(approver):
        return stack.sql("""select app.act_as(s.org_id, s.id, 'rotations.apply', 'api', gen_random_uuid(), gen_random_uuid()), app.bulk_begin(%s::uuid[], array_fill(%s::uuid, '{60}'), 'rotation', 'In turn.', %s::uuid)::text
            from app.staff s where s.id = %s""", ids, two.id, approver, who.id)[0][1]
    with pytest.raises(psycopg2.errors.RaiseException):
        begin(who.id)
    bulk = begin(boss.id)
    assert owners(stack, ids) == {two.id: 60} and show(who, bulk)["cause"] == "rotation"
    assert stack.sql("select via, count(*) from app.history where operation_id = (select operation_id from app.bulk where id = %s) group by 1", bulk) == [("rotation", 120)]
    stack.sql("update app.customer set owner_id = %s where id = any(%s::uuid[])", one.id, ids)
    bulk = begin(None)
    assert show(who, bulk)["status"] == "pending" and decide(boss, bulk).json()["status"] == "done" and owners(stack, ids) == {two.id: 60}


def test_nobody_who_may(stack):
    otto = other_org(stack)
    a, b = newcomer(stack, "rep", otto), newcomer(stack, "rep", otto)
    filter, ids = book(stack, a, 51)
    problem(run(otto, "transfer", filter=filter, to={"staff_id": b.id}), 409, "no_approvers")
    assert want(otto, "transfer", filter=filter, to={"staff_id": b.id}, dry_run=True).json()["approvers"] == [] and owners(stack, ids) == {a.id: 51}
