"""test_offers.py -- what was offered at which price: drafts, their lines and totals, numbers, lists. What is sent: test_offers_sent.py."""
import concurrent.futures
import decimal
import random
import uuid

import pytest

from holdfast import problem
from offering import LINE, MEMBERS, ago, ask, change, day, did, offer, path, read, rows, sent, total
from people import MISSING, faceless, newcomer
from restoring import moment
from works import hides, settings

decimal.getcontext().prec = 60


@pytest.fixture
def customer(rita):
    return rita.customer(stage="contacted", currency="EUR")


def test_a_draft(rita, max, customer, stack):
    contact = rita.post("/contacts", {"customer_id": customer["id"], "name": "Eva"}).json()["id"]
    deal = rita.post("/deals", {"customer_id": customer["id"], "title": "Big"}).json()["id"]
    o = offer(rita, customer, contact_id=contact, deal_id=deal, title="Annual supply", valid_until="2029-02-28", notes="By\nmail.")
    assert list(o) == MEMBERS
    assert (o["status"], o["revision"], o["currency"], o["net"], o["tax"], o["gross"]) == ("draft", 1, "EUR", 125000, 23750, 148750)
    assert (o["contact_id"], o["deal_id"], o["title"], o["valid_until"], o["notes"]) == (contact, deal, "Annual supply", "2029-02-28", "By\nmail.")
    assert [o[k] for k in ("promised_by", "promised_by_name", "sent_at", "decided_at", "superseded_at", "reason", "valid_from", "valid_to", "archived_at")] == [None] * 9
    assert o["number"][:5] == day(stack)[:5] and len(o["number"]) == 9
    assert o["revisions"] == [{k: o[k] for k in ("id", "revision", "status", "gross", "currency", "sent_at", "valid_from", "valid_to", "valid_until", "archived_at")}]
    got = rita.get(path(o))
    assert got.json() == o and got.headers["ETag"] == '"v1"'
    assert rita.get(path(o), headers={"If-None-Match": '"v1"'}).status_code == 304
    seen = stack.sql("select classes from app.disclosure d where %s::uuid = any(d.customer_ids) order by d.id desc limit 1", customer["id"])
    assert "money" in seen[0][0]
    o2 = change(max, o, lines=[dict(LINE, quantity=1.5), {"description": "x", "quantity": 1, "unit_price": 1}], currency="JPY", contact_id=None).json()
    assert (o2["net"], o2["tax"], o2["gross"], o2["currency"], o2["contact_id"], o2["version"]) == (1876, 356, 2232, "JPY", None, 2)
    assert o2["lines"] == [dict(LINE, quantity=1.5), {"description": "x", "quantity": 1, "unit_price": 1, "discount": 0, "tax": 0}]
    assert read(rita, o, as_of=o["created_at"]) == o
    problem(rita.patch(path(o), {"title": "x"}, '"v1"'), 412, "version_mismatch")
    problem(rita.patch(path(o), {"title": "x"}), 428, "precondition_required")
    gone = did(rita, o, "archive")
    assert gone["archived_at"] is not None and gone["revisions"][0]["archived_at"] == gone["archived_at"]
    problem(ask(rita, o, "change"), 409, "archived")
    assert {r["field"] for r in rita.get("/history", record=o["id"]).json()["data"]} == {None, "lines", "currency", "contact_id", "archived_at"}


def test_what_is_written_in_another_way_is_no_change(rita, customer):
    o = offer(rita, customer, lines=[{"description": "x", "quantity": 2, "unit_price": 100, "tax": 7.5}])
    for text in ('{"quantity": 2.0, "description": "x", "unit_price": 100, "tax": 7.50, "discount": 0.00}', '{"description": "x", "quantity": 0.2e1, "unit_price": 100, "tax": 75e-1}'):
        answer = rita.request("PATCH", path(o), data='{"lines": [%s]}' % text, headers={"If-Match": '"v1"', "Content-Type": "application/json"})
        assert answer.status_code == 200 and answer.json() == o, answer.text
    assert change(rita, o, title="y").json()["version"] == 2


def test_currency(rita, nina, ada, customer, stack):
    bare = rita.customer()
    problem(rita.post("/offers", {"customer_id": bare["id"], "lines": [LINE]}), 422, "invalid_value", "/currency")
    assert offer(rita, bare, currency="JPY")["currency"] == "JPY"
    assert offer(rita, customer, currency="USD")["currency"] == "USD"
    with hides(ada, prospecting=["currency"]):
        assert rita.post(f"/customers/{customer['id']}/stage", {"stage": "proposal", "owner_id": nina.id}).status_code == 200
        problem(nina.post("/offers", {"customer_id": customer["id"]}), 422, "invalid_value", "/currency")   # its customer's is not for her


def test_totals_against_decimals(rita, customer):
    """Rounded once, exactly: also where a quotient's own places would have rounded 0.49999996 up first."""
    dice = random.Random(20261122)
    def places(most, n):
        return round(dice.randint(0, most * 10 ** n) / 10 ** n, n)
    def line():
        big = dice.random() < 0.3
        return {"description": "x", "quantity": max(places(*dice.choice([(9, 4), (99, 2), (20, 0)])), 0.0001), "unit_price": dice.randint(0, 10 ** 12 if big else 10 ** dice.randint(1, 7)),
                "discount": dice.choice([0, 0, places(100, 2), 12.5]), "tax": dice.choice([0, 7, 19, 5.5, places(100, 2)])}
    def edge():
        """A line whose amount ends in .49999950 to .49999999 and is large."""
        while True:
            n, m = dice.randint(10 ** 4, 9 * 10 ** 4), dice.randint(1, 9999)
            if (n * (10000 - m)) % 2 and (n * (10000 - m)) % 5:
                p = dice.randint(49999950, 49999999) * pow(n * (10000 - m), -1, 10 ** 8) % 10 ** 8 + 9000 * 10 ** 8
                return {"description": "x", "quantity": n / 10 ** 4, "unit_price": p, "discount": m / 100, "tax": 0}
    def taxed():
        """One whose tax ends in .4950 to .4999, of a net of fifteen digits."""
        while True:
            r = dice.randint(1, 2000)
            if r % 2 and r % 5:
                net = dice.randint(4950, 4999) * pow(r, -1, 10 ** 4) % 10 ** 4 + 9 * 10 ** 11
                return {"description": "x", "quantity": 1, "unit_price": net, "discount": 0, "tax": r / 100}
    for n in range(240):
        lines = [edge()] if n % 4 == 0 else [taxed()] if n % 4 == 1 else [line() for _ in range(dice.randint(0, 12))]
        o = offer(rita, customer, lines=lines, currency=dice.choice(["EUR", "JPY"]))
        assert (o["net"], o["tax"], o["gross"]) == total(lines), lines
        assert o["lines"] == lines


LINES = "/lines/0/"


@pytest.mark.parametrize("wrong, pointer, why", [
    ({"quantity": 0}, "quantity", "range"), ({"quantity": -1}, "quantity", "range"), ({"quantity": 1000000.0001}, "quantity", "range"), ({"quantity": 0.00001}, "quantity", "places"),
    ({"quantity": "1"}, "quantity", "type"), ({"quantity": None}, "quantity", "required"), ({"unit_price": -1}, "unit_price", "range"), ({"unit_price": 10 ** 12 + 1}, "unit_price", "range"),
    ({"unit_price": 1.5}, "unit_price", "type"), ({"discount": -0.01}, "discount", "range"), ({"discount": 100.01}, "discount", "range"), ({"discount": 1.001}, "discount", "places"),
    ({"discount": None}, "discount", "required"), ({"tax": 101}, "tax", "range"), ({"tax": 0.005}, "tax", "places"), ({"description": ""}, "description", "length"),
    ({"description": "  "}, "description", "length"), ({"description": "x" * 501}, "description", "length"), ({"description": "a\x01"}, "description", "characters")])
def test_bad_lines(rita, customer, stack, wrong, pointer, why):
    o, before = offer(rita, customer), rows(stack, customer)
    lines = [dict(LINE, **wrong)]
    for answer in (rita.post("/offers", {"customer_id": customer["id"], "lines": lines}), change(rita, o, lines=lines)):
        body = problem(answer, 422, "invalid_value", LINES + pointer)
        assert [e["code"] for e in body["errors"]] == [why]
    problem(change(rita, o, lines=[LINE] * 3 + lines), 422, "invalid_value", "/lines/3/" + pointer)
    assert [rows(stack, customer)[0]] == before[:1] and len(rows(stack, customer)) == 1


@pytest.mark.parametrize("wrong, status, pointer", [
    ({"currency": "EUX"}, 422, "/currency"), ({"currency": None}, 422, "/currency"), ({"lines": None}, 422, "/lines"), ({"lines": {}}, 422, "/lines"), ({"lines": [1]}, 422, "/lines/0"),
    ({"lines": [{}]}, 422, "/lines/0/quantity"), ({"lines": [dict(LINE, colour="red")]}, 400, "/lines/0/colour"), ({"lines": [LINE] * 201}, 422, "/lines"),
    ({"lines": [dict(LINE, quantity=10 ** 6, unit_price=10 ** 12)]}, 422, "/lines"), ({"valid_until": "2027-02-29"}, 422, "/valid_until"), ({"valid_until": "3000-01-01"}, 422, "/valid_until"),
    ({"contact_id": MISSING}, 422, "/contact_id"), ({"deal_id": MISSING}, 422, "/deal_id"), ({"title": ""}, 422, "/title"), ({"title": "x" * 201}, 422, "/title"), ({"number": "2026-0001"}, 400, "/number"),
    ({"status": "sent"}, 400, "/status"), ({"revision": 2}, 400, "/revision"), ({"gross": 1}, 400, "/gross"), ({"promised_by": MISSING}, 400, "/promised_by"), ({"sent_at": None}, 400, "/sent_at")])
def test_bad_values(rita, customer, stack, wrong, status, pointer):
    o, before = offer(rita, customer), stack.sql("select count(*), (select to_jsonb(array_agg(c)) from app.offer_counter c) from app.offer")
    problem(rita.post("/offers", dict({"customer_id": customer["id"]}, **wrong)), status, pointer=pointer)
    problem(change(rita, o, **wrong), status, pointer=pointer)
    assert stack.sql("select count(*), (select to_jsonb(array_agg(c)) from app.offer_counter c) from app.offer") == before, "a refused one takes no number"


def test_a_thousand_lines(rita, customer):
    short = {"description": "x", "quantity": 1, "unit_price": 1}
    for n in (201, 1000):
        body = problem(rita.post("/offers", {"customer_id": customer["id"], "lines": [short] * n}), 422, "invalid_value", "/lines")
        assert body["errors"][0]["code"] == "count"
    problem(rita.post("/offers", {"customer_id": customer["id"], "lines": [dict(short, description="x" * 100)] * 1000}), 413, "body_too_large")
    assert len(offer(rita, customer, lines=[short] * 200)["lines"]) == 200


def test_whose(rita, nina, omar, olga, max, axel, ada, customer, stack):
    o, d = sent(rita, customer), offer(rita, customer)
    for who in (nina, omar, olga):
        assert faceless(who.get(path(o))) == faceless(who.get(path(MISSING)))
        for word in ("change", "archive", "send", "revise", "accept", "decline"):
            assert faceless(ask(who, d, word)) == faceless(ask(who, MISSING, word))
            assert faceless(ask(who, d, word))[0] == 404
        problem(who.post("/offers", {"customer_id": customer["id"]}), 404, "not_found")
        assert who.get("/offers", customer=customer["id"]).json()["data"] == []
    assert read(axel, o)["gross"] == o["gross"]
    for word in ("change", "archive", "send", "revise", "accept", "decline"):
        problem(ask(axel, d, word), 403, "forbidden")
    problem(axel.post("/offers", {"customer_id": customer["id"], "lines": [LINE]}), 403, "forbidden")
    with settings(ada, visibility="team"):
        mate = newcomer(stack, manager=max)
        assert read(mate, o)["gross"] == o["gross"]
        for word in ("change", "archive", "send", "revise", "accept", "decline"):
            problem(ask(mate, d, word), 403, "forbidden")
        problem(mate.post("/offers", {"customer_id": customer["id"], "lines": [LINE]}), 403, "forbidden")
    assert did(max, d, "send")["promised_by"] == max.id
    assert read(rita, d)["promised_by_name"] == "Max Manager"


def test_a_hidden_kind_is_missing(rita, nina, ada, customer):
    o, d = sent(rita, customer), offer(rita, customer)
    with hides(ada, prospecting=["offers"]):
        assert rita.post(f"/customers/{customer['id']}/stage", {"stage": "proposal", "owner_id": nina.id}).status_code == 200
        assert faceless(nina.get(path(o))) == faceless(nina.get(path(MISSING)))
        for word in ("change", "archive", "send", "revise", "accept", "decline"):
            assert faceless(ask(nina, d, word)) == faceless(ask(nina, MISSING, word))
        assert nina.get("/offers", customer=customer["id"], count="exact").json() == {"data": [], "next": None, "count": 0}
        assert nina.get("/history", record=o["id"]).json()["data"] == []
        problem(nina.post("/offers", {"customer_id": customer["id"], "lines": [LINE]}), 403, "forbidden")
    assert did(nina, d, "send")["promised_by"] == nina.id


def test_a_hidden_contact_is_not_offered_to_anew(rita, nina, ada, customer):
    contact = rita.post("/contacts", {"customer_id": customer["id"], "name": "Eva"}).json()["id"]
    o = sent(rita, customer, contact_id=contact)
    with hides(ada, prospecting=["contacts"]):
        assert rita.post(f"/customers/{customer['id']}/stage", {"stage": "proposal", "owner_id": nina.id}).status_code == 200
        assert did(nina, o, "revise")["contact_id"] is None
    problem(rita.post("/offers", {"customer_id": rita.customer(currency="EUR")["id"], "contact_id": contact}), 422, "invalid_value", "/contact_id")   # another customer's


def test_archived_customer(rita, max, customer):
    o, d = sent(rita, customer), offer(rita, customer)
    assert rita.delete("/customers/" + customer["id"], "*").status_code == 200
    assert {r["id"] for r in rita.get("/offers", customer=customer["id"], archived="true").json()["data"]} == {o["id"], d["id"]}
    problem(rita.post("/offers", {"customer_id": customer["id"]}), 409, "archived")
    for one in (o, d):
        for word in ("change", "archive", "send", "revise", "accept", "decline"):
            problem(ask(rita, one, word), 409, "archived")
    back = max.post("/restores", {"scope": {"entity": "offers", "id": d["id"], "field": "archived_at", "as_of": d["updated_at"]}, "reason": "x"})
    assert (back.json()["restored"], [k["why"] for k in back.json()["conflicts"]]) == (0, ["customer_archived"])
    for word in ("change", "send"):
        problem(ask(rita, d, word), 409, "archived")   # its customer still is


def test_idempotent_and_own_ids(rita, customer):
    key, body = {"Idempotency-Key": uuid.uuid4().hex}, {"id": str(uuid.uuid4()), "customer_id": customer["id"], "lines": [LINE]}
    first, again = rita.post("/offers", body, key), rita.post("/offers", body, key)
    assert first.status_code == again.status_code == 201 and first.json() == again.json() and first.json()["id"] == body["id"]
    problem(rita.post("/offers", dict(body, title="x"), key), 422, "key_reused")
    problem(rita.post("/offers", body), 409, "already_exists")
    o, other = first.json(), offer(rita, customer)
    for word, extra in (("send", {}), ("revise", {"title": "Two"}), ("decline", {"reason": "x"}), ("accept", {})):
        one, two = (o, other) if word != "accept" else (sent(rita, customer), sent(rita, customer))
        first, again = (rita.post(path(one, word), extra, key) for _ in range(2))
        assert first.status_code == again.status_code == (201 if word == "revise" else 200), first.text
        assert first.json() == again.json() and first.headers.get("Location") == again.headers.get("Location")
        problem(rita.post(path(two, word), extra, key), 422, "key_reused")
        assert len(rita.get("/offers", number=one["number"]).json()["data"]) == (1 if word in ("send", "accept") else 2)


def test_numbers_without_gaps(rita, stack):
    many = [rita.customer(currency="EUR") for _ in range(4)] * 4
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        numbers = sorted(int(o["number"][5:]) for o in pool.map(lambda c: offer(rita, c), many))
    assert numbers == list(range(numbers[0], numbers[0] + 16))
    assert offer(rita, many[0])["number"] == day(stack)[:5] + f"{numbers[-1] + 1:04}"


def test_lists(rita, max, omar, stack):
    c = rita.customer(currency="EUR")
    deal = rita.post("/deals", {"customer_id": c["id"], "title": "Big"}).json()["id"]
    contact = rita.post("/contacts", {"customer_id": c["id"], "name": "Eva"}).json()["id"]
    line = {"description": "x", "quantity": 1, "unit_price": 100}
    made = [offer(rita, c, title=str(n), lines=[dict(line, quantity=9 - n)], valid_until=f"2029-01-{10 + n}" if n else None, currency="USD" if n == 5 else "EUR",
                  deal_id=deal if n in (1, 2) else None, contact_id=contact if n == 3 else None) for n in range(6)]
    with ago(stack, 5):
        expired = sent(rita, c, title="6", valid_until=day(stack, 2), lines=[dict(line, quantity=3)])
    for n, word in ((1, "accept"), (2, "decline"), (3, None)):
        did(rita, made[n], "send")
        if word:
            did(rita, made[n], word)
    next_ = did(rita, made[3], "revise", title="7")
    def titles(**filter):
        return "".join(o["title"] for o in rita.pages("/offers", customer=c["id"], limit=2, **filter))
    assert titles(sort="number") == "01237456" and titles(sort="-number") == "65473210"
    assert titles(sort="gross,-number") == "65473210" and titles(sort="-gross,number") == "01237456"
    assert titles(sort="valid_until,number") == "61237450"   # the undated one last
    assert titles(sort="-created_at") == "75432106" and titles()[:1] == "7"
    assert titles(sort="number", status="draft") == "0745" and titles(status="expired") == "6" and titles(status="sent") == "3"
    assert titles(sort="number", status="accepted,declined") == "12"
    assert titles(sort="number", gross_min=500, gross_max=700) == "2374" and titles(currency="USD") == "5"
    assert titles(sort="number", deal=deal) == "12" and titles(sort="number", contact=contact) == "37" and titles(sort="number", number=made[3]["number"]) == "37"
    assert titles(sort="number", valid_at=moment(stack)) == "13"
    assert titles(valid_at=expired["valid_from"]) == "6" and titles(valid_at=expired["valid_to"]) == ""
    assert rita.get("/offers", customer=c["id"], count="exact", limit=1).json()["count"] == 8
    picked = rita.get("/offers", number=next_["number"], fields="id,status").json()["data"]
    assert all(set(o) <= {"id", "status", "masked"} for o in picked) and len(picked) == 2
    ids = {o["id"] for o in made}
    assert ids <= {o["id"] for o in max.pages("/offers", limit=200)} and not ids & {o["id"] for o in omar.pages("/offers", limit=200)}
    stack.sql("update app.offer_counter set last = 9999 where org_id = (select org_id from app.login where email = 'ada@demo.test')")
    assert [o["number"][4:] for o in (offer(rita, c, title="8"), )] == ["-10000"] and titles(sort="-number")[0] == "8"


def test_the_tag_knows_of_other_revisions(rita, customer):
    o = sent(rita, customer)
    tag = rita.get(path(o)).headers["ETag"]
    d = did(rita, o, "revise")
    assert rita.get(path(o), headers={"If-None-Match": tag}).status_code == 200
    tags = [rita.get(path(x)).headers["ETag"] for x in (o, d)]
    assert [rita.get(path(x), headers={"If-None-Match": t}).status_code for x, t in zip((o, d), tags)] == [304, 304]
    did(rita, o, "decline")
    assert rita.get(path(d), headers={"If-None-Match": tags[1]}).status_code == 200
    assert rita.patch(path(d), {"title": "x"}, tags[1]).status_code == 200, "that changed nothing of the draft"
    body = problem(rita.patch(path(d), {"title": "y"}, tags[1]), 412, "version_mismatch")
    assert [c["field"] for c in body["conflicts"]] == ["title"]
    problem(rita.request("POST", path(d, "send"), json={}, headers={"If-Match": tags[1]}), 412, "version_mismatch")
    assert rita.request("POST", path(d, "send"), json={}, headers={"If-Match": rita.get(path(d)).headers["ETag"]}).status_code == 200
