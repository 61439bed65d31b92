"""test_hides.py -- what a segment keeps back from the people of other segments after a hand-over."""
import itertools

import pytest

from holdfast import problem
from people import newcomer
from restoring import window
from works import hides, settings

numbers = itertools.count(400000)
KEPT = ["notes", "phone", "value"]


@pytest.fixture(scope="module")
def hiding(stack):
    """While this module runs, prospecting keeps three fields to itself."""
    with hides(stack.login("ada@demo.test"), prospecting=["notes", "value", "phone"]):
        yield


@pytest.fixture
def c(hiding, rita, nina):
    """A customer that rita handed over to nina."""
    n = next(numbers)
    made = rita.customer(name=f"Handed {n}", phone=f"+49 30 5556 {n}", email=f"h{n}@hides.example", notes="Pays late.", value=n, currency="EUR", city="Ulm")
    rita.change(made, notes="Never pays.", value=n * 1000, phone=f"+49 30 5556 9{n}", city="Bonn")
    answer = rita.post(path(made) + "/stage", {"stage": "proposal", "owner_id": nina.id})
    assert answer.status_code == 200, answer.text
    return made


def path(c):
    return "/customers/" + c["id"]


def tells(answer, c):
    """Whether an answer holds anything of what is kept back."""
    return any(s in answer.text for s in ("Pays late", "Never pays", "+49 30 5556", "+49305556", f'"value":{c["value"]}', f'"value": {c["value"]}', f'{c["value"]}000'))


def test_she_gets_null_and_is_told_of_it(c, nina, ada, max):
    answer = nina.get(path(c))
    shown = answer.json()
    assert shown["masked"] == KEPT and all(shown[k] is None for k in KEPT + ["phone_e164"]) and not tells(answer, c)
    assert (shown["email"], shown["city"], shown["currency"]) == (c["email"], "Bonn", "EUR")
    for who in (ada, max):
        seen = who.get(path(c)).json()
        assert seen["masked"] == [] and (seen["notes"], seen["value"], seen["phone"]) == ("Never pays.", c["value"] * 1000, c["phone"].replace("5556 ", "5556 9"))


def test_everything_that_shows_her_the_customer(c, nina):
    """Each way by itself is silent, whatever else it shows."""
    created = nina.get(path(c) + "/history").json()["data"][-1]["new"]
    assert created["city"] == "Ulm" and not set(KEPT) & set(created)
    for answer in (nina.get(path(c), as_of=c["created_at"]), nina.get(path(c), as_of="2099-01-01T00:00:00Z"), nina.get(path(c) + "/history"), nina.get("/history", record=c["id"]),
                   nina.get("/customers", name=c["name"]), nina.get("/customers", name=c["name"], fields="id,notes,phone,phone_e164,value"), nina.get("/customers", email=c["email"]),
                   nina.patch(path(c), {"city": "Kiel"}, nina.get(path(c)).headers["ETag"]), nina.patch(path(c), {"city": "Linz"}, '"v1"'),
                   nina.delete(path(c), "*")):
        assert (answer.status_code in (200, 412)) and not tells(answer, c), answer.url
        if answer.status_code == 200 and "history" not in answer.url:
            row = answer.json().get("data", [answer.json()])[0]
            assert row["masked"] == KEPT + ["email"] * (row.get("email") != c["email"]) and row["id"] == c["id"]


def test_history_has_no_such_fields(c, nina, ada, max):
    for url in (path(c) + "/history", "/history?record=" + c["id"]):
        assert sorted(r["field"] or "" for r in nina.pages(url)) == ["", "city", "owner_id", "stage"]
        for field in KEPT:
            assert nina.get(url, field=field).json()["data"] == []
        for who in (ada, max):
            assert {"notes", "value", "phone"} <= {r["field"] for r in who.pages(url)} and who.pages(url)[-1]["new"]["notes"] == "Pays late."


def test_lists_do_not_tell_by_filter_or_order(c, nina, max):
    phone = c["phone"].replace("5556 ", "5556 9")
    here = dict(name=c["name"])
    for filter in (dict(value_min=0), dict(value_max=10 ** 15), dict(value_min=c["value"] * 1000, value_max=c["value"] * 1000), dict(phone=phone)):
        found = nina.get("/customers", **filter, **here, count="exact").json()
        assert (found["data"], found["count"]) == ([], 0), filter
        assert len(max.get("/customers", **filter, **here).json()["data"]) == 1, filter
    assert nina.get("/customers", phone=phone).json()["data"] == []
    assert [r["id"] for r in nina.get("/customers", email=c["email"]).json()["data"]] == [c["id"]], "which is not kept back"
    poor = nina.customer(value=0)
    order = [r["id"] for r in nina.pages("/customers", sort="value,name")]
    assert order.index(c["id"]) < order.index(poor["id"]), "as one without a value"
    order = [r["id"] for r in max.pages("/customers", sort="-value", limit=200)]
    assert order.index(c["id"]) < order.index(poor["id"])
    first = nina.get("/customers", sort="value", limit=1).json()
    assert nina.get("/customers", sort="value", limit=1, cursor=first["next"]).json()["data"] != first["data"]


def test_she_does_not_write_what_she_does_not_see(c, nina, max):
    before = max.get(path(c)).json()
    for member, value in (("notes", "x"), ("notes", None), ("value", 5), ("phone", None), ("phone", "+49 30 1")):
        problem(nina.patch(path(c), {"city": "Kiel", member: value}, "*"), 403, "forbidden", "/" + member)
        problem(nina.patch(path(c), {member: value}, '"v1"'), 403, "forbidden", "/" + member)
    assert max.get(path(c)).json() == before
    answer = nina.patch(path(c), {"city": "Kiel", "tags": ["x"]}, nina.get(path(c)).headers["ETag"])
    assert answer.status_code == 200
    assert max.get(path(c)).json() == dict(before, city="Kiel", tags=["x"], version=before["version"] + 1, updated_at=answer.json()["updated_at"]), "and nothing is lost by it"
    assert max.patch(path(c), {"notes": "y"}, "*").status_code == 200


def test_reveal(c, nina, max):
    for fields, pointer in ((["phone"], "/fields/0"), (["email", "phone_e164"], "/fields/1"), (["email", "phone"], "/fields/1")):
        answer = nina.post(path(c) + "/reveal", {"fields": fields, "reason": "x"})
        problem(answer, 403, "forbidden", pointer)
        assert not tells(answer, c)
    assert nina.post(path(c) + "/reveal", {"fields": ["email"], "reason": "x"}).json() == {"email": c["email"]}
    assert max.post(path(c) + "/reveal", {"fields": ["phone"], "reason": "x"}).status_code == 200


def test_conflicts_of_a_restore(c, nina, ada):
    """Of what she changed while she saw it, and somebody else after her."""
    begin = ada.get(path(c)).json()["updated_at"]
    with hides(ada, prospecting=[]):
        nina.change(c, city="Kiel", notes="Hers.")
        ada.change(c, city="Linz", notes="Pays late, pays never.")
    scope = window(nina, begin, "2100-01-01T00:00:00Z")
    for client, due in ((nina, ["city"]), (ada, ["city", "notes"])):
        made = client.post("/restores", {"scope": scope, "reason": "x"})
        one = "/restores/" + made.json()["id"]
        for answer in (client.post("/restores", {"scope": scope, "dry_run": True}), made, client.get(one), client.get(one + "/conflicts")):
            rows = answer.json().get("conflicts", answer.json().get("data"))
            assert sorted(k["field"] for k in rows if k["record_id"] == c["id"]) == due and tells(answer, c) == (client is ada), answer.text
        if client is ada:  # what she asked for is all there, and nina does not see it
            problem(nina.get(one), 404)
    problem(nina.post("/restores", {"scope": {"entity": "customers", "id": c["id"], "as_of": c["created_at"]}, "reason": "x"}), 403, "forbidden")


def test_it_holds_for_people_of_other_segments_alone(stack, c, hiding, rita, nina, max):
    own = nina.customer(stage="negotiation", notes="n", value=5, phone="+49 30 1")
    assert nina.get(path(own)).json() == own and own["masked"] == [] and (own["notes"], own["value"]) == ("n", 5), "never was there"
    mine = rita.customer(notes="n", value=5)
    assert (mine["masked"], mine["notes"]) == ([], "n")
    both = newcomer(stack, manager=max, segments=("prospecting", "negotiation"))
    max.change(c, owner_id=both.id)
    seen = both.get(path(c)).json()
    assert (seen["masked"], seen["notes"]) == ([], "Never pays."), "she works there too"


def test_it_follows_a_customer_on(c, nina, carl, max):
    assert nina.post(path(c) + "/stage", {"stage": "contract", "owner_id": carl.id}).status_code == 200
    answer = carl.get(path(c))
    assert answer.json()["masked"] == KEPT and not tells(answer, c)
    max.change(c, notes="New notes.")
    assert carl.get(path(c)).json()["notes"] is None


def test_for_those_who_only_read(c, ada, axel, carl, olga, stack, max):
    with settings(ada, visibility="open"):
        answer = carl.get(path(c))
        assert answer.json()["masked"] == KEPT and not tells(answer, c)
        assert olga.get(path(c)).json()["notes"] == "Never pays."
    assert axel.get(path(c)).json()["notes"] == "Never pays.", "the auditor sees everything but contact values"
    stranger = newcomer(stack, manager=olga, segments=("closing",))
    answer = stranger.post("/customers/break-glass", {"email": c["email"], "reason": "x"})
    assert answer.status_code == 200 and answer.json()["masked"] == KEPT + ["email"] and not tells(answer, c)


def test_taking_it_away_shows_all_at_once(c, ada, nina):
    before = nina.get(path(c))
    with hides(ada, prospecting=[]):
        shown = nina.get(path(c), headers={"If-None-Match": before.headers["ETag"]})
        assert shown.status_code == 200 and shown.json()["masked"] == [] and shown.json()["notes"] == "Never pays."
        assert {"notes", "value", "phone"} <= {r["field"] for r in nina.pages(path(c) + "/history")}
        assert len(nina.get("/customers", name=c["name"], value_min=1).json()["data"]) == 1
        assert nina.patch(path(c), {"notes": "x"}, before.headers["ETag"]).status_code == 412, "read without it"
        with hides(ada, prospecting=["city"], negotiation=["email"], closing=["notes"]):
            seen = nina.get(path(c)).json()
            assert (seen["masked"], seen["city"], seen["email"], seen["notes"]) == (["city"], None, c["email"], "Never pays.")
    assert nina.get(path(c)).json() == before.json() and nina.get(path(c)).headers["ETag"] == before.headers["ETag"]
