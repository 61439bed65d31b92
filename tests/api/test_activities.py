"""test_activities.py -- what was said, done or is to be done: kinds, next steps, corrections, backdating."""
from datetime import datetime, timedelta, timezone

import pytest

from holdfast import problem

MEMBERS = ["id", "customer_id", "contact_id", "deal_id", "kind", "direction", "subject", "body", "outcome", "at", "next_step", "due_at", "done_at", "author_id", "author_name", "backdated",
           "version", "created_at", "updated_at", "archived_at", "masked"]


def activity(client, customer, **fields):
    answer = client.post("/activities", dict({"kind": "note", "subject": "Background", "customer_id": customer["id"]}, **fields))
    assert answer.status_code == 201, answer.text
    return answer.json()


def change(client, record, **fields):
    return client.patch("/activities/" + record["id"], fields, client.get("/activities/" + record["id"]).headers["ETag"])


def ago(**span):
    return (datetime.now(timezone.utc) - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


@pytest.fixture
def customer(rita):
    return rita.customer()


def test_from_beginning_to_end(rita, max, customer):
    eva = rita.post("/contacts", {"customer_id": customer["id"], "name": "Eva"}).json()
    deal = rita.post("/deals", {"customer_id": customer["id"], "title": "Supply"}).json()
    a = activity(rita, customer, kind="call", direction="out", subject="First call", body="They buy twice a year.\nNot happy.", outcome="Interested", contact_id=eva["id"], deal_id=deal["id"],
                 at=ago(hours=2), next_step="Send the price list", due_at="2030-01-01T00:00:00Z")
    assert list(a) == MEMBERS
    assert (a["author_id"], a["author_name"], a["backdated"], a["done_at"]) == (rita.id, "Rita Rep", False, None)
    right = change(rita, a, body="They buy three times a year.").json()
    assert right["version"] == 2
    assert rita.get("/activities/" + a["id"], as_of=a["created_at"]).json()["body"] == a["body"]  # what it said before stays readable
    done = change(max, a, done_at=ago(minutes=1)).json()
    assert done["done_at"] is not None and done["author_id"] == rita.id
    assert {r["field"] for r in max.get("/history", record=a["id"], entity="activities").json()["data"]} == {None, "body", "done_at"}


@pytest.mark.parametrize("kind", ["call", "email", "meeting", "message", "visit", "note", "task"])
def test_directions(rita, customer, kind):
    for direction in ("in", "out", None):
        answer = rita.post("/activities", {"customer_id": customer["id"], "kind": kind, "direction": direction})
        if (kind in ("call", "email", "message") and direction is None) or (kind in ("note", "task") and direction):
            problem(answer, 422, "invalid_value", "/direction")
        else:
            assert answer.status_code == 201 and answer.json()["direction"] == direction
    note = activity(rita, customer)
    problem(change(rita, note, kind="call"), 422, "invalid_value", "/direction")
    assert change(rita, note, kind="call", direction="in").status_code == 200


def test_refers_to_what_is_the_customers_own(rita, nina, customer):
    other = rita.customer()
    eva = rita.post("/contacts", {"customer_id": other["id"], "name": "Eva"}).json()
    deal = rita.post("/deals", {"customer_id": other["id"], "title": "x"}).json()
    hidden = nina.post("/contacts", {"customer_id": nina.customer()["id"], "name": "Hidden"}).json()
    mine = activity(rita, customer)
    texts = set()
    for member, id_ in (("contact_id", eva["id"]), ("contact_id", hidden["id"]), ("contact_id", "0190c7a2-0000-7000-8000-00000000000a"), ("deal_id", deal["id"]), ("deal_id", "0190c7a2-0000-7000-8000-00000000000a")):
        for answer in (rita.post("/activities", {"customer_id": customer["id"], "kind": "note", member: id_}), change(rita, mine, **{member: id_})):
            body = problem(answer, 422, "invalid_value", "/" + member)
            texts.add((member, str({k: v for k, v in body.items() if k != "instance"})))
    assert len(texts) == 2  # one refusal for each member: hidden, missing and somebody else's say the same


def test_backdating_shows(rita, max, ada, customer):
    assert activity(rita, customer, at=ago(days=6))["backdated"] is False
    late = activity(rita, customer, at=ago(days=8))
    assert late["backdated"] is True
    assert change(rita, late, at=ago(hours=1)).json()["backdated"] is True  # for good
    moved = activity(rita, customer)
    assert change(rita, moved, at=ago(days=30)).json()["backdated"] is True
    assert {a["id"] for a in max.pages("/activities", customer=customer["id"], backdated="true")} == {late["id"], moved["id"]}
    settings = ada.get("/settings")
    assert ada.patch("/settings", {"backdate_days": 60}, settings.headers["ETag"]).json()["backdate_days"] == 60
    assert activity(rita, customer, at=ago(days=50))["backdated"] is False
    assert ada.patch("/settings", {"backdate_days": settings.json()["backdate_days"]}, "*").status_code == 200


def test_what_another_wrote_down(rita, nina, max, customer):
    """Whoever takes over goes on with the next step, but does not rewrite what the predecessor said."""
    a = activity(rita, customer, kind="call", direction="in", body="Wants 500 pieces at 12 euros.", next_step="Send an offer")
    assert rita.post(f"/customers/{customer['id']}/stage", {"stage": "proposal", "owner_id": nina.id}).status_code == 200
    for fields in ({"body": "Wants nothing."}, {"subject": None}, {"kind": "email"}, {"at": ago(days=1)}, {"outcome": "x"}, {"direction": "out"}, {"contact_id": None}, {"deal_id": None}):
        problem(change(nina, a, **fields), 403, "forbidden", "/" + next(iter(fields)))
    problem(nina.delete("/activities/" + a["id"], "*"), 403, "forbidden")
    assert change(nina, a, done_at=ago(minutes=1), next_step="Call back", due_at="2030-01-01T00:00:00Z").status_code == 200
    assert change(max, a, body="Wants 500 pieces at 11 euros.").status_code == 200
    assert nina.get("/activities/" + a["id"]).json()["body"] == "Wants 500 pieces at 11 euros."
    own = activity(nina, customer)
    assert change(nina, own, subject="Mine").status_code == 200 and nina.delete("/activities/" + own["id"], "*").status_code == 200
    assert max.delete("/activities/" + a["id"], "*").status_code == 200


def test_lists(rita, omar, customer):
    rows = [activity(rita, customer, subject=str(n), at=ago(days=n), **more) for n, more in enumerate([
        {"kind": "call", "direction": "in", "next_step": "x", "due_at": "2029-01-01T00:00:00Z"}, {"kind": "task", "due_at": "2028-01-01T00:00:00Z"}, {"kind": "note"},
        {"kind": "email", "direction": "out", "next_step": "y", "done_at": ago(days=1)}, {"kind": "meeting"}])]
    def subjects(**filter):
        return "".join(a["subject"] for a in rita.pages("/activities", customer=customer["id"], limit=2, **filter))
    assert subjects() == "01234" and subjects(sort="at") == "43210"
    assert subjects(open="true", sort="due_at") == "10" and subjects(open="false") == "234"
    assert subjects(kind="call,email") == "03" and subjects(direction="out") == "3" and subjects(author=omar.id) == "" and subjects(author=rita.id) == "01234"
    assert subjects(due_before="2028-06-01T00:00:00Z") == "1" and subjects(due_after="2028-06-01T00:00:00Z") == "0"
    assert subjects(**{"from": rows[3]["at"], "to": rows[1]["at"]}) == "23"
    assert not {a["customer_id"] for a in omar.pages("/activities", limit=200)} & {customer["id"]}
    assert {a["customer_id"] for a in rita.pages("/activities", limit=200)} <= {c["id"] for c in rita.pages("/customers", limit=200)}


def test_on_a_hidden_customer(nina, customer):
    for id_ in (customer["id"], "0190c7a2-0000-7000-8000-00000000000a"):
        problem(nina.post("/activities", {"customer_id": id_, "kind": "note"}), 404, "not_found")
        problem(nina.post("/activities", {"customer_id": id_, "kind": "call"}), 404, "not_found")  # before the rest is looked at
    problem(nina.post("/activities", {"kind": "note"}), 422, "invalid_value", "/customer_id")


def test_times_are_of_this_world(rita, customer):
    for member in ("at", "due_at", "done_at"):
        for wrong in ("1899-12-31T23:59:59Z", "3000-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"):
            problem(rita.post("/activities", {"customer_id": customer["id"], "kind": "note", member: wrong}), 422, "invalid_value", "/" + member)


def test_nothing_is_backdated_that_happens_now(rita, ada, customer):
    assert ada.patch("/settings", {"backdate_days": 0}, "*").status_code == 200
    try:
        assert activity(rita, customer)["backdated"] is False
        assert activity(rita, customer, at=ago(minutes=1))["backdated"] is True
    finally:
        assert ada.patch("/settings", {"backdate_days": 7}, "*").status_code == 200


def test_a_refusal_comes_before_a_stale_tag(rita, nina, customer):
    a = activity(rita, customer)
    assert rita.post(f"/customers/{customer['id']}/stage", {"stage": "proposal", "owner_id": nina.id}).status_code == 200
    problem(nina.patch("/activities/" + a["id"], {"body": "x"}, '"v9"'), 403, "forbidden", "/body")
    problem(nina.delete("/activities/" + a["id"], '"v9"'), 403, "forbidden")


def test_a_deal_that_is_hidden_by_now_does_not_stand_in_the_way(rita, ada, nina, customer, stack):
    deal = rita.post("/deals", {"customer_id": customer["id"], "title": "x"}).json()
    eva = rita.post("/contacts", {"customer_id": customer["id"], "name": "Eva"}).json()
    a = activity(rita, customer, deal_id=deal["id"])
    funnel = ada.get("/funnel").json()["segments"]
    hiding = [dict(s, hides=["deals"]) if s["id"] == "negotiation" else s for s in funnel]
    stack.sql("update app.customer set worked_in = worked_in || '{negotiation}'::text[] where id = %s", customer["id"])
    assert ada.request("PUT", "/funnel", json={"segments": hiding}, headers={"If-Match": "*"}).status_code == 200
    try:
        problem(rita.get("/deals/" + deal["id"]), 404, "not_found")
        assert change(rita, a, contact_id=eva["id"]).status_code == 200
        problem(change(rita, a, deal_id="0190c7a2-0000-7000-8000-00000000000a"), 422, "invalid_value", "/deal_id")
    finally:
        assert ada.request("PUT", "/funnel", json={"segments": funnel}, headers={"If-Match": "*"}).status_code == 200
