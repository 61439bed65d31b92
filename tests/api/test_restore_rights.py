"""Restores: who may take back what, what is refused and how, what stays outside, who sees the result."""
import pytest

from holdfast import problem
from masks import masked, said
from people import newcomer
from restoring import changes, dry_run, last_operation, missing, moment, read, restore, window


def attempt(client, scope):
    """The status of a dry run, which must be that of the real thing where it is refused."""
    dry = client.post("/restores", {"scope": scope, "dry_run": True})
    if dry.status_code != 200:
        real = client.post("/restores", {"scope": scope, "reason": "x"})
        code = problem(real, dry.status_code)["code"]
        assert code == {403: "forbidden", 404: "not_found"}[dry.status_code] == problem(dry, dry.status_code)["code"]
    return dry.status_code


@pytest.fixture
def work(stack, rita, max):
    """A customer that only rita changed and one that max changed too, with all scopes that are about them."""
    begin = moment(stack)
    own, shared = rita.customer(city="A"), rita.customer(city="A")
    rita.change(own, city="B")
    rita.change(shared, city="B")
    max.change(shared, region="R")
    end = moment(stack)

    def of(c):
        return {"entity": "customers", "id": c["id"], "as_of": c["created_at"]}
    return {"change": {"change": changes(rita, own, field="city")[0]["id"]},
            "operation": {"operation": last_operation(rita, own)},
            "window": window(rita, begin, end), "record": of(own), "one field": of(own) | {"field": "city"},
            "max's change": {"change": changes(rita, shared, field="region")[0]["id"]},
            "max's operation": {"operation": changes(rita, shared, field="region")[0]["operation_id"]},
            "max's window": window(max, begin, end), "shared record": of(shared)}


def test_who_may(work, rita, nina, max, olga, omar, ada, abby, axel):
    hidden = {"change": 404, "operation": 404, "window": 403, "record": 404, "one field": 404, "max's change": 404,
              "max's operation": 404, "max's window": 403, "shared record": 404}
    everything = {k: 200 for k in work}
    expected = [
        (rita, everything | {"max's change": 403, "max's operation": 404, "max's window": 403, "shared record": 403}),
        (nina, hidden), (omar, hidden), (olga, hidden), (max, everything), (ada, everything), (abby, everything),
        (axel, {k: 403 for k in work})]
    for who, statuses in expected:
        assert {k: attempt(who, scope) for k, scope in work.items()} == statuses, who.staff["name"]


def test_who_may_undo(work, rita, nina, max, olga, ada, axel):
    path = "/operations/" + work["operation"]["operation"] + "/undo"
    for who, status in ((nina, 404), (olga, 404), (axel, 403)):
        problem(who.post(path, {"reason": "x"}), status)
    theirs = "/operations/" + work["max's operation"]["operation"] + "/undo"
    problem(rita.post(theirs, {"reason": "x"}), 404)
    for who in (rita, max, ada):  # each takes back what the one before did
        answer = who.post(path, {"reason": "x"})
        assert answer.status_code == 201 and answer.json()["restored"] == 1
        path = "/operations/" + answer.json()["operation_id"] + "/undo"
    problem(max.post(path, {"reason": "an admin's"}), 404)
    problem(max.post(f"/operations/{missing()}/undo", {"reason": "x"}), 404, "not_found")
    problem(ada.post(theirs, {}), 422, pointer="/reason")
    problem(ada.post(theirs, {"reason": ""}), 422, pointer="/reason")
    problem(ada.post(theirs, {"reason": "x", "dry_run": True}), 400, pointer="/dry_run")


def test_own_change_on_a_record_that_others_changed(rita, max):
    c = rita.customer(city="A", region="1")
    rita.change(c, city="B")
    mine = changes(rita, c)[0]["id"]
    max.change(c, region="2")
    assert restore(rita, {"change": mine})["restored"] == 1
    assert (read(rita, c)["city"], read(rita, c)["region"]) == ("A", "2")


def test_missing_and_hidden_look_the_same(work, omar, max):
    def body(scope):
        answer = problem(omar.post("/restores", {"scope": scope, "dry_run": True}), 404, "not_found")
        return {k: v for k, v in answer.items() if k != "instance"}
    assert body(work["change"]) == body({"change": missing()})
    assert body(work["operation"]) == body({"operation": missing()})
    assert body(work["record"]) == body(work["record"] | {"id": missing()})
    problem(max.post("/restores", {"scope": work["window"] | {"actor": missing()}, "dry_run": True}), 404, "not_found")


ID, THEN, NOW = "01900000-0000-7000-8000-000000000000", "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"
ACTOR = {"actor": "rita", "from": THEN, "to": NOW}
RECORD = {"entity": "customers", "id": "one", "as_of": THEN}


@pytest.mark.parametrize("scope,status,pointer", [
    ({}, 422, "/scope"), (None, 422, "/scope"), ([], 422, "/scope"), ("x", 422, "/scope"),
    ({"change": ID, "operation": ID}, 422, "/scope"), (ACTOR | RECORD, 422, "/scope"), (ACTOR | {"change": ID}, 422, "/scope"),
    ({"id": ID, "as_of": THEN}, 422, "/scope"), ({"field": "city"}, 422, "/scope"), ({"from": THEN, "to": NOW}, 422, "/scope"),
    ({"actor": "rita"}, 422, "/scope/from"), ({"actor": "rita", "from": THEN}, 422, "/scope/to"),
    ({"entity": "customers", "id": "one"}, 422, "/scope/as_of"), ({"entity": "customers", "as_of": THEN}, 422, "/scope/id"),
    ({"change": ID, "field": "city"}, 422, "/scope/field"), ({"operation": ID, "as_of": THEN}, 422, "/scope/as_of"),
    (ACTOR | {"field": "city"}, 422, "/scope/field"), (RECORD | {"entities": []}, 422, "/scope/entities"),
    (ACTOR | {"to": THEN}, 422, "/scope/to"), (ACTOR | {"from": NOW, "to": THEN}, 422, "/scope/to"),
    (ACTOR | {"entities": ["shoes"]}, 422, "/scope/entities"), (ACTOR | {"entities": "customers"}, 422, "/scope/entities"),
    (ACTOR | {"from": "yesterday"}, 422, "/scope/from"), (ACTOR | {"to": 1}, 422, "/scope/to"),
    (RECORD | {"entity": "shoes"}, 422, "/scope/entity"), (RECORD | {"field": "shoe"}, 422, "/scope/field"),
    (RECORD | {"field": "version"}, 422, "/scope/field"), (RECORD | {"as_of": None}, 422, "/scope/as_of"),
    ({"change": "x"}, 422, "/scope/change"), ({"change": None}, 422, "/scope/change"), ({"operation": 1}, 422, "/scope/operation"),
    ({"change": ID, "colour": "red"}, 400, "/scope/colour"), (ACTOR | {"org": 1}, 400, "/scope/org"),
])
def test_malformed_scope(stack, max, rita, scope, status, pointer):
    if isinstance(scope, dict):
        real = {"rita": rita.id, "one": rita.pages("/customers", limit=200)[0]["id"]}
        scope = {k: real.get(v, v) if isinstance(v, str) else v for k, v in scope.items()}
    before = stack.sql("select count(*) from app.job")
    problem(max.post("/restores", {"scope": scope, "dry_run": True}), status, pointer=pointer)
    problem(max.post("/restores", {"scope": scope, "reason": "x"}), status, pointer=pointer)
    assert stack.sql("select count(*) from app.job") == before


@pytest.mark.parametrize("more,status,pointer", [
    ({}, 422, "/reason"), ({"reason": None}, 422, "/reason"), ({"reason": ""}, 422, "/reason"), ({"reason": "x" * 1001}, 422, "/reason"),
    ({"reason": 1}, 422, "/reason"), ({"reason": "x", "plan_hash": "short"}, 422, "/plan_hash"), ({"dry_run": "yes"}, 422, "/dry_run"),
    ({"reason": "x", "dryrun": True}, 400, "/dryrun"), ({"dry_run": False}, 422, "/reason"),
])
def test_malformed_body(work, rita, max, more, status, pointer):
    problem(max.post("/restores", dict({"scope": work["operation"]}, **more)), status, pointer=pointer)
    assert dry_run(max, work["operation"])["restorable"] == 1


def test_outside(stack, rita, omar, max, ada):
    c, d = (rita.customer(city="A", region="1") for _ in range(2))
    begin = moment(stack)
    for x in (c, d):
        rita.change(x, city="B", region="2")
    scope = window(rita, begin, moment(stack))
    ada.change(c, owner_id=omar.id)
    given = read(omar, c)
    assert [dry_run(ada, scope)[k] for k in ("restorable", "conflict_count", "outside")] == [4, 0, 0]
    for who in (rita, max):
        plan = dry_run(who, scope)
        assert [plan[k] for k in ("restorable", "conflict_count", "outside")] == [2, 0, 2]
        assert plan["by_entity"]["customers"]["records"] == 1 and c["id"] not in str(plan)
    done = restore(max, scope)
    assert (done["restored"], done["outside"]) == (2, 2)
    assert max.get("/restores/" + done["id"]).json()["outside"] == 2
    assert read(omar, c) == given and read(rita, d)["city"] == "A"
    rest = restore(ada, scope)
    assert (rest["restored"], rest["outside"]) == (2, 0) and [x["why"] for x in rest["conflicts"]] == ["restored_already"] * 2
    assert read(omar, c)["city"] == "A"


@pytest.fixture
def clash(rita, max):
    """A restore by rita with one conflict about a phone."""
    c = rita.customer(phone="+49 30 5550 0111")
    rita.change(c, phone="+49 30 5550 0122")
    operation = last_operation(rita, c)
    max.change(c, phone="+49 30 5550 0133")
    return c, restore(rita, {"operation": operation})["id"]


@said("lists off")
def test_who_sees_a_restore(contacts, clash, rita, nina, max, olga, omar, ada, axel, nobody):
    c, done = clash
    for path in ("/restores/" + done, f"/restores/{done}/conflicts"):
        def conflicts(who):
            answer = who.get(path)
            assert answer.status_code == 200
            return answer.json().get("conflicts") or answer.json()["data"], answer.text
        for who in (rita, max, ada):
            (one,), _ = conflicts(who)
            values = [f"+49 30 5550 01{n}" for n in (11, 22, 33)]
            assert [one[k] for k in ("target", "undone", "current")] == (values if contacts == "off" else [masked("phone", v) for v in values])
            assert (one["record_id"], one["field"], one["why"]) == (c["id"], "phone", "changed_since")
        (one,), text = conflicts(axel)
        assert [one[k] for k in ("target", "undone", "current")] == [f"+4 *** ***-**{n}" for n in (11, 22, 33)]
        assert "5550 0" not in text
        for who in (nina, olga, omar):
            assert problem(who.get(path), 404, "not_found")
        problem(nobody.get(path), 401)
    problem(rita.get("/restores/" + missing()), 404)
    problem(rita.get(f"/restores/{missing()}/conflicts"), 404)
    problem(max.request("DELETE", "/restores/" + done), 405)


def test_a_conflict_goes_with_its_record(clash, rita, max, omar, ada, axel):
    c, done = clash
    ada.change(c, owner_id=omar.id)
    for who in (rita, max):
        answer = who.get("/restores/" + done)
        assert answer.json()["conflicts"] == [] and c["id"] not in answer.text and "5550 0" not in answer.text
        assert who.get(f"/restores/{done}/conflicts").json() == {"data": [], "next": None}
    for who in (ada, axel):
        assert [x["record_id"] for x in who.get(f"/restores/{done}/conflicts").json()["data"]] == [c["id"]]


def test_a_rep_hands_nothing_over_by_restoring(stack, rita, max):
    """What max did stays with max: a rep gets neither a customer nor a stage by taking her own change back."""
    c = rita.customer(city="A")
    rita.change(c, city="B")
    row, other = changes(rita, c)[0], newcomer(stack, manager=max)
    max.change(c, owner_id=other.id)
    assert attempt(rita, {"change": row["id"]}) == 404
    for scope in ({"operation": row["operation_id"]}, window(rita, row["at"], moment(stack))):  # which moved it nowhere
        plan = dry_run(rita, scope)
        assert (plan["restorable"], plan["conflict_count"], plan["outside"]) == (0, 0, 1) and c["id"] not in str(plan)
    theirs = {"change": changes(other, c, field="owner_id")[0]["id"]}
    assert attempt(other, theirs) == 403 and attempt(rita, theirs) == 404
