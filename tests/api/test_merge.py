"""test_merge.py -- one customer made of two."""
import uuid

import pytest

from holdfast import problem
from merging import KINDS, add, furnished, merge, merged, of, state
from people import MISSING, faceless, newcomer, other_org
from restoring import read
from works import settings


def test_everything_moves(rita, max, stack):
    s, o = furnished(rita), furnished(rita)
    before = {k: {r["id"] for c in (s, o) for r in of(rita, c, k) + of(rita, c, k, archived="true")} for k in KINDS}
    primary = next(k["id"] for k in of(rita, s, "contacts") if k["is_primary"])
    answer = merge(max, s, o)
    assert answer.status_code == 200 and answer.headers["X-Classification"]
    assert answer.headers["ETag"] == max.get("/customers/" + s["id"]).headers["ETag"] and answer.json() == read(max, s)
    made = None
    for kind in KINDS:
        here = of(rita, s, kind) + of(rita, s, kind, archived="true")
        assert of(rita, o, kind) == of(rita, o, kind, archived="true") == []
        if kind == "contacts":
            (made,) = [k for k in here if k["id"] not in before[kind]]
            assert [k["id"] for k in here if k["is_primary"]] == [primary]
            assert not any(r["field"] == "is_primary" for r in rita.pages("/history", record=primary)), "it never was another one"
        assert {r["id"] for r in here} - ({made["id"]} if kind == "contacts" else set()) == before[kind]
    k = rita.get("/contacts/" + made["id"]).json()
    assert (k["name"], k["email"], k["phone"], k["is_primary"]) == (o["name"], o["email"], o["phone"], False)
    gone = read(rita, o)
    assert gone["archived_at"] is not None and o["id"] not in [r["id"] for r in rita.pages("/customers", limit=200)]
    rows = rita.pages(f"/customers/{o['id']}/history")
    assert {(r["field"], r["new"]) for r in rows if r["field"] == "merged_into"} == {("merged_into", s["id"])}
    operation = max.get("/operations/" + rows[0]["operation_id"]).json()
    assert (operation["action"], operation["reason"], operation["actor_id"]) == ("customers.merge", "The same firm.", max.id)
    problem(rita.patch("/customers/" + o["id"], {"city": "Ulm"}, "*"), 409, "archived")


def test_what_the_survivor_lacks_it_takes(rita, max):
    s = rita.customer(name="S", email="s@merge.example", tags=["a", "b"], custom={"k": 1, "s": 1}, city="Bonn", notes="First.")
    o = rita.customer(name="O", phone="030 1234567", country="DE", website="w", address="a", city="Ulm", region="r", postal_code="p", source="web", value=5, currency="EUR",
                      notes="Second.", tags=["b", "c"], custom={"k": 2, "o": 2})
    after = merged(max, s, o)
    assert {k: after[k] for k in ("name", "email", "phone", "phone_e164", "country", "website", "address", "city", "region", "postal_code", "source", "value", "currency", "notes", "tags", "custom")} == {
        "name": "S", "email": "s@merge.example", "phone": "030 1234567", "phone_e164": "+49301234567", "country": "DE", "website": "w", "address": "a", "city": "Bonn", "region": "r",
        "postal_code": "p", "source": "web", "value": 5, "currency": "EUR", "notes": "First.\n\nSecond.", "tags": ["a", "b", "c"], "custom": {"k": 1, "s": 1, "o": 2}}
    assert of(rita, s, "contacts") == [] == of(rita, s, "activities")


@pytest.mark.parametrize("s, o, due", [
    ({"value": 1}, {"value": 2, "currency": "EUR"}, {"value": 1, "currency": None}), ({"currency": "USD"}, {"value": 2, "currency": "EUR"}, {"value": None, "currency": "USD"}),
    ({}, {"value": 2}, {"value": 2, "currency": None}), ({"notes": "n"}, {"notes": "n"}, {"notes": "n"}), ({"notes": "n"}, {}, {"notes": "n"}), ({}, {"notes": "n"}, {"notes": "n"}),
    ({"country": "AT"}, {"country": "DE", "phone": "030 1234567"}, {"phone": "+49301234567", "phone_e164": "+49301234567"}),
    ({"tags": [f"s{i}" for i in range(40)]}, {"tags": [f"o{i}" for i in range(40)]}, {"tags": [f"s{i}" for i in range(40)] + [f"o{i}" for i in range(10)]}),
    ({"custom": {"k": "v" * 9000}}, {"custom": {"o": "v" * 9000}}, {"custom": {"k": "v" * 9000}})])
def test_fields(rita, max, s, o, due):
    after = merged(max, rita.customer(**s), rita.customer(**o))
    assert {k: after[k] for k in due} == due


def test_notes_that_do_not_fit_become_an_activity(rita, max):
    s, o = rita.customer(notes="s" * 9000), rita.customer(name="Other", notes="o" * 1000)
    after = merged(max, s, o)
    (a,) = of(rita, s, "activities")
    assert after["notes"] == "s" * 9000 and (a["kind"], a["subject"], a["body"], a["author_id"]) == ("note", "Notes of Other", "o" * 1000, max.id)


def test_numbers_keep_their_country(rita, max):
    s, o = rita.customer(country="AT", phone="+43 1 999999"), rita.customer(name="O", country="DE", phone="030 1234567")
    add(rita, o, "contacts", name="Eva", phone="040 7654321")
    merged(max, s, o)
    assert sorted((k["name"], k["phone_e164"]) for k in [rita.get("/contacts/" + k["id"]).json() for k in of(rita, s, "contacts")]) == [("Eva", "+49407654321"), ("O", "+49301234567")]


def test_the_contact_is_made_of_what_differs(rita, max):
    same = {"email": "Same@merge.example"}
    for s, o, due in ((dict(same, phone="+49 30 111111"), {"email": "same@merge.example", "phone": "+49-30-111111"}, []),
                      (dict(same, phone="+49 30 111111"), dict(same, phone="+49 30 222222"), [(None, "+49 30 222222")]), ({}, dict(same, phone="+49 30 222222"), [])):
        s, o = rita.customer(**s), rita.customer(**o)
        merged(max, s, o)
        assert [(k["email"], k["phone"]) for k in [rita.get("/contacts/" + k["id"]).json() for k in of(rita, s, "contacts")]] == due
    s, o = rita.customer(email="one@merge.example"), rita.customer(email="two@merge.example")
    add(rita, o, "contacts", name="Eva", email="two@merge.example")
    merged(max, s, o)
    assert [k["name"] for k in of(rita, s, "contacts")] == ["Eva"], "who has it already"


def test_values_of_before_they_were_checked_are_taken_too(rita, max, stack):
    for phone in (None, "+49 30 111111"):
        s, o = rita.customer(phone=phone), rita.customer()
        stack.sql("select app.act_as(org_id, id, 'x', 'restore') from app.staff where id = %s; update app.customer set phone = 'ask Eva', email = 'eva' || chr(64) || 'nowhere' where id = %s",
                  rita.id, o["id"])
        after = merged(max, s, o)
        kept = [after] if phone is None else [rita.get("/contacts/" + k["id"]).json() for k in of(rita, s, "contacts")]
        assert "ask Eva" in [k["phone"] for k in kept] and after["email"] == "eva@nowhere"


def test_the_primary_contact_of_the_other_stays_where_there_is_none(rita, max):
    s, o = rita.customer(), rita.customer()
    k = add(rita, o, "contacts")
    merged(max, s, o)
    assert [(r["id"], r["is_primary"]) for r in of(rita, s, "contacts")] == [(k["id"], True)]


def test_refusals(rita, nina, max, olga, omar, ada, axel, stack):
    s, o, hers, far = rita.customer(), rita.customer(), nina.customer(), omar.customer()
    otto = other_org(stack)
    foreign = otto.customer()
    before = state(stack, s, o, hers, far, foreign)
    path = f"/customers/{s['id']}/merge"
    for who in (rita, axel):
        problem(merge(who, s, o), 403, "forbidden")
    hidden = merge(max, far, o)
    problem(hidden, 404, "not_found")
    assert faceless(hidden) == faceless(merge(max, {"id": MISSING}, o)) == faceless(merge(max, foreign, o)) == faceless(merge(rita, far, o))
    faces = [faceless(merge(max, s, other)) for other in (far, foreign, {"id": MISSING})]
    assert faces[0] == faces[1] == faces[2] and faces[0][0] == 422
    problem(merge(max, s, far), 422, "invalid_value", "/other")
    problem(merge(max, s, s), 422, "invalid_value", "/other")
    for body, pointer in (({"other": o["id"]}, "/reason"), ({"reason": "x"}, "/other"), ({"other": None, "reason": "x"}, "/other"), ({"other": "x", "reason": "x"}, "/other"),
                          ({"other": o["id"], "reason": ""}, "/reason"), ({"other": o["id"], "reason": "x" * 1001}, "/reason")):
        problem(max.post(path, body), 422, "invalid_value", pointer)
    problem(max.post(path, {"other": o["id"], "reason": "x", "more": 1}), 400)
    with settings(ada, visibility="open"):
        problem(merge(max, far, o), 403, "forbidden")
        problem(merge(max, s, far), 403, "forbidden", "/other")
        problem(merge(nina, s, o), 403, "forbidden")
    assert state(stack, s, o, hers, far, foreign) == before
    gone = rita.customer()
    assert rita.delete("/customers/" + gone["id"], '"v1"').status_code == 200
    problem(merge(max, s, gone), 409, "archived", "/other")
    problem(merge(max, gone, s), 409, "archived")
    merged(max, s, hers)
    problem(merge(max, s, hers), 409, "archived", "/other")
    problem(merge(max, hers, o), 409, "archived")
    assert merge(ada, far, s).status_code == 200, "an admin merges across teams"


def test_a_repetition_merges_once(rita, max, stack):
    s, o = furnished(rita), furnished(rita)
    key = {"Idempotency-Key": "merge-" + uuid.uuid4().hex}
    first = merge(max, s, o, key)
    before = state(stack, s, o)
    again = merge(max, s, o, key)
    assert first.status_code == again.status_code == 200 and first.json() == again.json() and state(stack, s, o) == before
    problem(merge(max, s, o, key, reason="Another."), 422, "key_reused")
    problem(merge(max, rita.customer(), o, key), 422, "key_reused")


def test_break_glass_and_filters_find_the_survivor(rita, max, omar):
    s, o = furnished(rita), furnished(rita)
    merged(max, s, o)
    for word in ("email", "phone"):
        for c in (s, o):
            assert [r["id"] for r in rita.get("/customers", **{word: c[word]}).json()["data"]] == [s["id"]]
            answer = omar.post("/customers/break-glass", {word: c[word], "reason": "Calls."})
            assert (answer.status_code, answer.json()["id"]) == (200, s["id"])


def test_another_team_is_not_reached(stack):
    """A manager whose people have one of them alone."""
    boss = other_org(stack)
    north, south = (newcomer(stack, "manager", boss, ()) for _ in range(2))
    one, two = newcomer(stack, manager=north), newcomer(stack, manager=south)
    s, o = one.customer(), two.customer()
    problem(merge(north, s, o), 422, "invalid_value", "/other")
    problem(merge(south, s, o), 404)
    assert merge(boss, s, o).status_code == 200
