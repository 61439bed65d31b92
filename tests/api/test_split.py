"""test_split.py -- a merge taken back, and what of it is remembered and kept back."""
from holdfast import problem
from merging import KINDS, add, furnished, merged, of, segments, state
from restoring import last_operation, read, restore, undo
from works import hides, settings


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
