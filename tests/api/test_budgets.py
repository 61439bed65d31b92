"""The limits of what a person may see: what counts, what does not, and what happens at each of them."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from hiring import again
from holdfast import problem
from stealing import Base


@pytest.fixture(scope="module")
def base(stack):
    return Base(stack)


@pytest.fixture(autouse=True)
def clock(stack):
    yield
    stack.clock("0")


def limit(base, who, **measures):
    """Lays limits of one person over what is there: customers={"hour": (soft, hard)}."""
    body = {m: {w: {k: v for k, v in zip(("soft", "hard"), both) if v is not None} for w, both in windows.items()} for m, windows in measures.items()}
    answer = base.admin.patch("/settings", {"budgets": {who.id: body}}, "*")
    assert answer.status_code == 200, answer.text


def strangers(base, n, at=0):
    return [i for i in base.ids if base.ids[i] <= 2400][at:at + n]


def used(base, who, measure, window):
    m, w = ["customers", "contacts", "reveals", "denied", "opened"].index(measure) + 1, ["hour", "day", "month"].index(window) + 1
    return base.stack.sql("select used[%s][%s] from app.exposure where staff_id = %s", w, m, who.id)[0][0]


def test_settings(base, stack, rita):
    whole = base.admin.get("/settings").json()["budgets"]
    assert set(whole) >= {"rep", "manager", "admin", "auditor"}
    assert whole["rep"]["customers"]["hour"] == {"soft": 300, "hard": 500} and whole["rep"]["customers"]["month"]["hard"] == "10%"
    assert rita.get("/settings").json()["budgets"] is None

    def patch(budgets):
        answer = base.admin.patch("/settings", {"budgets": budgets}, base.admin.get("/settings").headers["ETag"])
        return answer.json()["budgets"] if answer.status_code == 200 else answer
    assert patch({"rep": {"customers": {"hour": {"hard": 77}}}})["rep"]["customers"]["hour"] == {"soft": 300, "hard": 77}
    assert patch({"rep": {"contacts": {"day": {"soft": 7}}}})["rep"]["customers"]["hour"]["hard"] == 77
    assert patch({"rep": None}) == whole
    for wrong in ({"rex": {}}, {"rep": 1}, {"rep": {"colour": {}}}, {"rep": {"customers": 1}}, {"rep": {"customers": {"year": {}}}}, {"rep": {"customers": {"hour": 1}}},
                  {"rep": {"customers": {"hour": {"firm": 1}}}}, {"rep": {"customers": {"hour": {"hard": -1}}}}, {"rep": {"customers": {"hour": {"hard": 1.5}}}},
                  {"rep": {"customers": {"hour": {"hard": "101%"}}}}, {"rep": {"reveals": {"hour": {"hard": "10%"}}}}, {"rep": {"segment": {"week": {"hard": 10}}}},
                  {"rep": {"segment": {"day": {"hard": "10%"}}}}, {"rep": {"near_misses": {"month": {"hard": 1}}}}, {rita.id: {}}):
        problem(patch(wrong), 422, "invalid_value", "/budgets")
    assert patch({}) == whole
    problem(base.admin.patch("/settings", {"ledger_months": 11}, "*"), 422, "invalid_value", "/ledger_months")
    problem(base.boss.patch("/settings", {"budgets": {}}, "*"), 403)
    fields = {h["field"] for h in base.admin.pages("/history", entity="settings")}
    assert "budgets" in fields


def test_the_hard_limit(base):
    rep = base.rep()
    limit(base, rep, customers={"hour": (None, 30)})
    answer = rep.get("/customers", limit=20)
    assert answer.headers["Exposure-Remaining"] == "10"
    seen = [c["id"] for c in answer.json()["data"]]
    refused = problem(rep.get("/customers", limit=20, sort="name"), 429, "exposure_budget_exceeded")
    assert (refused["limit"], refused["used"], refused["measure"], refused["window"]) == (30, 20, "customers", "hour")
    assert refused["reset"].endswith("Z") and "retry_after" not in refused
    new = [i for i in strangers(base, 60) if i not in seen]
    for left, id_ in zip(range(9, -1, -1), new):
        assert rep.get("/customers/" + id_).headers["Exposure-Remaining"] == str(left)
    answer = rep.get("/customers/" + new[10])
    problem(answer, 429, "exposure_budget_exceeded")
    assert int(answer.headers["Retry-After"]) > 0 and new[10] not in answer.text
    # What he has seen is his to look at again, in any form; and he can see himself.
    assert rep.get("/customers/" + new[0]).status_code == 200 == rep.get("/sessions/current").status_code
    assert rep.get("/customers/" + seen[0]).status_code == 200
    # A change answers with the customer; beyond the limit nothing of it happens.
    mine = base.make(rep, 1)[0]
    assert rep.patch("/customers/" + mine, {"city": "Ulm"}, "*").status_code == 200, "his own"
    # No trace of a refused request in what was counted.
    assert used(base, rep, "customers", "hour") == 30
    assert base.stack.sql("select count(*) from app.seen where staff_id = %s", rep.id)[0][0] == 31


def test_a_refused_change_does_not_happen(base):
    rep, id_ = base.admin, strangers(base, 1, 500)[0]
    limit(base, rep, customers={"hour": (None, 0)})
    try:
        before = base.stack.sql("select version from app.customer where id = %s", id_)
        problem(rep.patch("/customers/" + id_, {"city": "Ulm"}, "*"), 429)
        assert base.stack.sql("select version from app.customer where id = %s", id_) == before
    finally:
        base.admin.patch("/settings", {"budgets": {rep.id: None}}, "*")
    assert rep.patch("/customers/" + id_, {"city": "Ulm"}, "*").status_code == 200


def test_room_comes_back_little_by_little(base, stack):
    rep = base.rep()
    limit(base, rep, customers={"hour": (None, 20)})
    stack.clock("30 minutes" if stack.sql("select extract(minute from now()) < 25")[0][0] else "0")
    for id_ in strangers(base, 20):
        assert rep.get("/customers/" + id_).status_code == 200
    rest = strangers(base, 60, 100)
    problem(rep.get("/customers/" + rest[0]), 429)
    # At the turn of the hour nothing is free at once; half an hour later half of it is.
    (until,), = stack.sql("select app.window_began(1, app.now()) + interval '1 hour' - now()")
    stack.clock(f"{until.total_seconds() + 1} seconds")
    problem(rep.get("/customers/" + rest[0]), 429)
    stack.clock(f"{until.total_seconds() + 1802} seconds")
    good = [rep.get("/customers/" + id_).status_code for id_ in rest[:14]]
    assert good.count(200) in (9, 10) and good == sorted(good)
    stack.clock(f"{until.total_seconds() + 7200} seconds")
    assert rep.get("/customers/" + rest[20]).headers["Exposure-Remaining"] >= "1"


def test_beyond_the_soft_limit_values_are_masked(base, stack):
    rep = base.rep()
    limit(base, rep, contacts={"day": (5, 8)})
    shown = [rep.get("/customers/" + id_).json() for id_ in strangers(base, 7)]
    assert [c["masked"] == [] for c in shown] == [True] * 6 + [False], "the answer that crosses it, and no other"
    assert shown[6]["email"].endswith("***") and used(base, rep, "contacts", "day") == 6
    (alert,) = stack.sql("select rule, severity, evidence->>'measure', times from app.alert where staff_id = %s", rep.id)
    assert alert == ("exposure_soft", "medium", "contacts", 1)
    # A reason shows them, and counts; the hard limit ends that too.
    ids = strangers(base, 12)[7:]
    answers = [rep.post(f"/customers/{i}/reveal", {"fields": ["email"], "reason": "Call"}) for i in ids[:3]]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert answers[2].json()["measure"] == "contacts"
    # The next day but one he begins anew.
    stack.clock("2 days")
    stack.sql("update app.session set expires_at = 'infinity' where staff_id = %s", rep.id)
    assert rep.get("/customers/" + ids[3]).json()["masked"] == []


def test_his_own_are_free(base, stack):
    rep = base.rep()
    mine = base.make(rep, 50)
    limit(base, rep, customers={"hour": (None, 10), "day": (None, 10)})
    for _ in range(2):
        assert len(rep.get("/customers", owner=rep.id, limit=200).json()["data"]) == 50
    assert used(base, rep, "customers", "day") == 0
    # Whoever comes to him today is not his own yet, but tomorrow.
    come = strangers(base, 12, 700)
    give(base, come, rep)
    try:
        codes = [rep.get("/customers/" + i).status_code for i in come]
        assert codes == [200] * 10 + [429] * 2
        stack.clock("25 hours")
        stack.sql("update app.session set expires_at = 'infinity' where staff_id = %s", rep.id)
        assert [rep.get("/customers/" + i).status_code for i in come] == [200] * 12
    finally:
        give(base, come, base.owner)
    # Nor do more than 1.2 times his book count as his: those that he had and gave away, in one day.
    stack.clock("0")
    other = base.rep()
    theirs = base.make(other, 100)
    limit(base, other, customers={"hour": (None, 10), "day": (None, 10)})
    for id_ in theirs[:60]:
        assert other.get("/customers/" + id_).status_code == 200
    stack.sql("update app.customer set archived_at = app.now() where id = any(%s::uuid[])", theirs[:60])
    codes = [other.get("/customers/" + i).status_code for i in theirs[60:]]
    # His book is 100 as counted when he began, and counted again at 120.
    assert codes == [200] * 40 and used(base, other, "customers", "day") == 0
    more = base.make(other, 40)
    stack.sql("update app.exposure set book = 90 where staff_id = %s", other.id)
    stack.sql("update app.customer set archived_at = app.now() where id = any(%s::uuid[])", theirs[60:90])
    codes = [other.get("/customers/" + i).status_code for i in more]
    assert codes.count(200) < 40 and 429 in codes and mine


def give(base, ids, who):
    base.stack.sql("select app.act_as(org_id, id, 'customers.change') from app.staff where id = %s; update app.customer set owner_id = %s where id = any(%s::uuid[])",
                   base.boss.id, who.id, ids)


def test_what_he_makes_shows_him_nothing(base):
    rep = base.rep()
    limit(base, rep, customers={"hour": (None, 0)}, contacts={"day": (0, 0)})
    made = rep.customer(email="someone@new.example", phone="+49 30 5550 100")
    assert made["email"] == "someone@new.example"
    assert rep.change(made, city="Ulm")["masked"] == []
    assert used(base, rep, "contacts", "day") == 0 == used(base, rep, "customers", "hour")


def test_of_32_at_once_none_is_beyond_the_limit(base):
    """Two requests never count against the same room: the numbers of a person are locked by whoever counts."""
    rep = base.rep()
    limit(base, rep, customers={"hour": (None, 100)})
    ids = strangers(base, 320, 900)

    def ten(n):
        me, good = again(rep), []
        for id_ in ids[n * 10:n * 10 + 10]:
            answer = me.get("/customers/" + id_)
            assert answer.status_code in (200, 429), answer.text
            good += [id_] if answer.status_code == 200 else []
        return good
    with ThreadPoolExecutor(32) as pool:
        seen = sum(pool.map(ten, range(32)), [])
    assert len(seen) == 100 == len(set(seen)) == used(base, rep, "customers", "hour")
    assert {i for i, in base.stack.sql("select unnest(customer_ids)::text from app.disclosure where staff_id = %s", rep.id)} == set(seen)


def test_a_page_that_is_too_large_shows_nothing(base):
    rep = base.rep()
    limit(base, rep, customers={"hour": (None, 49)})
    problem(rep.get("/customers", limit=50), 429, "exposure_budget_exceeded")
    assert base.stack.sql("select count(*) from app.disclosure where staff_id = %s", rep.id)[0][0] == 0
    assert rep.get("/customers", limit=49).status_code == 200


def test_old_parts_of_the_ledger_go(base, stack):
    """After the months that the org which keeps it longest says; what somebody has seen stays known."""
    stack.sql("create table app.disclosure_2019_01 (like app.disclosure including defaults including constraints); "
              "alter table app.disclosure_2019_01 owner to holdfast_owner; "
              "alter table app.disclosure attach partition app.disclosure_2019_01 for values from ('2019-01-01') to ('2019-02-01')")
    try:
        base.admin.patch("/settings", {"ledger_months": 1200}, "*")
        stack.sql("select app.partitions_past()")
        assert stack.sql("select to_regclass('app.disclosure_2019_01') is not null")[0][0]
        base.admin.patch("/settings", {"ledger_months": 12}, "*")
        stack.sql("select app.partitions_past()")
        assert stack.sql("select to_regclass('app.disclosure_2019_01') is null and to_regclass('app.disclosure_' || to_char(app.now(), 'YYYY_MM')) is not null")[0][0]
    finally:
        stack.sql("drop table if exists app.disclosure_2019_01")
