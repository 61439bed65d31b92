"""Changes of phones and e-mails that wait: when they begin to, and that nothing of them goes live."""
import re

import pytest

from holdfast import problem
from people import MISSING, faceless, newcomer, other_org
from watching import alerts, answered, customers, limits, patch, phones, rep, waits


@pytest.fixture
def rob(stack, max):
    return rep(stack, max)


def test_500_phones_changed_by_a_digit(stack, max, rob):
    """The sabotage of the story: with the defaults the sixth waits already, and the alert's own request gives all back."""
    ids = customers(stack, rob, 500)
    before = phones(stack, ids)
    with limits(stack, rob):
        done = [patch(rob, i, phone=p[:-1] + str((int(p[-1]) + 1) % 10)) for i, p in zip(ids, before)]
    assert [a.status_code for a in done] == [200] * 5 + [202] * 495
    for answer in done[5:]:
        waits(answer, "near_misses")
    after = phones(stack, ids)
    assert sum(a != b for a, b in zip(before, after)) == 5 and after[5:] == before[5:]
    (alert,) = alerts(max, rob)
    assert (alert["rule"], alert["severity"], alert["status"], alert["times"]) == ("near_misses", "critical", "open", 495)
    assert set(alert["evidence"]) == {"from", "to", "operations", "holds"} and len(alert["evidence"]["operations"]) == 5
    answer = answered(max, alert)
    assert answer.status_code == 201 and answer.json()["restored"] == 5 and answer.json()["conflict_count"] == 0
    assert phones(stack, ids) == before
    assert len(max.pages("/holds", staff=rob.id, status="pending", limit=200)) == 495
    told = [n for n in max.pages("/notices", kind="hold") if n["actor_id"] == rob.id]
    assert len(told) == 1 and "near_misses" in told[0]["reason"]


def test_500_phones_that_are_quite_others(stack, max, rob):
    ids = customers(stack, rob, 60)
    before = phones(stack, ids)
    with limits(stack, rob):
        done = [patch(rob, i, phone=f"+33 1 4268 {n:04}") for n, i in enumerate(ids)]
    assert [a.status_code for a in done] == [200] * 20 + [202] * 40
    waits(done[20], "contact_changes")
    (alert,) = alerts(max, rob)
    assert (alert["rule"], alert["severity"]) == ("contact_changes", "high")
    assert answered(max, alert).json()["restored"] == 20 and phones(stack, ids) == before


def test_the_day_has_a_limit_of_its_own(stack, rob):
    ids = customers(stack, rob, 8)
    try:
        with limits(stack, rob, contact_changes={"hour": 3, "day": 5}):
            assert [patch(rob, i, phone=f"+33 1 4268 {n:04}").status_code for n, i in enumerate(ids[:4])] == [200] * 3 + [202]
            stack.clock("61 minutes")
            stack.sql("update app.session set expires_at = expires_at + interval '2 days' where staff_id = %s", rob.id)
            assert [patch(rob, i, phone=f"+33 1 4269 {n:04}").status_code for n, i in enumerate(ids[4:])] == [200] * 2 + [202] * 2
            stack.clock("25 hours 30 minutes")
            assert patch(rob, ids[7], phone="+33 1 42680000").status_code == 200
    finally:
        stack.clock("0")


def test_what_was_long_before_stays(stack, max, rob):
    """The window of the alert begins where counting did: what was right two hours ago is not taken back."""
    try:
        stack.clock("-2 hours")
        ids = customers(stack, rob, 5)
        assert patch(rob, ids[0], phone="+33 1 42689999").status_code == 200
        stack.clock("0")
        with limits(stack, rob, contact_changes={"hour": 3, "day": 50}):
            assert [patch(rob, i, phone=f"+33 1 4268 {n:04}").status_code for n, i in enumerate(ids[1:])] == [200] * 3 + [202]
    finally:
        stack.clock("0")
    assert answered(max, alerts(max, rob)[0]).json()["restored"] == 3 and phones(stack, ids)[0] == "+33 1 42689999"


def test_the_window_keeps_its_beginning(stack, max, rob):
    """Who goes on when the hour is over is told of in the same alert, which takes all of it back."""
    try:
        stack.clock("-2 hours")
        ids = customers(stack, rob, 6)
        before = phones(stack, ids)
        with limits(stack, rob, contact_changes={"hour": 2, "day": 50}):
            for ahead, these in (("-70 minutes", ids[:3]), ("0", ids[3:])):
                stack.clock(ahead)
                assert [patch(rob, i, phone=f"+33 1 4268 {n:04}").status_code for n, i in enumerate(these)] == [200, 200, 202]
    finally:
        stack.clock("0")
    assert sum(answered(max, a).json()["restored"] for a in alerts(max, rob)) == 4     # around midnight there are two
    assert phones(stack, ids) == before


def test_what_counts(stack, max, rob):
    """Each PATCH that changes one of them, of a customer or a contact, once; nothing else."""
    ids = customers(stack, rob, 12)
    with limits(stack, rob, contact_changes={"hour": 4, "day": 50}):
        k = [rob.post("/contacts", {"customer_id": ids[0], "name": "Eva", "phone": f"+49 40 77 {n}00", "email": f"eva{n}@x.example"}).json() for n in range(3)]
        rob.customer(phone="+49 30 12345")                                      # creating is no change
        assert patch(rob, ids[0], phone="+49 221 10000", email="other@firm.example").status_code == 200    # one
        assert patch(rob, ids[0], phone="+49 221 10000", city="Ulm").status_code == 200                    # the same value is no change
        assert patch(rob, k[0]["id"], "contacts", email="bob@other.example").status_code == 200            # two
        assert patch(rob, ids[1], phone=None).status_code == 200                                           # three: clearing is one
        assert patch(rob, ids[2], notes="n").status_code == 200
        problem(patch(rob, ids[2], phone="x"), 422, "invalid_value", "/phone")                             # what is refused is none
        assert patch(rob, ids[2], phone="+49 221 30000").status_code == 200                                # four
        waits(patch(rob, ids[3], phone=None), "contact_changes")
        waits(patch(rob, ids[3], email="new@firm.example", notes="n"), "contact_changes")
        waits(patch(rob, k[1]["id"], "contacts", phone="+49 221 40000"), "contact_changes")
        waits(patch(rob, k[1]["id"], "contacts", email=None), "contact_changes")
        assert patch(rob, ids[4], notes="n", city="Ulm").status_code == 200      # all else goes on
        assert patch(rob, k[1]["id"], "contacts", name="Eva B.").status_code == 200
        assert patch(rob, ids[4], phone=phones(stack, [ids[4]])[0], notes="m").status_code == 200
        assert rob.post("/contacts", {"customer_id": ids[4], "name": "New", "phone": "+49 40 88000"}).status_code == 201
    c, contact = rob.get("/customers/" + ids[3]).json(), rob.get("/contacts/" + k[1]["id"]).json()
    assert (c["email"], c["notes"], c["version"]) == ("held4@held.example", None, 1) and c["phone"] is not None
    assert (contact["phone"], contact["email"]) == ("+49 40 77 100", "eva1@x.example")


def test_what_a_restore_a_merge_and_an_approval_write_does_not_count(stack, ada):
    boss = newcomer(stack, "manager", ada)
    rob2 = rep(stack, boss)
    theirs = customers(stack, rob2, 8, "+49 40 6660")
    with limits(stack, rob2, contact_changes={"hour": 3}), limits(stack, boss, contact_changes={"hour": 1}):
        for n, i in enumerate(theirs[:3]):
            assert patch(rob2, i, phone=f"+33 1 4268 {n:04}").status_code == 200
        hold = waits(patch(rob2, theirs[4], phone="+33 1 42689999"), "contact_changes")
        assert answered(boss, alerts(boss, rob2)[0]).json()["restored"] == 3                    # three phones, one more than may be
        assert boss.post(f"/customers/{theirs[5]}/merge", {"other": theirs[6], "reason": "x"}).status_code == 200
        assert boss.post(f"/holds/{hold}/approve", {}).status_code == 200
        assert patch(boss, theirs[0], phone="+33 1 55550000").status_code == 200
        waits(patch(boss, theirs[1], phone="+33 1 55551111"), "contact_changes")


def test_near_misses_hold_what_comes_behind_them(stack, max, rob):
    ids = customers(stack, rob, 6)
    was = phones(stack, ids)
    with limits(stack, rob, near_misses={"day": 2}):
        for i in (0, 0, 1):                                     # twice the same record is one
            assert patch(rob, ids[i], phone=phones(stack, [ids[i]])[0] + "1").status_code == 200
        assert patch(rob, ids[2], phone="+33 1 42680000").status_code == 200
        assert patch(rob, ids[2], email="quite@different.example").status_code == 200
        waits(patch(rob, ids[3], email="held4@held.exampel"), "near_misses")
        waits(patch(rob, ids[4], phone="+33 1 42681111"), "near_misses")          # not one itself
    assert phones(stack, ids)[3:] == was[3:]
    assert [a["severity"] for a in alerts(max, rob)] == ["critical"]


@pytest.mark.parametrize("measure", ["near_misses", "deletions"])
def test_each_may_have_a_limit_of_the_hour(stack, rob, measure):
    try:
        stack.clock("-2 hours")
        ids = customers(stack, rob, 6)

        def one(i):
            return patch(rob, ids[i], phone=phones(stack, [ids[i]])[0] + "1") if measure == "near_misses" else rob.delete("/customers/" + ids[i], "*")
        with limits(stack, rob, **{measure: {"hour": 1}}):
            one(0)
            stack.clock("0")
            assert one(1).status_code == 200 and patch(rob, ids[2], phone="+33 1 42680000").status_code == 200
            one(3)
            waits(patch(rob, ids[4], phone="+33 1 42680001"), measure)
    finally:
        stack.clock("0")


def test_who_archives_much_has_his_changes_wait(stack, max, rob):
    ids = customers(stack, rob, 14)
    for i in ids[:3]:
        rob.post("/contacts", {"customer_id": i, "name": "Eva"})
    k = rob.post("/contacts", {"customer_id": ids[4], "name": "Eva"}).json()["id"]
    with limits(stack, rob, deletions={"day": 4}):
        for i in ids[:3]:
            assert rob.delete("/customers/" + i, "*").status_code == 200         # each with its contact is one
        assert rob.delete("/contacts/" + k, "*").status_code == 200
        assert patch(rob, ids[5], phone="+33 1 42680000").status_code == 200
        assert rob.delete("/customers/" + ids[6], "*").status_code == 200
        waits(patch(rob, ids[7], phone="+33 1 42680001"), "deletions")
        assert rob.delete("/customers/" + ids[8], "*").status_code == 200
    alert = alerts(max, rob)[0]
    assert (alert["rule"], alert["severity"], len(alert["evidence"]["operations"])) == ("deletions", "high", 6)
    assert answered(max, alert).status_code == 201
    assert [rob.get("/customers/" + i).json()["archived_at"] is None for i in ids[:3] + [ids[6], ids[8]]] == [True] * 5


def test_who_is_held_may_take_back(stack, rob):
    ids = customers(stack, rob, 3)
    assert patch(rob, ids[0], phone="+33 1 42680000").status_code == 200
    operation = rob.pages(f"/customers/{ids[0]}/history")[0]["operation_id"]
    with limits(stack, rob, deletions={"day": 0}):
        rob.delete("/customers/" + ids[1], "*")
        waits(patch(rob, ids[0], phone="+33 1 42680001"), "deletions")
        assert rob.post(f"/operations/{operation}/undo", {"reason": "x"}).json()["restored"] == 1


def test_merges_are_deletions(stack, ada):
    boss = newcomer(stack, "manager", ada)
    ids = customers(stack, rep(stack, boss), 6)
    with limits(stack, boss, deletions={"day": 1}):
        for i in (0, 2):
            assert boss.post(f"/customers/{ids[i]}/merge", {"other": ids[i + 1], "reason": "x"}).status_code == 200
        waits(patch(boss, ids[4], phone="+33 1 42680001"), "deletions")


@pytest.mark.parametrize("measure", ["contact_changes", "deletions"])
def test_a_grant_is_for_more(stack, rob, max, measure):
    ids = customers(stack, rob, 4)
    with limits(stack, rob, **{measure: {"day": 0}}):
        rob.delete("/customers/" + ids[3], "*")
        waits(patch(rob, ids[0], phone="+33 1 42680001"), measure)
        stack.sql("""insert into app.exposure_grant (org_id, id, staff_id, measure, amount, reason, granted_by, at, until)
            select s.org_id, app.uuid7(), s.id, %s, 1, 'x', %s, app.now(), app.now() + interval '1 hour' from app.staff s where s.id = %s""", measure, max.id, rob.id)
        assert patch(rob, ids[0], phone="+33 1 42680001").status_code == 200
        stack.sql("update app.exposure_grant set at = at - interval '2 hours', until = until - interval '2 hours' where staff_id = %s", rob.id)
        waits(patch(rob, ids[1], phone="+33 1 42680002"), measure)              # its time is over


def test_the_usual_refusals_come_first(stack, rob, nina):
    ids = customers(stack, rob, 3)
    other = nina.customer()["id"]
    rob.delete("/customers/" + ids[1], "*")
    with limits(stack, rob, contact_changes={"hour": 0}):
        problem(rob.patch("/customers/" + ids[0], {"phone": "+33 1 42680001"}), 428)
        problem(patch(rob, other, phone="+33 1 42680001"), 404, "not_found")
        problem(patch(rob, ids[0], phone="+33 1 42680001", stage="won"), 403, "forbidden", "/stage")
        problem(patch(rob, ids[0], etag='"v9"', phone="+33 1 42680001"), 412, "version_mismatch")
        problem(patch(rob, ids[1], phone="+33 1 42680001"), 409, "archived")
        for value in ("1 *** ***-**00", "12", "x" * 41):
            problem(patch(rob, ids[0], phone=value), 422, "invalid_value", "/phone")
        problem(patch(rob, ids[0], phone="+33 1 42680001", name=5), 422, "invalid_value", "/name")
        problem(patch(rob, ids[0], phone="+33 1 42680001", currency="XXQ"), 422, "invalid_value", "/currency")
        assert rob.pages("/holds") == [] and alerts(nina, rob) == []
        hold = waits(patch(rob, ids[0], phone="+33 1 42680001", notes="n"), "contact_changes")
        assert waits(patch(rob, ids[0], phone="+33 1 42680001", notes="n"), "contact_changes") == hold, "the same wish twice is one"
        assert waits(patch(rob, ids[0], phone="+33 1 42680002"), "contact_changes") != hold
    assert rob.get("/customers/" + ids[0]).json()["version"] == 1


def test_it_is_law(stack, rob):
    """What does not ask is refused: one statement that changes many, past the api function."""
    ids = customers(stack, rob, 30)
    c = stack.connect()
    c.autocommit = False
    with limits(stack, rob), c.cursor() as q:
        def act(n, via="api", action="customers.batch"):
            q.execute("select app.act_as(org_id, id, %s, %s) from app.staff where id = %s", (action, via, rob.id))
            q.execute("savepoint one")
            try:
                q.execute("update app.customer set phone = '+33 1 4268 ' || right(phone, 4) where id = any(%s::uuid[])", (ids[:n],))
                return "done"
            except Exception as e:  # pylint: disable=broad-except
                return e.pgcode + " " + re.match("[a-z]*", str(e)).group()
            finally:
                q.execute("rollback to one")
        assert [act(20), act(21), act(30), act(30, "restore"), act(30, "import"), act(21, action="customers.merge")] == ["done", "PT409 held", "PT409 held"] + ["done"] * 3
        q.execute("select app.act_as(org_id, id, 'customers.batch') from app.staff where id = %s", (rob.id,))
        q.execute("update app.customer set phone = '+33 1 42680000' where id = any(%s::uuid[])", (ids[:20],))   # in two statements of one operation
        with pytest.raises(Exception, match="held"):
            q.execute("update app.customer set phone = '+33 1 42680000' where id = any(%s::uuid[])", (ids[20:21],))
    c.rollback()
    c.close()


def test_the_list_and_the_single_one(stack, max, olga, ada, axel, rob, nobody):
    ids = customers(stack, rob, 3)
    k = rob.post("/contacts", {"customer_id": ids[1], "name": "Eva", "email": "eva@firm.example"}).json()["id"]
    with limits(stack, rob, contact_changes={"hour": 0}):
        one = waits(patch(rob, ids[0], phone="+33 1 42680000", notes="n", custom={"a": 1}), "contact_changes")
        two = waits(patch(rob, k, "contacts", email=None), "contact_changes")
    at = max.get("/holds/" + one).json()["at"]
    for who in (rob, max, ada, axel):
        rows = who.pages("/holds", staff=rob.id)
        assert [r["id"] for r in rows] == [two, one] == [r["id"] for r in who.pages("/holds", staff=rob.id, limit=1)]
        assert {"field": "phone", "current": "+4 *** ***-**01", "wanted": "+3 *** ***-**00"} in rows[1]["changes"] and rows[1]["masked"] == ["phone"]
        assert rows[0]["changes"] == [{"field": "email", "current": "e***@f***", "wanted": None}] and rows[0]["masked"] == ["email"]
        assert (rows[0]["entity"], rows[0]["record_id"], rows[0]["customer_id"]) == ("contacts", k, ids[1])
        single, masked = who.get("/holds/" + one), who is axel
        assert single.json() == {"id": one, "at": at, "staff_id": rob.id, "staff_name": "New Comer", "entity": "customers", "record_id": ids[0], "customer_id": ids[0],
                                 "rule": "contact_changes", "status": "pending", "decided_by": None, "decided_at": None, "note": None, "masked": ["phone"] if masked else [],
                                 "changes": [{"field": "custom", "current": {}, "wanted": {"a": 1}}, {"field": "notes", "current": None, "wanted": "n"},
                                             {"field": "phone", "current": "+4 *** ***-**01" if masked else "+49 30 555000001", "wanted": "+3 *** ***-**00" if masked else "+33 1 42680000"}]}
        assert single.headers["X-Classification"] and who.get("/holds").headers["X-Classification"]
    seen = stack.sql("select channel, customer_ids::text[], masked from app.disclosure where staff_id = %s order by id desc limit 5", max.id)
    assert seen[0][0] == "list" and ("read", [ids[0]], False) in seen and any(c == "list" and set(i) >= set(ids[:2]) and m for c, i, m in seen)
    other = rep(stack, max)
    for who, missing in ((olga, one), (other, one), (other_org(stack), one), (max, MISSING)):
        assert faceless(who.get("/holds/" + missing)) == faceless(max.get("/holds/" + MISSING))
        assert missing not in [r["id"] for r in who.pages("/holds", limit=200)]
        problem(who.post(f"/holds/{missing}/approve", {}), 404, "not_found")
        problem(who.post(f"/holds/{missing}/reject", {"note": "x"}), 404, "not_found")
    problem(nobody.get("/holds"), 401)
    assert max.pages("/holds", staff=rob.id, status="approved") == [] == max.pages("/holds", staff=rob.id, to=at) and len(max.pages("/holds", **{"from": at, "staff": rob.id})) == 2


def test_whose_record_is_hidden_by_now(stack, max, ada, rob, nina, pia):
    """A hold tells its reader nothing of a record that he does not see."""
    ids = customers(stack, rob, 1)
    with limits(stack, rob, contact_changes={"hour": 0}):
        hold = waits(patch(rob, ids[0], phone="+33 1 42680000"), "contact_changes")
    stack.sql("update app.customer set owner_id = %s, stage = 'proposal' where id = %s", pia.id, ids[0])
    for who in (rob, max):
        row = who.get("/holds/" + hold).json()
        assert (row["record_id"], row["customer_id"], row["changes"], row["masked"], row["status"]) == (None, None, None, [], "pending")
        assert who.pages("/holds", staff=rob.id)[0] == row
    problem(max.post(f"/holds/{hold}/approve", {}), 404, "not_found")
    assert ada.get("/holds/" + hold).json()["record_id"] == ids[0]
    assert max.post(f"/holds/{hold}/reject", {"note": "x"}).status_code == 200
