"""test_merge.py -- one customer made of two, and split again by a restore."""
import itertools
import uuid

import pytest

from holdfast import problem
from people import MISSING, faceless, newcomer, other_org
from restoring import last_operation, read, restore, undo
from works import hides, settings

numbers = itertools.count(730000)
KINDS = ("contacts", "deals", "activities", "offers")
LINES = [{"description": "Pumps", "quantity": 2, "unit_price": 5000, "discount": 0, "tax": 19}]


def merge(client, s, o, headers=None, **more):
    return client.post(f"/customers/{s['id']}/merge", dict({"other": o["id"], "reason": "The same firm."}, **more), headers)


def merged(client, s, o):
    answer = merge(client, s, o)
    assert answer.status_code == 200, answer.text
    return answer.json()


def add(client, customer, kind, **fields):
    body = dict({"contacts": {"name": "Eva"}, "deals": {"title": "Pumps"}, "activities": {"kind": "note"}, "offers": {"currency": "EUR", "lines": LINES}}[kind], **fields)
    answer = client.post("/" + kind, dict(body, customer_id=customer["id"]))
    assert answer.status_code == 201, answer.text
    return answer.json()


def of(client, customer, kind, **filter):
    return client.pages("/" + kind, customer=customer["id"] if isinstance(customer, dict) else customer, **filter)


def furnished(client, **fields):
    """A customer with something of each kind: a deal, its contact, a call about both, an offer that was sent, and archived ones."""
    n = next(numbers)
    c = client.customer(**dict({"name": f"Merge {n}", "email": f"m{n}@merge.example", "phone": f"+49 30 8{n}"}, **fields))
    k = add(client, c, "contacts", name=f"Eva {n}", email=f"eva{n}@merge.example", phone=f"+49 40 8{n}")
    add(client, c, "contacts", name="Bob")
    d = add(client, c, "deals", amount=5, currency="EUR")
    add(client, c, "activities", contact_id=k["id"], deal_id=d["id"], body="Promised pumps.", next_step="Send them.")
    o = add(client, c, "offers", contact_id=k["id"], deal_id=d["id"])
    assert client.post(f"/offers/{o['id']}/send", {}, {"If-Match": client.get("/offers/" + o["id"]).headers["ETag"]}).status_code == 200
    old = add(client, c, "contacts", name="Gone")
    assert client.delete("/contacts/" + old["id"], '"v1"').status_code == 200
    return c


def state(stack, *customers):
    """All that is kept of customers and what belongs to them, but for what every change moves and what a restore leaves apart."""
    return stack.sql("""select 'customers', to_jsonb(t) - '{version,updated_at,worked_in,brought}'::text[] from app.customer t where id = any(%(c)s::uuid[])
        union all select 'contacts', to_jsonb(t) - '{version,updated_at}'::text[] from app.contact t where customer_id = any(%(c)s::uuid[])
        union all select 'deals', to_jsonb(t) - '{version,updated_at}'::text[] from app.deal t where customer_id = any(%(c)s::uuid[])
        union all select 'activities', to_jsonb(t) - '{version,updated_at}'::text[] from app.activity t where customer_id = any(%(c)s::uuid[])
        union all select 'offers', to_jsonb(t) - '{version,updated_at}'::text[] from app.offer t where customer_id = any(%(c)s::uuid[])
        order by 1, 2""".replace("%(c)s", "%s"), *([[c["id"] for c in customers]] * 5))


def segments(stack, customer):
    return [sorted(g) for g in stack.sql("select worked_in, brought from app.customer where id = %s", customer["id"])[0]]


def test_everything_moves(rita, max, stack):
    s, o = furnished(rita), furnished(rita)
    before = {k: {r["id"] for c in (s, o) for r in of(rita, c, k) + of(rita, c, k, archived="true")} for k in KINDS}
    answer = merge(max, s, o)
    assert answer.status_code == 200 and answer.headers["X-Classification"]
    assert answer.headers["ETag"] == max.get("/customers/" + s["id"]).headers["ETag"] and answer.json() == read(max, s)
    made = None
    for kind in KINDS:
        here = of(rita, s, kind) + of(rita, s, kind, archived="true")
        assert of(rita, o, kind) == of(rita, o, kind, archived="true") == []
        if kind == "contacts":
            (made,) = [k for k in here if k["id"] not in before[kind]]
            assert [k["name"] for k in here if k["is_primary"]] == [next(k["name"] for k in of(rita, s, kind) if k["id"] in before[kind] and k["is_primary"])]
            assert sum(k["is_primary"] for k in here) == 1
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


def test_undo_splits_them_again_and_its_undo_merges(rita, nina, max, stack):
    s, o = furnished(rita, notes="S.", city="Bonn", tags=["a"], custom={"k": 1}, country="DE"), furnished(nina, notes="O.", city="Ulm", tags=["b"], value=5, currency="EUR", country="AT")
    before = state(stack, s, o)
    merged(max, s, o)
    operation = last_operation(max, o)
    together = state(stack, s, o)
    done = undo(max, operation)
    assert (done["conflicts"], done["outside"]) == ([], 0)
    made = [r[1]["id"] for r in together if r[0] == "contacts" and r[1]["name"] == o["name"]]
    apart = state(stack, s, o)
    assert [r for r in apart if r[1]["id"] not in made] == before
    (k,) = [r[1] for r in apart if r[1]["id"] in made]
    assert k["archived_at"] is not None and read(nina, o)["archived_at"] is None and len(made) == 1
    assert [k["name"] for k in of(nina, o, "contacts") if k["is_primary"]] == [k["name"] for k in of(nina, o, "contacts") if k["name"].startswith("Eva")]
    assert undo(max, done["operation_id"])["conflicts"] == []
    assert [dict(r[1], archived_at=bool(r[1]["archived_at"])) for r in state(stack, s, o)] == [dict(r[1], archived_at=bool(r[1]["archived_at"])) for r in together]
    again = last_operation(max, o)
    assert undo(max, again)["conflicts"] == [] and [r for r in state(stack, s, o) if r[1]["id"] not in made] == before


def test_later_edits_stay(rita, max):
    s, o = rita.customer(name="S"), rita.customer(name="O", city="Ulm", source="web")
    a, b = add(rita, o, "activities", subject="One"), add(rita, o, "activities", subject="Two")
    merged(max, s, o)
    rita.change(s, city="Bonn")
    etag = rita.get("/activities/" + a["id"]).headers["ETag"]
    assert rita.patch("/activities/" + a["id"], {"subject": "Better"}, etag).status_code == 200
    done = undo(max, last_operation(max, o))
    assert [(c["entity"], c["record_id"], c["field"], c["why"]) for c in done["conflicts"]] == [("customers", s["id"], "city", "changed_since")]
    assert (read(rita, s)["city"], read(rita, s)["source"], read(rita, o)["city"]) == ("Bonn", None, "Ulm")
    assert sorted(r["subject"] for r in of(rita, o, "activities")) == ["Better", "Two"] and b["id"] in [r["id"] for r in of(rita, o, "activities")]


def test_the_other_alone_comes_back_without_what_belonged_to_it(rita, max, stack):
    for scope in ({}, {"field": "archived_at"}):
        s, o = furnished(rita), furnished(rita)
        merged(max, s, o)
        at = stack.sql("select app.time_json(archived_at - interval '1 microsecond') #>> '{}' from app.customer where id = %s", o["id"])[0][0]
        restore(max, dict({"entity": "customers", "id": o["id"], "as_of": at}, **scope))
        assert stack.sql("select archived_at, merged_into from app.customer where id = %s", o["id"]) == [(None, None)]
        assert all(of(rita, o, k) == [] for k in KINDS) and len(of(rita, s, "offers")) == 2
        merged(max, s, o)


def test_one_record_goes_back_to_the_archived_other_and_lives_with_it(rita, max, stack):
    s, o = rita.customer(), rita.customer()
    a = add(rita, o, "activities")
    merged(max, s, o)
    operation = last_operation(max, o)
    change = next(r["id"] for r in max.pages("/history", record=a["id"]) if r["field"] == "customer_id")
    restore(max, {"change": change})
    assert of(rita, s, "activities") == of(rita, o, "activities") == [] and [r["id"] for r in of(rita, o, "activities", archived="true")] == [a["id"]]
    undo(max, operation)
    assert [r["id"] for r in of(rita, o, "activities")] == [a["id"]]


def test_what_is_merged_on_stays_there(rita, max, stack):
    a, b, c = (furnished(rita) for _ in range(3))
    merged(max, b, a)
    first = last_operation(max, a)
    merged(max, c, b)
    done = undo(max, first)
    assert {k["why"] for k in done["conflicts"] if k["field"] == "customer_id"} == {"changed_since"} and read(rita, a)["archived_at"] is None and all(of(rita, a, k) == [] for k in KINDS)
    undo(max, done["operation_id"])
    assert read(rita, a)["archived_at"] is None, "b is gone itself, so a is not merged into it again"
    undo(max, last_operation(max, b))
    assert len(of(rita, b, "offers")) == 2


def test_a_split_does_not_give_to_whom_the_caller_does_not_work_with(rita, nina, max, pia, ada, stack):
    s, o = furnished(rita), furnished(nina)
    merged(max, s, o)
    operation = last_operation(max, o)
    stack.sql("update app.customer set owner_id = %s where id = %s", pia.id, o["id"])
    done = undo(max, operation)
    assert {c["why"] for c in done["conflicts"] if c["field"] == "customer_id"} == {"customer_unfit"} and len(of(rita, s, "offers")) == 2
    undo(ada, operation)
    assert len(of(pia, o, "offers")) == len(of(rita, s, "offers")) == 1


def test_a_merge_is_not_done_again_with_one_that_is_gone(rita, max, stack):
    s, o = furnished(rita), furnished(rita)
    merged(max, s, o)
    done = undo(max, last_operation(max, o))
    assert rita.delete("/customers/" + s["id"], "*").status_code == 200
    before = state(stack, o)
    again = undo(max, done["operation_id"])
    assert {(c["entity"], c["field"]) for c in again["conflicts"] if c["why"] == "customer_unfit"} >= {("customers", "archived_at"), ("customers", "merged_into"), ("offers", "customer_id")}
    assert state(stack, o) == before


def test_break_glass_and_filters_find_the_survivor(rita, max, omar):
    s, o = furnished(rita), furnished(rita)
    merged(max, s, o)
    for word in ("email", "phone"):
        for c in (s, o):
            assert [r["id"] for r in rita.get("/customers", **{word: c[word]}).json()["data"]] == [s["id"]]
            answer = omar.post("/customers/break-glass", {word: c[word], "reason": "Calls."})
            assert (answer.status_code, answer.json()["id"]) == (200, s["id"])


def test_who_has_the_survivor_reads_all_of_its_history(rita, nina, max, stack):
    """Also of what came from a customer whom she does not see, clear as her own."""
    s, o = nina.customer(), rita.customer()
    k = add(rita, o, "contacts", phone="+49 30 1234567")
    assert rita.patch("/contacts/" + k["id"], {"phone": "+49 30 7654321"}, '"v1"').status_code == 200
    a = add(rita, o, "activities", subject="Then")
    merged(max, s, o)
    problem(nina.get("/customers/" + o["id"]), 404)
    problem(nina.get(f"/customers/{o['id']}/history"), 404)
    assert nina.pages("/history", record=o["id"]) == []
    rows = nina.pages("/history", record=k["id"])
    assert [r["field"] for r in rows[::-1]][:2] == [None, "phone"] and "customer_id" in [r["field"] for r in rows]
    with settings(stack.login("ada@demo.test"), contact_masking="off"):
        assert next(r["old"] for r in nina.pages("/history", record=k["id"]) if r["field"] == "phone") == "+49 30 1234567"
    assert next(r["old"] for r in rows if r["field"] == "phone") == "+4 *** ***-**67"
    assert nina.pages("/history", record=a["id"])[-1]["new"]["subject"] == "Then"
    assert nina.get("/activities/" + a["id"], as_of=a["created_at"]).json()["subject"] == "Then"
    undo(max, last_operation(max, o))
    assert len(rita.pages("/history", record=k["id"])) >= 4, "and who has it back reads what was done meanwhile"
    assert nina.get("/activities/" + a["id"]).status_code == 404


def test_what_was_kept_back_stays_kept_back(rita, nina, max, ada, stack):
    """rita's people keep notes, phone numbers and activities to themselves. Merged into nina's they stay so, in history too, and behind the split."""
    s, o = nina.customer(name="S", notes="Open."), rita.customer(name="O", notes="Secret.", city="Ulm")
    k = add(rita, o, "contacts", name="Eva", phone="+49 30 98765434")
    assert rita.patch("/contacts/" + k["id"], {"phone": "+49 30 98765421"}, '"v1"').status_code == 200
    a = add(rita, o, "activities", subject="Secret.")
    with hides(ada, prospecting=["notes", "phone", "activities"]):
        merged(max, s, o)
        for now in ("merged", "split"):
            seen = nina.get("/customers/" + s["id"])
            assert "notes" in seen.json()["masked"] and "Secret" not in seen.text
            for answer in (nina.get("/history", limit=200), nina.get(f"/customers/{s['id']}/history"), nina.get("/history", record=k["id"]),
                           nina.get("/history", record=a["id"]), nina.get("/activities", customer=s["id"]), nina.get("/contacts", customer=s["id"])):
                assert answer.status_code == 200 and not any(w in answer.text for w in ("Secret", "987654")), (now, answer.url)
                assert "limit" in answer.url or not any(w in answer.text for w in ("**34", "**21")), "not even as a mask"
            if now == "merged":
                assert nina.get("/contacts/" + k["id"]).json()["masked"] == ["phone"] and nina.get("/activities/" + a["id"]).status_code == 404
                undo(max, last_operation(max, o))
        assert read(rita, o)["notes"] == "Secret." and read(rita, o)["masked"] == []
        assert segments(stack, s) == [["negotiation", "prospecting"], ["prospecting"]] and segments(stack, o) == [["prospecting"], []]


def test_what_was_written_at_the_survivor_goes_along_with_what_keeps_it_back(rita, nina, max, ada, stack):
    s, o = nina.customer(name="S"), rita.customer(name="O")
    a = add(rita, o, "activities", subject="Hers")
    merged(max, s, o)
    etag = nina.get("/activities/" + a["id"]).headers["ETag"]
    assert max.patch("/activities/" + a["id"], {"subject": "Ours"}, etag).status_code == 200
    undo(max, last_operation(max, o))
    assert segments(stack, o)[0] == ["negotiation", "prospecting"]
    with hides(ada, negotiation=["activities"]):
        assert rita.get("/activities/" + a["id"]).status_code == 404


def test_a_visit_taken_back_leaves_what_a_merge_brought(rita, nina, max, stack):
    s, o = nina.customer(name="S"), rita.customer(name="O")
    merged(max, s, o)
    max.change(s, stage="new")
    undo(max, last_operation(max, s))
    assert segments(stack, s) == [["negotiation", "prospecting"], ["prospecting"]]


def test_another_team_is_not_reached(stack):
    """A manager whose people have one of them alone."""
    boss = other_org(stack)
    north, south = (newcomer(stack, "manager", boss, ()) for _ in range(2))
    one, two = newcomer(stack, manager=north), newcomer(stack, manager=south)
    s, o = one.customer(), two.customer()
    problem(merge(north, s, o), 422, "invalid_value", "/other")
    problem(merge(south, s, o), 404)
    assert merge(boss, s, o).status_code == 200
