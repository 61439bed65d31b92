"""Many creations and changes in one request: all or none, or each alone."""
import uuid

import pytest

from batching import change, codes, count, create, send, sent
from holdfast import problem
from people import MISSING, newcomer
from restoring import changes, read, undo

NEW = {"customers": {"name": "Batch"}, "contacts": {"name": "Batch"}, "deals": {"title": "Batch"}, "activities": {"kind": "note", "subject": "Batch"}}
OTHER = {"customers": {"city": "Ulm"}, "contacts": {"title": "Boss"}, "deals": {"notes": "Large."}, "activities": {"subject": "Else"}}
kinds = pytest.mark.parametrize("kind", NEW)


def new(kind, customer):
    return create(**NEW[kind]) if kind == "customers" else create(customer_id=customer["id"], **NEW[kind])


@kinds
def test_each_kind(rita, stack, kind):
    c = rita.customer()
    body = sent(rita, kind, new(kind, c), new(kind, c))
    assert (body["done"], body["held"], body["failed"]) == (2, 0, 0)
    one, two = body["results"]
    assert one["status"] == 201 and one["version"] == 1 and ("duplicates" in one) == (kind in ("customers", "contacts"))
    assert rita.get(f"/{kind}/{one['id']}").headers["ETag"] == one["etag"]
    id_ = str(uuid.uuid4())
    body = sent(rita, kind, change(one, one["etag"], **OTHER[kind]), dict(new(kind, c), id=id_), change(two, **OTHER[kind]))
    assert [(r["status"], r["id"], r["version"]) for r in body["results"]] == [(200, one["id"], 2), (201, id_, 1), (200, two["id"], 2)]
    for r in body["results"]:
        answer = rita.get(f"/{kind}/{r['id']}")
        assert answer.headers["ETag"] == r["etag"] and answer.json()["version"] == r["version"]
    assert OTHER[kind].items() <= rita.get(f"/{kind}/{two['id']}").json().items()
    rows = stack.sql("select count(distinct operation_id), count(distinct via) from app.history where record_id = any(%s::uuid[]) and field is not null", [one["id"], two["id"]])
    assert rows == [(1, 1)]
    assert stack.sql("select action, changes from app.operation where id = (select operation_id from app.history where record_id = %s and field is not null)", one["id"]) == [(kind + ".batch", 3)]


@kinds
def test_all_or_none(rita, kind):
    c = rita.customer()
    one, two = sent(rita, kind, new(kind, c), new(kind, c))["results"]
    body = problem(send(rita, kind, change(one, **OTHER[kind]), new(kind, c), change(two, '"v7"', **OTHER[kind])), 412, "version_mismatch")
    assert codes(body) == [("/items/2", "version_mismatch")] and "conflicts" not in body
    body = problem(send(rita, kind, change(one, **OTHER[kind]), change(MISSING, **OTHER[kind]), change(two, '"v7"', **OTHER[kind])), 422, "items_refused")
    assert codes(body) == [("/items/1", "not_found"), ("/items/2", "version_mismatch")]
    assert rita.get(f"/{kind}/{one['id']}").json()["version"] == 1
    body = sent(rita, kind, change(one, **OTHER[kind]), change(MISSING, **OTHER[kind]), change(two, '"v7"', **OTHER[kind]), new(kind, c), atomic=False)
    assert [r["status"] for r in body["results"]] == [200, 404, 412, 201] and (body["done"], body["failed"]) == (2, 2)
    missing, stale = body["results"][1:3]
    assert set(missing) == {"index", "status", "problem"} and missing["problem"]["code"] == "not_found" and missing["problem"]["type"] == "/problems/not_found"
    assert stale["problem"]["version"] == 1 and "instance" not in stale["problem"]


def test_all_faults_of_the_form_are_told(rita, stack):
    name = uuid.uuid4().hex
    items = [create(name=name), create(name=7, email="x"), {"op": "drop"}, {"name": name}, change("x", "v1", value=-1), change(MISSING, name=None), 5, create(name=name, tags=["a", 1])]
    told = [("/items/1/name", "type"), ("/items/1/email", "length"), ("/items/2/op", "word"), ("/items/3/op", "required"), ("/items/4/id", "format"), ("/items/4/if_match", "format"),
            ("/items/4/value", "range"), ("/items/5/name", "required"), ("/items/6", "type"), ("/items/7/tags/1", "type")]
    assert codes(problem(send(rita, "customers", *items), 422, "invalid_value")) == told and count(stack, name) == 0
    body = sent(rita, "customers", *items, atomic=False)
    assert [r["status"] for r in body["results"]] == [201] + [422] * 7 and count(stack, name) == 1
    assert [e for r in body["results"][1:] for e in codes(r["problem"])] == told
    many = [create(name="x", value=-1)] * 200
    assert codes(problem(send(rita, "customers", *many), 422)) == [(f"/items/{i}/value", "range") for i in range(200)]


def test_values_that_sql_refuses(rita, nina, stack):
    name = uuid.uuid4().hex
    items = [create(name=name), create(name=name, country="qq"), create(name=name, owner_id=nina.id), create(name=name, stage="nowhere"), create(name=name, phone="+49 *** 1")]
    told = [("/items/1/country", "code"), ("/items/2/owner_id", "forbidden"), ("/items/3/stage", "unknown"), ("/items/4/phone", "mask")]
    assert codes(problem(send(rita, "customers", *items), 422, "items_refused")) == told and count(stack, name) == 0
    body = sent(rita, "customers", *items, atomic=False)
    assert [r["status"] for r in body["results"]] == [201, 422, 403, 422, 422] and [e for r in body["results"][1:] for e in codes(r["problem"])] == told
    assert codes(problem(send(rita, "customers", *items[1:2], create(name=name, country="zz")), 422, "invalid_value")) == [("/items/0/country", "code"), ("/items/1/country", "code")]


def test_what_is_no_batch(rita):
    for items, pointer in (([], "/items"), ([create(name="x")] * 201, "/items"), ({}, "/items"), (None, "/items")):
        problem(rita.post("/customers/batch", {"items": items}), 422, "invalid_value", pointer)
    problem(rita.post("/customers/batch", {"items": [create(name="x")], "atomic": None}), 422, "invalid_value", "/atomic")
    for atomic in (True, False):     # a word that is not there is a mistake in the program, not in its data
        problem(send(rita, "customers", create(name="x"), create(name="x", bogus=1), atomic=atomic), 400, "unknown_member", "/items/1/bogus")
        problem(send(rita, "customers", create(name="x", if_match="*"), atomic=atomic), 400, "unknown_member", "/items/0/if_match")
        problem(send(rita, "contacts", change(MISSING, customer_id=MISSING), atomic=atomic), 400, "unknown_member", "/items/0/customer_id")
        problem(rita.post("/customers/batch", {"items": [create(name="x")], "atomic": atomic, "_wrong": [0]}), 400, "unknown_member", "/_wrong")
    problem(send(rita, "customers", *[create(name="x", notes="n" * 400)] * 200), 413, "body_too_large")
    problem(rita.get("/customers/batch"), 405)


def test_a_record_is_changed_once(rita):
    c = rita.customer()
    body = problem(send(rita, "customers", change(c, city="Ulm"), change(c, city="Bonn")), 422, "invalid_value")
    assert codes(body) == [("/items/1/id", "duplicate")]
    body = sent(rita, "customers", change(c, city="Ulm"), change(c, city="Bonn"), atomic=False)
    assert [r["status"] for r in body["results"]] == [200, 422] and read(rita, c)["city"] == "Ulm"


def test_tags_as_in_the_head(rita):
    c = rita.customer()
    etag = rita.get(f"/customers/{c['id']}").headers["ETag"]
    for wrong in ('W/' + etag, '"*"', '"v0", "v9"', etag.replace('"v', '"w')):
        assert sent(rita, "customers", change(c, wrong, city="Ulm"), atomic=False)["results"][0]["status"] == 412, wrong
    for right in (etag, '"v9", ' + etag, " * "):
        assert sent(rita, "customers", change(c, right, city=None), atomic=False)["results"][0]["status"] == 200, right
    for broken in ("v1", '"v1', '"v1" "v2"'):
        problem(send(rita, "customers", change(c, broken)), 422, "invalid_value", "/items/0/if_match")


def test_numbers_stay_as_they_were_written(rita):
    body = '{"atomic": false, "items": [{"op": "create", "name": 5}, {"op": "create", "name": "x", "custom": {"a": 0.1234567890123456789, "b": 1e3}}]}'
    answer = rita.request("POST", "/customers/batch", data=body, headers={"Content-Type": "application/json"})
    assert [r["status"] for r in answer.json()["results"]] == [422, 201]
    assert '0.1234567890123456789' in rita.get("/customers/" + answer.json()["results"][1]["id"]).text


def test_undo_takes_all_of_it_back(rita, max):
    a, b = rita.customer(city="Bonn"), rita.customer()
    body = sent(rita, "customers", change(a, city="Ulm", notes="x"), change(b, city="Ulm"), create(name="Gone"))
    operation = changes(rita, a, limit=1)[0]["operation_id"]
    assert {changes(rita, {"id": r["id"]}, limit=1)[0]["operation_id"] for r in body["results"]} == {operation}
    done = undo(max, operation)
    assert done["conflict_count"] == 0
    assert (read(rita, a)["city"], read(rita, a)["notes"], read(rita, b)["city"]) == ("Bonn", None, None)
    assert read(rita, body["results"][2]["id"])["archived_at"] is not None


def test_the_same_key_does_it_once(rita, nina, max, stack):
    name, key = uuid.uuid4().hex, {"Idempotency-Key": uuid.uuid4().hex}
    items = [create(name=name), create(name=name, country="qq"), change(rita.customer(), '"v7"', city="Bonn"), create(name=7), change(rita.customer(), city="Ulm")]
    first = sent(rita, "customers", *items, headers=key, atomic=False)
    again = sent(rita, "customers", *items, headers=key, atomic=False)
    assert count(stack, name) == 1 and first["results"][2]["problem"].pop("conflicts") is not None and again == first
    problem(send(rita, "customers", *items[:2], headers=key, atomic=False), 422, "key_reused")
    max.change({"id": first["results"][0]["id"]}, owner_id=nina.id)
    again = sent(rita, "customers", *items, headers=key, atomic=False)     # as he may see it now
    assert [r["status"] for r in again["results"]] == [404, 422, 412, 422, 200] and again["failed"] == 4
    other = {"Idempotency-Key": uuid.uuid4().hex}
    problem(send(rita, "customers", create(name=name), create(name=name, country="qq"), headers=other), 422)
    assert sent(rita, "customers", create(name=name), headers=other)["done"] == 1   # a refusal keeps no key
    problem(send(rita, "customers", *items, headers=other, atomic=False), 422, "key_reused")


def test_who_may(axel, rita, stack, max):
    for kind in NEW:
        problem(send(axel, kind, new(kind, {"id": MISSING})), 403, "forbidden")
    theirs = newcomer(stack, "rep", max).customer()
    body = sent(rita, "customers", change(theirs, city="Ulm"), change(MISSING, city="Ulm"), atomic=False)
    hidden, missing = ({k: v for k, v in r.items() if k != "index"} for r in body["results"])
    assert hidden == missing
