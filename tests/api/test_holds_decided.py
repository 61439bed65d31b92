"""What becomes of changes that wait: approved, rejected, forgotten; by whom, and at once."""
import concurrent.futures
import uuid

import pytest

from holdfast import problem
from hiring import again, meet
from people import newcomer
from restoring import changes
from watching import customers, limits, patch, phones, rep, waits


@pytest.fixture
def rob(stack, max):
    return rep(stack, max)


def want(stack, who, id_, kind="customers", **fields):
    with limits(stack, who, contact_changes={"hour": 0}):
        return waits(patch(who, id_, kind, **fields), "contact_changes")


def test_approved(stack, max, rob):
    ids = customers(stack, rob, 2)
    k = rob.post("/contacts", {"customer_id": ids[1], "name": "Eva", "email": "eva@firm.example"}).json()["id"]
    one = want(stack, rob, ids[0], phone="+33 1 42680000", notes="n", custom={"a": 1})
    two = want(stack, rob, k, "contacts", email=None, title="Boss")
    answer = max.post(f"/holds/{one}/approve", {"note": "They moved."})
    assert answer.status_code == 200 and answer.json() == max.get("/holds/" + one).json()
    assert {k: answer.json()[k] for k in ("status", "decided_by", "note")} == {"status": "approved", "decided_by": max.id, "note": "They moved."}
    c = rob.get("/customers/" + ids[0]).json()
    assert (c["phone"], c["notes"], c["custom"], c["version"]) == ("+33 1 42680000", "n", {"a": 1}, 2)
    row = changes(max, c)[0]
    assert (row["actor_id"], row["via"]) == (max.id, "api")
    operation = max.get("/operations/" + row["operation_id"]).json()
    assert (operation["action"], operation["reason"], operation["changes"]) == ("holds.approve", f"Hold {one} approved: They moved.", 3)
    assert max.post(f"/holds/{two}/approve", {}).status_code == 200
    contact = rob.get("/contacts/" + k).json()
    assert (contact["email"], contact["title"]) == (None, "Boss")
    assert max.post(f"/operations/{row['operation_id']}/undo", {"reason": "No."}).json()["restored"] == 3
    for path, body in ((f"/holds/{one}/approve", {}), (f"/holds/{one}/reject", {"note": "x"})):
        problem(max.post(path, body), 409, "decided")


def test_rejected(stack, max, rob):
    ids = customers(stack, rob, 1)
    hold = want(stack, rob, ids[0], phone="+33 1 42680000", notes="n")
    problem(max.post(f"/holds/{hold}/reject", {}), 422, "invalid_value", "/note")
    answer = max.post(f"/holds/{hold}/reject", {"note": "Why?"})
    assert answer.status_code == 200 and (answer.json()["status"], answer.json()["note"]) == ("rejected", "Why?")
    assert rob.get("/customers/" + ids[0]).json()["version"] == 1
    assert stack.sql("select kind, staff_id::text, detail->>'staff' from app.event where subject_id = %s", hold) == [("holds.reject", max.id, rob.id)]
    problem(max.post(f"/holds/{hold}/approve", {}), 409, "decided")
    assert rob.get("/holds/" + hold).json()["note"] == "Why?"


def test_what_was_changed_since_is_not_overwritten(stack, max, rob):
    ids = customers(stack, rob, 4)
    holds = [want(stack, rob, i, phone="+33 1 42680000", notes="n") for i in ids]
    assert patch(max, ids[0], phone="+33 1 4268 1111").status_code == 200
    assert patch(max, ids[1], notes="Mine.").status_code == 200
    assert patch(max, ids[2], city="Ulm").status_code == 200                        # of something else
    assert patch(max, ids[3], notes="Mine.").status_code == 200
    assert patch(max, ids[3], notes=None).status_code == 200                        # and back
    for hold in holds[:2]:
        problem(max.post(f"/holds/{hold}/approve", {}), 409, "changed_since")
        assert max.get("/holds/" + hold).json()["status"] == "pending"
    for hold in holds[2:]:
        assert max.post(f"/holds/{hold}/approve", {}).status_code == 200
    assert phones(stack, ids)[:2] == ["+33 1 4268 1111", "+49 30 555000002"] and rob.get("/customers/" + ids[2]).json()["city"] == "Ulm"
    i = customers(stack, rob, 1)[0]
    hold = want(stack, rob, i, phone="+33 1 42680000")
    rob.delete("/customers/" + i, "*")
    problem(max.post(f"/holds/{hold}/approve", {}), 409, "archived")


def test_nobody_decides_about_himself(stack, ada, axel, max, rob):
    ids = customers(stack, rob, 1)
    hold = want(stack, rob, ids[0], phone="+33 1 42680000")
    for who in (rob, axel):
        problem(who.post(f"/holds/{hold}/approve", {}), 403, "forbidden")
        problem(who.post(f"/holds/{hold}/reject", {"note": "x"}), 403, "forbidden")
    boss = newcomer(stack, "manager", max)
    mine = customers(stack, boss, 1)
    own = want(stack, boss, mine[0], phone="+33 1 42680000")
    problem(boss.post(f"/holds/{own}/approve", {}), 403, "forbidden")
    second = newcomer(stack, "admin")
    stack.sql("update app.staff set person_id = %s where id = %s", boss.id, second.id)
    problem(second.post(f"/holds/{own}/approve", {}), 403, "forbidden")            # the same person by another account
    problem(second.post(f"/holds/{own}/reject", {"note": "x"}), 403, "forbidden")
    assert max.post(f"/holds/{own}/approve", {}).status_code == 200
    assert ada.post(f"/holds/{hold}/reject", {"note": "x"}).status_code == 200


def test_who_is_told(stack, ada, abby, max, rob):
    boss = newcomer(stack, "manager", max)
    low = rep(stack, boss)

    def told(who, about):
        return len([n for n in who.pages("/notices", kind="hold", limit=200) if n["actor_id"] == about.id])
    for person, i in ((low, 0), (low, 1), (boss, 0)):
        want(stack, person, customers(stack, person, 2)[i], phone="+33 1 42680000")
    assert [told(w, low) for w in (boss, max, ada)] == [1, 0, 0]                   # the nearest, once while some wait
    assert [told(w, boss) for w in (max, ada)] == [1, 0]
    lone = newcomer(stack, "manager")                                              # nobody above
    want(stack, lone, customers(stack, lone, 1)[0], phone="+33 1 42680000")
    assert [told(w, lone) for w in (max, ada, abby)] == [0, 1, 1]


def test_of_who_has_left(stack, ada, max, rob):
    ids = customers(stack, rob, 1)
    hold = want(stack, rob, ids[0], phone="+33 1 42680000")
    path = "/staff/" + rob.id
    assert ada.patch(path, {"status": "inactive"}, "*").status_code == 200
    assert [r["id"] for r in max.pages("/holds", staff=rob.id, status="pending")] == [hold]
    assert max.post(f"/holds/{hold}/approve", {}).status_code == 200
    assert phones(stack, ids) == ["+33 1 42680000"]


def test_forgotten_ones_expire(stack, max, rob):
    ids = customers(stack, rob, 1)
    hold = want(stack, rob, ids[0], phone="+33 1 42680000")
    try:
        for ahead, status in (("13 days 23 hours", "pending"), ("14 days 1 minute", "expired")):
            stack.clock(ahead)
            stack.sql("update app.chore set last_at = '-infinity'")
            stack.sql("select * from api.health_step()", user="holdfast_cgi")
            assert stack.sql("select status from app.hold where id = %s", hold) == [(status,)]
    finally:
        stack.clock("0")
        stack.sql("update app.chore set last_at = app.now()")
    problem(max.post(f"/holds/{hold}/approve", {}), 409, "decided")
    assert max.get("/holds/" + hold).json()["decided_by"] is None


def test_two_decide_at_once(stack, ada, max, rob):
    for word, body in (("approve", {}), ("reject", {"note": "x"})):
        ids = customers(stack, rob, 1)
        hold = want(stack, rob, ids[0], phone="+33 1 42680000")
        asks = [lambda who=who: again(who).post(f"/holds/{hold}/{word}", body) for who in (max, ada)]
        answers = meet(stack, ("select from app.hold where id = %s for update", hold), *asks)
        assert sorted(a.status_code for a in answers) == [200, 409]
        assert stack.sql("select count(*) from app.history where record_id = %s and field = 'phone'", ids[0]) == [(int(word == "approve"),)]


def test_the_same_key_decides_once(stack, max, rob):
    ids = customers(stack, rob, 2)
    for i, word, body in ((ids[0], "approve", {"note": "x"}), (ids[1], "reject", {"note": "x"})):
        hold, key = want(stack, rob, i, phone="+33 1 42680000"), {"Idempotency-Key": uuid.uuid4().hex}
        first, second = (max.post(f"/holds/{hold}/{word}", body, key) for _ in range(2))
        assert first.status_code == second.status_code == 200 and first.json() == second.json()
        problem(max.post(f"/holds/{hold}/{word}", {"note": "y"}, key), 422, "key_reused")


@pytest.mark.parametrize("measure, live", [("contact_changes", 5), ("near_misses", 5)])
def test_32_at_once(stack, max, rob, measure, live):
    """Of parallel changes of one person no more go live than may."""
    ids = customers(stack, rob, 33)
    near = {i: p[:-1] + str((int(p[-1]) + 1) % 10) for i, p in zip(ids, phones(stack, ids))}
    with limits(stack, rob, **{measure: {"day": live}}):
        rob.get("/customers/" + ids[32])                       # his row is there, and in it what he sees
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            done = list(pool.map(lambda n: patch(again(rob), ids[n], phone=near[ids[n]] if measure == "near_misses" else f"+33 1 4268 {n:04}"), range(32)))
    assert sorted(a.status_code for a in done) == [200] * live + [202] * (32 - live)
    assert stack.sql("select count(*) from app.history where actor_id = %s and field = 'phone'", rob.id) == [(live,)]
    assert len(max.pages("/holds", staff=rob.id, limit=200)) == 32 - live
