"""How complete a customer is, each point on and off; and the sums over a person's book against the same sums in Python."""
import contextlib
from fractions import Fraction

import pytest

from holdfast import problem
from moving import Firm
from offering import ago, offer, sent
from people import MISSING, newcomer, other_org
from taking_over import child, document, patch
from test_disclosure import Ledger, shown
from works import hides

POINTS = {"next_step": 20, "next_step_overdue": 10, "conversation": 15, "conversation_old": 7, "reachable_contact": 15, "second_contact": 5, "proven_channel": 10,
          "value": 10, "place": 5, "offer": 10, "offer_expired": 5, "channel": 5, "notes": 5}
EMPTY = {"next_step", "conversation", "reachable_contact", "second_contact", "proven_channel", "value", "place", "channel", "notes"}


def missing(client, c):
    """The codes of what is missing; the score is what their points leave."""
    doc = document(client, c)["completeness"]
    assert set(doc) == {"score", "missing"} and {m["code"]: m["points"] for m in doc["missing"]} == {m["code"]: POINTS[m["code"]] for m in doc["missing"]}
    assert doc["score"] == 100 - sum(m["points"] for m in doc["missing"]) and all(m["says"].endswith(".") for m in doc["missing"])
    return {m["code"] for m in doc["missing"]}


def moment(stack, **ahead):
    return stack.sql("select app.time_json(app.now() + make_interval(%s)) #>> '{}'" % ", ".join(f"{k} => {v}" for k, v in ahead.items()))[0][0]


def whole(stack, client, **more):
    """A customer to whom nothing is missing; returns it and its first contact."""
    c = client.customer(**dict(dict(phone="+49 731 1", country="DE", city="Ulm", value=100, currency="EUR", notes="n"), **more))
    eva = child(client, "contacts", c, name="Eva", phone="+49 731 2")
    child(client, "contacts", c, name="Bob")
    child(client, "activities", c, kind="call", direction="in", contact_id=eva["id"])
    child(client, "activities", c, kind="task", subject="t", due_at=moment(stack, days=1))
    child(client, "deals", c, title="d")
    assert missing(client, c) == set()
    return c, eva


def test_of_nothing_and_of_everything(stack, rita, nina):
    c = rita.customer()
    assert missing(rita, c) == EMPTY and sum(POINTS[k] for k in EMPTY) == 90, "in the first segment nobody expects an offer"
    assert missing(nina, nina.customer()) == EMPTY | {"offer"}
    assert document(nina, nina.customer())["completeness"]["score"] == 0
    c, _ = whole(stack, rita)
    assert document(rita, c)["completeness"] == {"score": 100, "missing": []}


def test_a_next_step(stack, rita):
    c = rita.customer()
    step = child(rita, "activities", c, kind="note", next_step="x", due_at=moment(stack, hours=1))
    assert missing(rita, c) == EMPTY - {"next_step"}
    stack.clock("2 hours")
    try:
        assert missing(rita, c) == EMPTY - {"next_step"} | {"next_step_overdue"}
    finally:
        stack.clock("0")
    patch(rita, "/activities/" + step["id"], due_at=moment(stack, hours=-1))
    assert missing(rita, c) == EMPTY - {"next_step"} | {"next_step_overdue"}
    task = child(rita, "activities", c, kind="task")
    assert missing(rita, c) == EMPTY - {"next_step"}, "one that is not overdue is enough, without a date too"
    patch(rita, "/activities/" + task["id"], done_at=moment(stack, hours=0))
    assert missing(rita, c) == EMPTY - {"next_step"} | {"next_step_overdue"}
    assert rita.delete("/activities/" + step["id"], "*").status_code == 200
    assert missing(rita, c) == EMPTY


@pytest.mark.parametrize("days, code", [(-1, "conversation"), (0, None), (29, None), (31, "conversation_old"), (89, "conversation_old"), (91, "conversation")])
def test_a_conversation(stack, rita, days, code):
    for kind, counts in (("call", True), ("email", True), ("message", True), ("meeting", True), ("visit", True), ("note", False)):
        c = rita.customer()
        a = child(rita, "activities", c, kind=kind, at=moment(stack, days=-days), **({"direction": "out"} if kind in ("call", "email", "message") else {}))
        assert missing(rita, c) & {"conversation", "conversation_old"} == ({code} if counts and code else {"conversation"} if not counts else set())
        assert rita.delete("/activities/" + a["id"], "*").status_code == 200
        assert missing(rita, c) == EMPTY


def test_contacts(stack, rita):
    for field, value in (("phone", "+49 30 123456"), ("email", "a@b.test")):
        c = rita.customer()
        eva = child(rita, "contacts", c, name="Eva")
        assert missing(rita, c) == EMPTY
        child(rita, "contacts", c, name="Bea")
        assert missing(rita, c) == EMPTY - {"second_contact"}
        bob = child(rita, "contacts", c, name="Bob", **{field: value})
        assert missing(rita, c) == EMPTY - {"second_contact", "reachable_contact"}
        said = [child(rita, "activities", c, kind=dict(phone="call", email="email")[field], direction="in", contact_id=who["id"], at=moment(stack, days=-days)) for who, days in ((eva, 1), (bob, 181))]
        left = EMPTY - {"second_contact", "reachable_contact", "conversation"}
        assert missing(rita, c) == left, "proven too long ago"
        patch(rita, "/activities/" + said[1]["id"], at=moment(stack, days=-179))
        assert missing(rita, c) == left - {"proven_channel"}
        patch(rita, "/contacts/" + bob["id"], **{field: value + "0"})
        assert missing(rita, c) == left
        assert rita.delete("/contacts/" + bob["id"], "*").status_code == 200
        assert missing(rita, c) == left | {"reachable_contact"}
        assert rita.delete("/contacts/" + eva["id"], "*").status_code == 200
        assert missing(rita, c) == left | {"reachable_contact", "second_contact"}


def test_fields(rita):
    c = rita.customer()
    for fields, gone in (({"value": 5}, ()), ({"currency": "EUR"}, ("value",)), ({"country": "DE"}, ()), ({"city": "Ulm"}, ("place",)), ({"notes": "n"}, ("notes",)),
                         ({"phone": "+49 30 1"}, ("channel",)), ({"phone": None, "email": "a@b.test"}, ())):
        before = missing(rita, c)
        rita.change(c, **fields)
        assert before - missing(rita, c) == set(gone), fields
    assert missing(rita, c) == EMPTY - {"value", "place", "notes", "channel"}
    for fields, code in (({"value": None}, "value"), ({"country": None}, "place"), ({"notes": None}, "notes"), ({"email": None}, "channel")):
        rita.change(c, **fields)
        assert code in missing(rita, c)


def test_three_conversations_are_as_good_as_notes(stack, rita):
    c = rita.customer()
    for n in range(3):
        assert "notes" in missing(rita, c)
        child(rita, "activities", c, kind="note")
        child(rita, "activities", c, kind="visit", at=moment(stack, days=-400))
    assert missing(rita, c) == EMPTY - {"notes"}


def test_a_deal_or_an_offer(stack, rita, nina):
    c = nina.customer()
    draft = offer(nina, c, currency="EUR")
    assert missing(nina, c) == EMPTY
    assert nina.delete("/offers/" + draft["id"], "*").status_code == 200
    assert missing(nina, c) == EMPTY | {"offer"}
    with ago(stack, 3):
        sent(nina, c, currency="EUR", valid_until=moment(stack, days=1)[:10])
    assert missing(nina, c) == EMPTY | {"offer_expired"}
    deal = child(nina, "deals", c, title="d")
    assert missing(nina, c) == EMPTY
    assert nina.delete("/deals/" + deal["id"], "*").status_code == 200
    assert missing(nina, c) == EMPTY | {"offer_expired"}
    sent(nina, c, currency="EUR")
    assert missing(nina, c) == EMPTY, "one that has not expired is enough"
    c = rita.customer()
    with ago(stack, 3):
        sent(rita, c, currency="EUR", valid_until=moment(stack, days=1)[:10])
    assert missing(rita, c) == EMPTY, "in the first segment it does not matter"


def test_what_is_hidden_counts_as_missing(stack, rita, nina, ada, max):
    c, _ = whole(stack, rita)
    assert rita.post(f"/customers/{c['id']}/stage", {"stage": "proposal", "owner_id": nina.id}).status_code == 200
    for words, codes in ((["phone"], {"reachable_contact", "proven_channel", "channel"}), (["value"], {"value"}), (["currency"], {"value"}), (["city"], {"place"}), (["notes"], {"notes"}),
                         (["email"], set()), (["contacts"], {"reachable_contact", "second_contact", "proven_channel"}), (["deals"], {"offer"}), (["offers"], set()),
                         (["activities"], {"next_step", "conversation", "proven_channel"})):
        with hides(ada, prospecting=words):
            assert (missing(nina, c), missing(max, c)) == (codes, set()), words


def book(client, id_=None):
    answer = client.get(f"/staff/{id_ or client.id}/completeness")
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"staff_id", "customers", "scored", "value", "score", "missing", "worst"}
    return answer.json()


def shares(rows):
    """What each customer's score weighs in the book's, by the rules of the README."""
    currencies = [r["currency"] for r in rows if r["currency"]]
    usual = min(set(currencies), key=lambda k: (-currencies.count(k), k)) if currencies else None
    kind = {r["id"]: r["currency"] or usual for r in rows}
    weight = {r["id"]: max(r["value"] or 1, 1) if r["currency"] else 1 for r in rows}
    return {r["id"]: Fraction(weight[r["id"]], sum(weight[q["id"]] for q in rows if kind[q["id"]] == kind[r["id"]]))
            * Fraction(sum(kind[q["id"]] == kind[r["id"]] for q in rows), len(rows)) for r in rows}


def expected(client, rows):
    """The document over these customers, by adding up what each handover says."""
    each, share = {r["id"]: document(client, r)["completeness"] for r in rows}, shares(rows)
    lost = {}
    for r in rows:
        for m in each[r["id"]]["missing"]:
            n, points = lost.get(m["code"], (0, 0))
            lost[m["code"]] = n + 1, points + share[r["id"]] * m["points"]
    risk = [r for r in sorted(rows, key=lambda r: (-share[r["id"]] * (100 - each[r["id"]]["score"]), r["id"])) if each[r["id"]]["score"] < 100]
    sums = {k: sum(r["value"] for r in rows if r["currency"] == k and r["value"] is not None) for k in {r["currency"] for r in rows if r["currency"] and r["value"] is not None}}
    return {"customers": len(rows), "value": [{"currency": k, "value": sums[k]} for k in sorted(sums)], "score": int(sum(share[r["id"]] * each[r["id"]]["score"] for r in rows) + Fraction(1, 2)),
            "missing": {k: (n, round(float(p), 2)) for k, (n, p) in lost.items()},
            "worst": [{"customer_id": r["id"], "name": r["name"], "score": each[r["id"]]["score"], "value": r["value"], "currency": r["currency"],
                       "missing": [m["code"] for m in each[r["id"]]["missing"]]} for r in risk[:20]]}


def agrees(doc, client, rows):
    """Asserts that a document is the one over these customers."""
    should = expected(client, rows)
    points = [m["points"] for m in doc["missing"]]
    assert points == sorted(points, reverse=True) and abs(sum(points) + doc["score"] - 100) < 1
    should["missing"] = {k: (n, pytest.approx(p, abs=0.011)) for k, (n, p) in should["missing"].items()}
    assert dict({k: doc[k] for k in should}, missing={m["code"]: (m["customers"], m["points"]) for m in doc["missing"]}) == should


def test_a_book_against_the_same_sums(stack, max):
    """Grown step by step: one currency, one rich and poor ones, without a value, a second currency, without any."""
    one = newcomer(stack, manager=max)
    doc = book(max, one.id)
    assert doc == {"staff_id": one.id, "customers": 0, "scored": 0, "value": [], "score": None, "missing": [], "worst": []}
    grow = [dict(value=10 ** 12, currency="EUR", notes="n"), dict(value=100, currency="EUR", city="Ulm", country="DE", phone="+49 30 1"), dict(currency="EUR"), dict(value=0, currency="EUR"),
            dict(), dict(value=777), dict(value=5000, currency="USD"), dict(value=9000, currency="USD", notes="n"), dict(value=10 ** 15, currency="JPY", email="a@b.test")]
    for n, fields in enumerate(grow):
        c = one.customer(**fields)
        if n % 3 == 0:
            child(one, "activities", c, kind="visit", next_step="x")
        if n in (1, 4, 7):
            agrees(book(max, one.id), one, one.pages("/customers"))
    whole(stack, one, value=3000, currency="USD")
    rows = one.pages("/customers")
    assert len(rows) == 10
    agrees(book(max, one.id), one, rows)
    assert book(one) == book(max, one.id)
    assert one.delete("/customers/" + rows[0]["id"], "*").status_code == 200
    agrees(book(one), one, rows[1:])


def test_rich_customers_weigh_more(stack, max):
    one = newcomer(stack, manager=max)
    whole(stack, one, value=999900)
    poor = one.customer(value=100, currency="EUR")
    assert (book(one)["score"], [w["customer_id"] for w in book(one)["worst"]]) == (100, [poor["id"]])
    one.change(poor, value=10 ** 9)
    assert book(one)["score"] == 20
    assert [(m["code"], m["points"]) for m in book(one)["missing"]][0] == ("next_step", 19.98)


def test_the_worst_are_twenty(stack, max):
    one = newcomer(stack, manager=max)
    with contextlib.closing(stack.connect()) as conn, conn.cursor() as q:
        q.execute("""begin; select app.act_as(s.org_id, s.id, 'customers.create') from app.staff s where s.id = %s;
            insert into app.customer (org_id, id, name, stage, owner_id, value, currency, created_at, updated_at)
            select app.org(), app.uuid7(), 'W ' || g, 'new', app.me(), g, 'EUR', now(), now() from generate_series(1, 50) g; commit""", (one.id,))
    doc = book(one)
    assert [w["value"] for w in doc["worst"]] == list(range(50, 30, -1)) and doc["customers"] == 50 and doc["value"] == [{"currency": "EUR", "value": 1275}]
    ledger = Ledger(stack)
    answer = one.get(f"/staff/{one.id}/completeness")
    assert shown(ledger, one, answer, [w["customer_id"] for w in doc["worst"]], "completeness", masked=True) == "base money"


def test_who_may_know(stack, ada, axel, max, nina, olga, omar, nobody):
    rita = newcomer(stack, manager=max)     # nothing of hers is in a segment that she does not work in
    for value in (None, 5):
        rita.customer(value=value, currency=value and "EUR")
    mine = book(rita)
    assert mine["customers"] == len(rita.pages("/customers")) == 2
    for who in (ada, axel, max):
        doc = book(who, rita.id)
        assert doc == mine
    for who in (nina, olga, omar):
        problem(who.get(f"/staff/{rita.id}/completeness"), 403, "forbidden")
        problem(who.get(f"/staff/{MISSING}/completeness"), 404, "not_found")
    problem(axel.get(f"/staff/{other_org(stack).id}/completeness"), 404, "not_found")
    problem(nobody.get(f"/staff/{rita.id}/completeness"), 401)
    problem(rita.get(f"/staff/{max.id}/completeness"), 403, "forbidden")


def test_it_holds_what_the_caller_sees(stack):
    """What lies in a segment that he does not work in is not in his own sums, but in those of the one above him."""
    firm = Firm(stack)
    c = firm.rep.customer(value=5, currency="EUR", notes="n")
    assert firm.boss.patch("/customers/" + c["id"], {"stage": "proposal"}, "*").status_code == 200
    assert (book(firm.rep)["customers"], book(firm.north, firm.rep.id)["customers"]) == (0, 1)
    assert firm.boss.patch("/customers/" + c["id"], {"owner_id": firm.nan.id}, "*").status_code == 200
    assert (book(firm.nan)["value"], book(firm.nan)["worst"][0]["value"]) == ([{"currency": "EUR", "value": 5}], 5)
    assert firm.rep.customer()["stage"] == "new"
    with hides(firm.boss, prospecting=["value", "notes"]):
        assert (book(firm.nan)["value"], book(firm.nan)["worst"][0]["value"]) == ([], None) and "notes" in book(firm.nan)["worst"][0]["missing"]
        assert book(firm.north, firm.nan.id)["value"] == [{"currency": "EUR", "value": 5}]
