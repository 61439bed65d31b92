"""test_offers_sent.py -- what becomes of an offer: every state and every action, races, restores, and what was valid when."""
import concurrent.futures

import pytest

from holdfast import problem
from offering import ACTIONS, LINE, ago, ask, change, day, did, offer, path, read, revised, rows, sent, total
from restoring import dry_run, last_operation, moment, restore, undo


@pytest.fixture
def customer(rita):
    return rita.customer(stage="contacted", currency="EUR")


# A state, how one gets there (with rita, her customer and the stack; the last is the offer that is asked), and what each of ACTIONS
# answers: a status, or the code of a 409.
def expired(r, c, s):
    with ago(s, 9):
        return sent(r, c, valid_until=day(s, 1))


def later(r, o, *words):
    """The offer o after things happened to the next revision of it."""
    n = did(r, o, "revise")
    for word in words:
        did(r, n, word)
    return o


def after(r, o, word):
    did(r, o, word)
    return o


def overtaken(r, c, s):
    """Expired, and its next revision sent with a new date."""
    o = expired(r, c, s)
    revised(r, o, valid_until=day(s, 9))
    return o


def outdated(r, c, s):
    """A draft that was archived, overtaken by a revision that was sent, and brought back by an undo."""
    o = sent(r, c)
    d = did(r, o, "revise")
    did(r, d, "archive")
    revised(r, o)
    operation = r.get("/history", record=d["id"]).json()["data"][0]["operation_id"]
    assert undo(r, operation)["restored"] == 1
    return d


def beside(r, c, s):
    """A draft whose earlier revision was accepted meanwhile."""
    o = sent(r, c)
    d = did(r, o, "revise")
    did(r, o, "accept")
    return d


STATES = {
    "draft": (lambda r, c, s: offer(r, c), 200, 200, 200, "not_sent", "not_sent", "not_sent"),
    "of nothing": (lambda r, c, s: offer(r, c, lines=[]), 200, 200, "/lines", "not_sent", "not_sent", "not_sent"),
    "late": (lambda r, c, s: offer(r, c, valid_until=day(s, -1)), 200, 200, "/valid_until", "not_sent", "not_sent", "not_sent"),
    "its last day": (lambda r, c, s: sent(r, c, valid_until=day(s)), "offer_sent", "offer_sent", "offer_sent", 201, 200, 200),
    "sent": (lambda r, c, s: sent(r, c), "offer_sent", "offer_sent", "offer_sent", 201, 200, 200),
    "expired": (expired, "offer_sent", "offer_sent", "offer_sent", 201, "offer_expired", "offer_expired"),
    "accepted": (lambda r, c, s: after(r, sent(r, c), "accept"), "offer_sent", "offer_sent", "offer_sent", "offer_accepted", "offer_decided", "offer_decided"),
    "declined": (lambda r, c, s: after(r, sent(r, c), "decline"), "offer_sent", "offer_sent", "offer_sent", 201, "offer_decided", "offer_decided"),
    "being revised": (lambda r, c, s: later(r, sent(r, c)), "offer_sent", "offer_sent", "offer_sent", "draft_exists", 200, 200),
    "no more revised": (lambda r, c, s: later(r, sent(r, c), "archive"), "offer_sent", "offer_sent", "offer_sent", 201, 200, 200),
    "superseded": (lambda r, c, s: later(r, sent(r, c), "send"), "offer_sent", "offer_sent", "offer_sent", "not_latest", "superseded", "superseded"),
    "superseded, being revised": (lambda r, c, s: later(r, sent(r, c), "send", "revise"), "offer_sent", "offer_sent", "offer_sent", "draft_exists", "superseded", "superseded"),
    "declined and superseded": (lambda r, c, s: later(r, after(r, sent(r, c), "decline"), "send"), "offer_sent", "offer_sent", "offer_sent", "not_latest", "offer_decided", "offer_decided"),
    "expired and superseded": (overtaken, "offer_sent", "offer_sent", "offer_sent", "not_latest", "superseded", "superseded"),
    "archived": (lambda r, c, s: after(r, offer(r, c), "archive"), "archived", "archived", "archived", "archived", "archived", "archived"),
    "an outdated draft": (outdated, 200, 200, "not_latest", "not_sent", "not_sent", "not_sent"),
    "beside an accepted one": (beside, 200, 200, "offer_accepted", "not_sent", "not_sent", "not_sent"),
    "revised draft": (lambda r, c, s: did(r, sent(r, c), "revise"), 200, 200, 200, "not_sent", "not_sent", "not_sent"),
}


@pytest.mark.parametrize("state", STATES)
def test_every_state_and_action(rita, stack, state):
    make, *dues = STATES[state]
    for action, due in zip(ACTIONS, dues):
        customer = rita.customer(stage="contacted", currency="EUR")
        o = make(rita, customer, stack)
        before, answer = rows(stack, customer), ask(rita, o, action)
        if isinstance(due, int):
            assert answer.status_code == due, (action, answer.text)
            assert rows(stack, customer) != before
        else:
            problem(answer, *((422, "invalid_value", due) if due[0] == "/" else (409, due)))
            assert rows(stack, customer) == before, action


def test_from_draft_to_acceptance(rita, max, customer, stack):
    o = offer(rita, customer, valid_until=day(stack, 30), title="Annual supply")
    first = did(max, o, "send", note="By e-mail to Eva.")
    assert (first["status"], first["promised_by"], first["promised_by_name"], first["version"]) == ("sent", max.id, "Max Manager", 2)
    assert first["sent_at"] == first["valid_from"] == first["updated_at"] and first["valid_to"] == day(stack, 31) + "T00:00:00.000000Z"
    row = rita.get("/history", record=o["id"], field="status").json()["data"][0]
    assert max.get("/operations/" + row["operation_id"]).json()["reason"] == "By e-mail to Eva."
    answer = ask(rita, o, "revise", lines=[dict(LINE, unit_price=1200)], notes="Cheaper.")
    second = answer.json()
    assert answer.headers["Location"] == "/v1" + path(second) and second["id"] != o["id"]
    assert (second["status"], second["number"], second["revision"], second["title"], second["valid_until"]) == ("draft", o["number"], 2, "Annual supply", o["valid_until"])
    assert (second["gross"], second["promised_by"], second["sent_at"], second["version"]) == (total([dict(LINE, unit_price=1200)])[2], None, None, 1)
    assert read(rita, o)["valid_to"] == first["valid_to"], "a draft ends nothing"
    second = did(rita, second, "send")
    got = read(rita, o)
    assert (got["status"], got["superseded_at"], got["valid_to"]) == ("sent", second["sent_at"], second["sent_at"])
    assert [(r["revision"], r["valid_from"], r["valid_to"]) for r in got["revisions"]] == [
        (1, first["sent_at"], second["sent_at"]), (2, second["sent_at"], second["valid_to"])] and second["revisions"] == got["revisions"]
    done = did(rita, second, "accept", reason="Eva called.")
    assert (done["status"], done["reason"], done["decided_at"]) == ("accepted", "Eva called.", done["updated_at"])
    problem(rita.post(path(o, "decline"), {}), 409, "superseded")   # what it is about comes before its form
    third = sent(rita, customer)
    for body in ({}, {"reason": None}, {"reason": " "}):
        problem(rita.post(path(third, "decline"), body), 422, "invalid_value", "/reason")
    lost = did(rita, third, "decline", reason="Too dear.")
    assert (lost["status"], lost["reason"], lost["valid_to"]) == ("declined", "Too dear.", lost["decided_at"])
    assert {r["field"] for r in rita.get("/history", record=o["id"]).json()["data"]} == {None, "status", "promised_by", "superseded_at"}


def test_what_was_valid_when(rita, customer, stack):
    """A chain of revisions, each asked for at moments before, between and behind."""
    with ago(stack, 20):
        o = offer(rita, customer, lines=[LINE])
        seen = {moment(stack): [None]}
        chain = [did(rita, o, "send")]
    for days, until in ((15, 12), (10, None), (5, 3)):
        with ago(stack, days):
            d = did(rita, chain[-1], "revise", valid_until=until and day(stack, days - until), lines=[dict(LINE, quantity=days)])
            chain.append(did(rita, d, "send"))
    did(rita, chain[-1], "revise")
    moments = {s: n for n, s in enumerate(c["sent_at"] for c in chain)}
    for at, valid in [(seen and list(seen)[0], []), *[(at, [n]) for at, n in moments.items()], (chain[1]["valid_to"], []), (chain[3]["valid_to"], []), (moment(stack), [])]:
        ids = [r["id"] for r in rita.get("/offers", customer=customer["id"], valid_at=at).json()["data"]]
        assert ids == [chain[n]["id"] for n in valid], at
        then = read(rita, o, as_of=at)
        assert [r["revision"] - 1 for r in then["revisions"] if r["valid_from"] and r["valid_from"] <= at and (r["valid_to"] is None or at < r["valid_to"])] == valid
        assert then["revisions"] == read(rita, o, as_of=at)["revisions"]
    assert [r["status"] for r in read(rita, o)["revisions"]] == ["sent", "expired", "sent", "expired", "draft"]
    assert [r["status"] for r in read(rita, o, as_of=chain[1]["sent_at"])["revisions"]] == ["sent", "sent"]
    assert read(rita, chain[2], as_of=chain[2]["created_at"])["gross"] == total([dict(LINE, quantity=10)])[2]
    problem(rita.get(path(chain[2]), as_of=chain[1]["sent_at"]), 404, "not_found")


def at_once(*asks):
    with concurrent.futures.ThreadPoolExecutor(len(asks)) as pool:
        return sorted((a.status_code, a.json().get("code")) for a in pool.map(lambda f: f(), asks))


def test_two_at_once(rita, max, customer, stack):
    for _ in range(4):
        o = offer(rita, customer)
        assert at_once(*[lambda w=w: ask(w, o, "send") for w in (rita, max) * 3]) == [(200, None)] + [(409, "offer_sent")] * 5
        assert at_once(*[lambda w=w: ask(w, o, "revise") for w in (rita, max) * 3]) == [(201, None)] + [(409, "draft_exists")] * 5
        assert stack.sql("select array_agg(revision order by revision) from app.offer where number = %s", o["number"])[0][0] == [1, 2]
        d = read(rita, o)["revisions"][1]
        one = at_once(lambda: ask(rita, o, "accept"), lambda: ask(max, d, "send"))
        assert one in ([(200, None), (409, "offer_accepted")], [(200, None), (409, "superseded")])
        o = sent(rita, customer)
        one = at_once(*[lambda w=w, a=a: ask(w, o, a) for w in (rita, max) for a in ("accept", "decline")])
        assert one == [(200, None)] + [(409, "offer_decided")] * 3
        o = offer(rita, customer)
        one = at_once(lambda: rita.patch(path(o), {"lines": [dict(LINE, quantity=1)]}, '"v1"'), lambda: rita.request("POST", path(o, "send"), json={}, headers={"If-Match": '"v1"'}))
        assert one in ([(200, None), (409, "offer_sent")], [(200, None), (412, "version_mismatch")])


def test_a_sent_one_is_never_restored(rita, max, customer, stack):
    begin = moment(stack)
    o = change(rita, offer(rita, customer), title="Other", lines=[dict(LINE, quantity=7)]).json()
    did(rita, o, "send")
    d = did(rita, o, "revise")
    did(rita, d, "send")
    before = rows(stack, customer)
    for scope, fields in [({"entity": "offers", "id": o["id"], "as_of": o["created_at"]}, {"status", "title", "lines", "promised_by", "superseded_at"}),
                          ({"actor": rita.id, "from": begin, "to": "2100-01-01T00:00:00Z", "entities": ["offers"]}, {"archived_at"})]:
        plan = dry_run(max, scope)
        assert plan["restorable"] == 0 and {c["why"] for c in plan["conflicts"]} == {"sent"} and {c["field"] for c in plan["conflicts"]} == fields, plan
        assert restore(max, scope)["restored"] == 0 and rows(stack, customer) == before


def test_a_decision_is_taken_back(rita, max, customer):
    for word in ("accept", "decline"):
        o = sent(rita, customer)
        done = did(rita, o, word, reason="By mistake.")
        operation = rita.get("/history", record=o["id"]).json()["data"][0]["operation_id"]
        undone = undo(max, operation)
        assert undone["restored"] == 2 and undone["conflict_count"] == 0
        back = read(rita, o)
        assert (back["status"], back["reason"], back["decided_at"], back["sent_at"]) == ("sent", None, None, o["sent_at"])
        assert read(rita, o, as_of=done["decided_at"])["decided_at"] == done["decided_at"]
        assert undo(max, undone["operation_id"])["restored"] == 2
        assert (read(rita, o)["status"], read(rita, o)["reason"]) == (done["status"], "By mistake.")
    o = sent(rita, customer)
    did(rita, o, "accept")
    undone = undo(max, rita.get("/history", record=o["id"]).json()["data"][0]["operation_id"])
    revised(rita, o)
    again = undo(max, undone["operation_id"])   # it is superseded: no more accepted
    assert again["restored"] == 0 and [c["why"] for c in again["conflicts"]] == ["sent"]


def test_drafts_are_restored(rita, max, customer, stack):
    o = offer(rita, customer, title="Good")
    begin = moment(stack)
    change(rita, o, title="Bad", lines=[dict(LINE, quantity=1)], currency="JPY", valid_until="2029-01-01")
    assert restore(max, {"entity": "offers", "id": o["id"], "as_of": begin})["restored"] == 4
    got = read(rita, o)
    assert {k: v for k, v in got.items() if k not in ("version", "updated_at")} == {k: v for k, v in o.items() if k not in ("version", "updated_at")}
    did(rita, o, "archive")
    assert undo(max, rita.get("/history", record=o["id"]).json()["data"][0]["operation_id"])["restored"] == 1
    did(rita, o, "send")
    d = did(rita, o, "revise")
    assert undo(max, rita.get("/history", record=d["id"]).json()["data"][0]["operation_id"])["restored"] == 1
    assert read(rita, d)["archived_at"] is not None and did(rita, o, "revise")["revision"] == 3


def test_with_its_customer(rita, max, nina, customer):
    """Archived and brought back, merged into another customer and split again, and handed over."""
    o, a, d = sent(rita, customer), after(rita, sent(rita, customer), "accept"), offer(rita, customer)
    before = [read(rita, x) for x in (o, a, d)]
    assert rita.delete("/customers/" + customer["id"], "*").status_code == 200
    assert all(read(rita, x)["archived_at"] is not None for x in (o, a, d))
    assert undo(max, last_operation(max, customer))["conflict_count"] == 0
    assert [{k: v for k, v in read(rita, x).items() if k not in ("version", "updated_at")} for x in (o, a, d)] == [
        {k: v for k, v in x.items() if k not in ("version", "updated_at")} for x in before]
    other, now = rita.customer(), [read(rita, x)["status"] for x in (o, a, d)]
    for back in (True, False):
        answer = max.post(f"/customers/{other['id']}/merge", {"other": customer["id"], "reason": "The same."})
        assert answer.status_code == 200, answer.text
        assert [(read(rita, x)["customer_id"], read(rita, x)["status"]) for x in (o, a, d)] == [(other["id"], s) for s in now]
        if back:
            assert undo(max, last_operation(max, customer))["conflict_count"] == 0
            assert [(read(rita, x)["customer_id"], read(rita, x)["status"]) for x in (o, a, d)] == [(customer["id"], s) for s in now]
    assert did(rita, o, "revise")["customer_id"] == other["id"]
    assert rita.post(f"/customers/{other['id']}/stage", {"stage": "proposal", "owner_id": nina.id}).status_code == 200
    problem(rita.get(path(o)), 404, "not_found")
    assert did(nina, o, "accept")["promised_by"] == rita.id and did(nina, d, "send")["promised_by"] == nina.id
