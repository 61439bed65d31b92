"""Who has seen a customer, how much a person has seen and may see; more for a while, and stopping somebody."""
import contextlib
import os
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from hiring import again, arrive, hire
from holdfast import BUILD, problem
from limits import limited
from people import MISSING, newcomer, other_org

READS = {"restores": "/restores/" + MISSING, "search": "/search?q=adler"}
EVERYWHERE = [READS.get(p, "/" + p) for p in sorted(set(os.listdir(os.path.join(BUILD, "cgi"))) - {"health", "sessions"})]


@pytest.fixture
def boss(stack):
    return newcomer(stack, "manager")


@pytest.fixture
def norma(stack, boss):
    return newcomer(stack, manager=boss)


def soon(stack, interval="3 days"):
    """A moment ahead as the database's clock has it."""
    return stack.sql("select app.time_json(app.now() + %s::interval)", interval)[0][0]


def grant(who, whom, until, **more):
    return who.post(f"/staff/{whom.id}/grants", dict({"measure": "reveals", "amount": 2, "until": until, "reason": "The fair."}, **more))


def hers(stack, norma, n, before="40 days"):
    """Customers of somebody's with a phone, which she did not make herself."""
    ids = [norma.customer(phone=f"+49 30 555{i:04}")["id"] for i in range(n)]
    stack.sql("update app.customer set created_at = app.now() - %s::interval where id = any(%s::uuid[])", before, ids)
    stack.sql("delete from app.seen where staff_id = %s", norma.id)
    stack.sql("delete from app.exposure where staff_id = %s", norma.id)
    return ids


def events(stack, who, kind):
    return stack.sql("select subject_id::text, rows, detail from app.event where staff_id = %s and kind = %s order by id", who.id, kind)


@contextlib.contextmanager
def clock(stack, interval):
    stack.clock(interval)
    try:
        yield
    finally:
        stack.clock("0")


# Who has seen it.

def test_seen_by(stack, norma, boss, ada, axel, max, rita):
    c, = hers(stack, norma, 1)
    assert boss.get(f"/customers/{c}/seen-by").json() == {"data": [], "next": None}
    norma.get("/customers", name=norma.get("/customers/" + c).json()["name"])
    row, = boss.get(f"/customers/{c}/seen-by").json()["data"]
    assert (row["staff_id"], row["staff_name"]) == (norma.id, norma.staff["name"])
    assert row["first_at"] == row["last_at"] == row["opened_at"] == row["contact_at"]      # to the hour
    axel.get("/customers", name=norma.get("/customers/" + c).json()["name"])
    rows = ada.get(f"/customers/{c}/seen-by").json()["data"]
    assert [r["staff_id"] for r in rows] == [axel.id, norma.id] and rows[0]["contact_at"] is None and rows[0]["opened_at"] is None
    assert ada.pages(f"/customers/{c}/seen-by", limit=1) == rows == axel.pages(f"/customers/{c}/seen-by", limit=1)
    assert [r["staff_id"] for r in boss.get(f"/customers/{c}/seen-by").json()["data"]] == [norma.id]    # not those beside him
    problem(norma.get(f"/customers/{c}/seen-by"), 403, "forbidden")
    for who in (rita, max):
        problem(who.get(f"/customers/{c}/seen-by"), 404, "not_found")
    assert events(stack, boss, "customers.seen_by") == [(c, 0, None), (c, 1, None), (c, 1, None)]
    with clock(stack, "2 hours"):
        fresh = stack.login(norma.staff["email"])
        fresh.get("/customers/" + c)
        row, = boss.get(f"/customers/{c}/seen-by").json()["data"]
        assert row["first_at"] < row["last_at"] == row["opened_at"]


def test_those_who_see_all_are_asked_in_pages(stack, norma, ada, boss):
    c, = hers(stack, norma, 1)
    people = [newcomer(stack, manager=boss).id for _ in range(2)]
    stack.sql("insert into app.seen (org_id, staff_id, customer_id, first_at, at) select org_id, id, %s, app.now(), app.now() from app.staff where id = any(%s::uuid[])",
              c, people)     # at the same moment
    norma.get("/customers/" + c)
    whole = ada.get(f"/customers/{c}/seen-by").json()["data"]
    assert len(whole) == 3 and ada.pages(f"/customers/{c}/seen-by", limit=1) == whole == ada.pages(f"/customers/{c}/seen-by", limit=2)


# How much somebody has seen.

def test_exposure(stack, norma, boss):
    ids = hers(stack, norma, 4)
    norma.get("/customers", limit=3, sort="name")
    for c in ids[:2]:
        norma.get("/customers/" + c)
    norma.get("/customers/" + ids[0])
    seen = boss.get(f"/staff/{norma.id}/exposure").json()
    ledger = stack.sql("select channel, customer_ids::text[], not masked and classes like '%%contact%%' from app.disclosure where staff_id = %s", norma.id)
    assert seen["staff_id"] == norma.id and seen["disclosures"] == len(ledger)
    assert seen["by_channel"] == {c: sum(1 for x in ledger if x[0] == c) for c, *_ in ledger}
    assert seen["customers"] == len({i for _, ids, _ in ledger for i in ids}) == 4
    assert seen["contacts"] == len({i for _, ids, clear in ledger if clear for i in ids})
    assert [d["customers"] for d in seen["by_day"]] == [4]
    assert norma.get(f"/staff/{norma.id}/exposure").json()["limits"] == seen["limits"] and len(seen["limits"]) == 12
    opened = {(x["measure"], x["window"]): x["used"] for x in seen["limits"]}
    assert opened["contacts", "day"] == 2 and opened["reveals", "hour"] == 0
    assert (seen["masked_until"], seen["blocked_until"], seen["frozen"], seen["grants"]) == (None, None, False, [])
    assert events(stack, boss, "exposure.read") == [(norma.id, None, None)] and events(stack, norma, "exposure.read") == []


def test_exposure_of_a_time(stack, norma, boss):
    ids = hers(stack, norma, 2)
    stack.sql("delete from app.disclosure where staff_id = %s", norma.id)
    start = soon(stack, "0")
    with clock(stack, "26 hours"):
        later = stack.login(norma.staff["email"])
        later.get("/customers/" + ids[0])
        later.get("/customers/" + ids[1])
        middle = soon(stack, "0")
        with clock(stack, "74 hours"):
            last, chief = stack.login(norma.staff["email"]), stack.login(boss.staff["email"])
            last.get("/customers/" + ids[0])

            def ask(**time):
                return chief.get(f"/staff/{norma.id}/exposure", **time).json()
            both = ask()
            assert (both["disclosures"], both["customers"], [d["customers"] for d in both["by_day"]]) == (3, 2, [2, 1])
            for time, n in (({"to": middle}, 2), ({"from": middle}, 1), ({"from": start, "to": middle}, 2), ({"from": start}, 2)):
                assert ask(**time)["customers"] == n, time
            assert ask(to=start)["by_day"] == [] and ask(to=start)["customers"] == 0
            assert both["from"][:10] == stack.sql("select (app.now() - interval '30 days')::date::text")[0][0]
    for wrong, pointer in (({"from": "2020-01-01T00:00:00Z"}, "?from"), ({"from": middle, "to": start}, "?to"), ({"from": start, "to": start}, "?to"),
                           ({"from": "2020-01-01T00:00:00Z", "to": "2021-01-02T00:00:00Z"}, "?from")):
        problem(boss.get(f"/staff/{norma.id}/exposure", **wrong), 400, "invalid_parameter", pointer)
    assert boss.get(f"/staff/{norma.id}/exposure", **{"from": "2021-01-01T00:00:00Z", "to": "2022-01-01T00:00:00Z"}).status_code == 200


def test_windows_that_are_over_are_left_out(stack, norma, boss):
    """What is shown is what would be counted, though nobody counted since."""
    ids = hers(stack, norma, 3)
    for c in ids:
        assert norma.post(f"/customers/{c}/reveal", {"fields": ["phone"], "reason": "x"}).status_code == 200

    def used(window):
        with contextlib.suppress(StopIteration):
            seen = stack.login(boss.staff["email"]).get(f"/staff/{norma.id}/exposure").json()
            return next(x["used"] for x in seen["limits"] if (x["measure"], x["window"]) == ("reveals", window))
    assert [used(w) for w in ("hour", "day", "month")] == [3, 3, 3]
    (gone,), = stack.sql("select extract(epoch from app.now() - app.window_began(1, app.now()))::int")
    with clock(stack, f"{3600 - gone + 1800} seconds"):
        assert used("hour") == 2          # half of the last hour
    with clock(stack, f"{2 * 3600 - gone + 60} seconds"):
        assert used("hour") == 0
    with clock(stack, "31 days"):
        assert [used(w) for w in ("hour", "day")] == [0, 0] and used("month") <= 3
    with clock(stack, "61 days"):
        assert used("month") == 0


def test_whose_exposure(stack, norma, boss, ada, axel, max, rita):
    otto = other_org(stack)
    for word in ("exposure", "grants"):
        path = f"/staff/{norma.id}/{word}"
        for who in (norma, boss, ada, axel):
            assert who.get(path).status_code == 200
        for who in (max, rita):
            problem(who.get(path), 403, "forbidden")
        problem(norma.get(f"/staff/{boss.id}/{word}"), 403, "forbidden")
        for id in (otto.id, MISSING):
            problem(ada.get(f"/staff/{id}/{word}"), 404, "not_found")


def test_who_am_i(stack, norma):
    """From the counters: the same whether the ledger holds much or nothing."""
    stranger = newcomer(stack, "manager")
    me = norma.get("/sessions/current").json()["exposure"]
    assert me == {"customers_24h": 0, "remaining": 999999999, "masked_until": None, "blocked_until": None, "frozen": False}
    c = norma.customer()["id"]
    stack.sql("update app.customer set owner_id = %s where id = %s", norma.id, c)
    assert stranger.get("/sessions/current").json()["exposure"]["customers_24h"] == 0
    with limited(stack, norma, customers={"hour": (1, 7), "day": (None, 90)}):
        assert norma.get("/sessions/current").json()["exposure"]["remaining"] == 7
        # Not her own yet: it came within the last day.
        mine = [stack.login("theo@demo.test").customer(phone="+49 30 1234567")["id"] for _ in range(3)]
        stack.sql("update app.customer set owner_id = %s, stage = 'new' where id = any(%s::uuid[])", norma.id, mine)
        stack.sql("update app.customer set owner_since = app.now() where id = any(%s::uuid[])", mine)
        for n, i in enumerate(mine, 1):
            answer = norma.get("/customers/" + i)
            me = norma.get("/sessions/current").json()["exposure"]
            assert (me["customers_24h"], me["remaining"]) == (n, 7 - n) and answer.headers["Exposure-Remaining"] == str(7 - n)
        assert me["masked_until"] is not None
        with clock(stack, "3 days"):
            later = stack.login(norma.staff["email"])
            assert later.get("/sessions/current").json()["exposure"] == {
                "customers_24h": 0, "remaining": 7, "masked_until": None, "blocked_until": None, "frozen": False}


# More for a while.

def test_a_grant_lifts_a_429_until_it_ends(stack, norma, boss):
    ids = hers(stack, norma, 1)
    path, body = f"/customers/{ids[0]}/reveal", {"fields": ["phone"], "reason": "x"}
    with limited(stack, norma, reveals={"hour": (None, 1), "day": (None, 3)}):
        assert norma.post(path, body).status_code == 200
        problem(norma.post(path, body), 429, "exposure_budget_exceeded")
        (gone,), = stack.sql("select extract(epoch from app.now() - app.window_began(1, app.now()))::int")
        until = soon(stack, "5 minutes")
        answer = grant(boss, norma, until)
        assert answer.status_code == 201, answer.text
        given = answer.json()
        assert (given["staff_id"], given["measure"], given["amount"], given["until"], given["granted_by"], given["reason"]) == (
            norma.id, "reveals", 2, until, boss.id, "The fair.")
        for status in (200, 200, 429):
            assert norma.post(path, body).status_code == status
        seen = norma.get(f"/staff/{norma.id}/exposure").json()
        assert seen["grants"] == [{k: given[k] for k in ("id", "measure", "amount", "until")}]
        limits = {x["window"]: x["hard"] for x in seen["limits"] if x["measure"] == "reveals"}
        assert limits == {"hour": 3, "day": 5, "month": 1000000001}
        assert grant(boss, norma, soon(stack, "4 minutes"), amount=5).status_code == 201
        assert norma.post(path, body).status_code == 200
        if gone < 3000:     # within the hour in hand
            with clock(stack, "270 seconds"):
                seen = boss.get(f"/staff/{norma.id}/exposure").json()
                assert [x["hard"] for x in seen["limits"] if (x["measure"], x["window"]) == ("reveals", "hour")] == [3]
                problem(norma.post(path, body), 429)
            with clock(stack, "310 seconds"):
                told = problem(boss.stack.login(norma.staff["email"]).post(path, body), 429)
                assert told["limit"] == 1
        assert events(stack, boss, "exposure.grant")[0] == (norma.id, None, {"grant": given["id"], "measure": "reveals", "amount": 2, "until": until})
        assert [g["amount"] for g in boss.pages(f"/staff/{norma.id}/grants", limit=1)] == [5, 2] == [g["amount"] for g in norma.pages(f"/staff/{norma.id}/grants")]


def test_a_grant_takes_the_mask_away(stack, norma, boss):
    ids = hers(stack, norma, 3)
    with limited(stack, norma, contacts={"day": (1, None)}):
        assert norma.get("/customers/" + ids[0]).json()["phone"].startswith("+49")
        norma.get("/customers/" + ids[1])
        assert "*" in norma.get("/customers/" + ids[2]).json()["phone"] and norma.get("/sessions/current").json()["exposure"]["masked_until"]
        assert grant(boss, norma, soon(stack), measure="contacts", amount=5).status_code == 201
        assert norma.get("/sessions/current").json()["exposure"]["masked_until"] is None
        assert norma.get("/customers/" + ids[2]).json()["phone"].startswith("+49")


def test_who_grants(stack, norma, boss, ada, abby, axel, max, rita):
    until = soon(stack)
    otto = other_org(stack)
    for who, whom in ((boss, boss), (norma, norma), (norma, boss), (rita, norma), (max, norma), (axel, norma), (ada, ada), (max, ada)):
        for answer in (grant(who, whom, until), who.post(f"/staff/{whom.id}/freeze", {"reason": "x"}), who.post(f"/staff/{whom.id}/unfreeze", {"reason": "x"})):
            problem(answer, 403, "forbidden")
    problem(grant(boss, boss, "never"), 403)     # before what is wrong with the form
    for id in (otto.id, MISSING):
        problem(ada.post(f"/staff/{id}/grants", {"measure": "reveals", "amount": 1, "until": until, "reason": "x"}), 404, "not_found")
        problem(ada.post(f"/staff/{id}/freeze", {"reason": "x"}), 404, "not_found")
    assert grant(ada, norma, until).status_code == grant(ada, abby, until).status_code == 201
    # Two accounts of one person are one person.
    twin = arrive(stack, hire(ada, "manager", person_id=norma.id, manager_id=None))
    stack.sql("update app.staff set manager_id = %s where id = %s", twin.id, norma.id)
    problem(grant(twin, norma, until), 403, "forbidden")
    problem(twin.post(f"/staff/{norma.id}/unfreeze", {"reason": "x"}), 403, "forbidden")


def test_what_a_grant_may_be(stack, norma, boss):
    for until, pointer in ((soon(stack, "-1 second"), "/until"), (soon(stack, "91 days"), "/until"), ("2100-01-01T00:00:00Z", "/until"), (5, "/until")):
        problem(grant(boss, norma, until), 422, "invalid_value", pointer)
    for more in ({"measure": "denied"}, {"measure": "x"}, {"amount": 0}, {"amount": 1000001}, {"reason": ""}, {"reason": None}):
        problem(grant(boss, norma, soon(stack), **more), 422, "invalid_value", "/" + list(more)[0])
    for measure in ("customers", "contacts", "reveals", "contact_changes", "deletions"):
        assert grant(boss, norma, soon(stack, "89 days"), measure=measure).status_code == 201
    assert len(boss.pages(f"/staff/{norma.id}/grants")) == 5


def test_a_key_grants_once(stack, norma, boss):
    other, until, key = newcomer(stack, manager=boss), soon(stack), {"Idempotency-Key": uuid.uuid4().hex}
    body = {"measure": "reveals", "amount": 2, "until": until, "reason": "x"}
    answers = [boss.post(f"/staff/{norma.id}/grants", body, headers=key) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 201] and answers[0].json() == answers[1].json()
    problem(boss.post(f"/staff/{norma.id}/grants", dict(body, amount=3), headers=key), 422, "key_reused")
    problem(boss.post(f"/staff/{other.id}/grants", body, headers=key), 422, "key_reused")
    assert len(boss.pages(f"/staff/{norma.id}/grants")) == 1 == len(events(stack, boss, "exposure.grant"))
    key = {"Idempotency-Key": uuid.uuid4().hex}
    for _ in range(2):
        assert boss.post(f"/staff/{norma.id}/freeze", {"reason": "x"}, headers=key).json() == {"staff_id": norma.id, "frozen": True}
    assert len(events(stack, boss, "staff.freeze")) == 1


# Stopping somebody.

def test_freeze_holds_in_every_program(stack, norma, boss, nobody):
    before = norma.get("/sessions/current").status_code
    assert before == 200 and boss.post(f"/staff/{norma.id}/freeze", {"reason": "He is leaving."}).json() == {"staff_id": norma.id, "frozen": True}
    for path in EVERYWHERE:
        problem(norma.get(path), 403, "frozen")
    problem(norma.post("/customers", {"name": "x"}), 403, "frozen")
    fresh = stack.login(norma.staff["email"])
    problem(fresh.get("/customers"), 403, "frozen")
    me = fresh.get("/sessions/current").json()["exposure"]
    assert me["frozen"] is True
    seen = boss.get(f"/staff/{norma.id}/exposure").json()
    assert (seen["frozen"], seen["blocked_why"]) == (True, "He is leaving.")
    with clock(stack, "400 days"):
        problem(stack.login(norma.staff["email"]).get("/customers"), 403, "frozen")
    assert nobody.post("/sessions/refresh", {"refresh_token": norma.tokens["refresh_token"]}).status_code == 200
    assert fresh.delete("/sessions/current").status_code == 204
    assert boss.post(f"/staff/{norma.id}/unfreeze", {"reason": "A mistake."}).json() == {"staff_id": norma.id, "frozen": False}
    assert norma.get("/customers").status_code == 200
    seen = boss.get(f"/staff/{norma.id}/exposure").json()
    assert (seen["frozen"], seen["blocked_why"], seen["blocked_until"]) == (False, None, None)
    assert events(stack, boss, "staff.freeze") == [(norma.id, None, {"reason": "He is leaving."})]
    assert events(stack, boss, "staff.unfreeze") == [(norma.id, None, {"reason": "A mistake."})]
    # A grant is no thaw.
    boss.post(f"/staff/{norma.id}/freeze", {"reason": "x"})
    assert grant(boss, norma, soon(stack), measure="customers").status_code == 201
    problem(norma.get("/customers"), 403, "frozen")


def test_of_two_who_freeze_each_other_one_is_late(stack):
    otto = other_org(stack)
    olaf = arrive(stack, hire(otto, "admin"))
    for _ in range(5):
        with ThreadPoolExecutor(2) as pool:
            asks = [pool.submit(lambda a, b: again(a).post(f"/staff/{b.id}/freeze", {"reason": "x"}).status_code, *pair) for pair in ((otto, olaf), (olaf, otto))]
        statuses = [a.result() for a in asks]
        assert sorted(statuses) == [200, 403], statuses
        first, second = (otto, olaf) if statuses[0] == 200 else (olaf, otto)
        assert first.post(f"/staff/{second.id}/unfreeze", {"reason": "x"}).status_code == 200
