"""test_contacts.py -- the people at a customer: written, masked, found, one of them primary."""
import concurrent.futures
import uuid

import pytest

from holdfast import Client, problem
from masks import masked

NOBODY = "0190c7a2-0000-7000-8000-00000000000a"
MEMBERS = ["id", "customer_id", "name", "title", "email", "phone", "phone_e164", "is_primary", "notes", "version", "created_at", "updated_at", "archived_at", "masked"]


def contact(client, customer, **fields):
    answer = client.post("/contacts", dict({"name": "Eva Adler", "customer_id": customer["id"]}, **fields))
    assert answer.status_code == 201, answer.text
    return {k: v for k, v in answer.json().items() if k != "duplicates"}


def one(client, record):
    answer = client.get("/contacts/" + record["id"])
    assert answer.status_code == 200, answer.text
    return answer.json()


def change(client, record, **fields):
    path = "/contacts/" + record["id"]
    answer = client.patch(path, fields, client.get(path).headers["ETag"])
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def customer(rita):
    return rita.customer(country="DE")


def test_from_beginning_to_end(rita, customer, stack):
    made = rita.post("/contacts", {"customer_id": customer["id"], "name": "Eva Adler", "title": "Head of purchasing", "email": "Eva@Adler.example", "phone": "030 1234567", "notes": "Speaks French.\nNever before ten."})
    c = made.json()
    assert made.status_code == 201 and made.headers["Location"] == "/v1/contacts/" + c["id"] and made.headers["ETag"] == '"v1"'
    assert made.headers["X-Classification"]
    assert [k for k in c if k != "duplicates"] == MEMBERS
    assert (c["email"], c["phone"], c["phone_e164"], c["masked"], c["version"]) == ("Eva@Adler.example", "030 1234567", "+49301234567", [], 1)
    assert one(rita, c) == {k: c[k] for k in MEMBERS}
    later = change(rita, c, title=None, phone="+49 40 7654321")
    assert (later["title"], later["phone_e164"], later["version"], later["name"]) == (None, "+49407654321", 2, "Eva Adler")
    assert rita.get("/contacts/" + c["id"], as_of=c["updated_at"]).json()["phone"] == "030 1234567"
    assert change(rita, c)["version"] == 2  # nothing changed, nothing happened
    gone = rita.delete("/contacts/" + c["id"], '"v2"')
    assert gone.status_code == 200 and gone.json()["archived_at"] is not None
    assert rita.get("/contacts", customer=customer["id"]).json()["data"] == []
    assert [r["id"] for r in rita.get("/contacts", customer=customer["id"], archived="true").json()["data"]] == [c["id"]]
    assert one(rita, c)["archived_at"] == gone.json()["archived_at"]
    problem(rita.patch("/contacts/" + c["id"], {"title": "x"}, "*"), 409, "archived")
    problem(rita.delete("/contacts/" + c["id"], "*"), 409, "archived")
    rows = rita.get("/history", record=c["id"]).json()["data"]
    assert [(r["entity"], r["field"]) for r in rows[::-1]] == [("contacts", None)] + [("contacts", f) for f in ("title", "phone", "archived_at")] or \
        {r["field"] for r in rows} == {None, "title", "phone", "archived_at"}
    assert stack.sql("select count(*) from app.disclosure where %s = any(customer_ids) and channel = 'change'", customer["id"])[0][0] >= 4


def test_preconditions(rita, max, customer):
    c = contact(rita, customer)
    path = "/contacts/" + c["id"]
    problem(rita.patch(path, {"title": "x"}), 428, "precondition_required")
    problem(rita.delete(path), 428, "precondition_required")
    assert rita.get(path, headers={"If-None-Match": '"v1"'}).status_code == 304
    assert max.patch(path, {"title": "CEO", "notes": "n"}, '"v1"').status_code == 200
    body = problem(rita.patch(path, {"title": "CFO", "name": "Eva A."}, '"v1"'), 412, "version_mismatch")
    assert body["version"] == 2 and [(x["field"], x["current"], x["actor_name"]) for x in body["conflicts"]] == [("title", "CEO", "Max Manager")]
    problem(rita.delete(path, '"v1"'), 412, "version_mismatch")
    assert one(rita, c)["title"] == "CEO"


@pytest.mark.parametrize("contacts", ["lists"], indirect=True)
def test_masks(contacts, rita, max, axel, nina, customer, stack):
    c = contact(rita, customer, email="eva@adler.example", phone="+49 30 1234567")
    row = rita.get("/contacts", customer=customer["id"]).json()["data"][0]
    for field in ("email", "phone", "phone_e164"):
        assert row[field] == masked(field, c[field]), field
    assert row["masked"] == ["email", "phone", "phone_e164"]
    assert one(rita, c)["masked"] == [] and one(max, c)["email"] == "eva@adler.example"
    theirs = one(axel, c)
    assert theirs["email"] == masked("email", c["email"]) and theirs["masked"] == ["email", "phone", "phone_e164"]
    was = change(max, c, phone="+49 30 7654321")
    for client, expected in ((rita, "+49 30 1234567"), (axel, masked("phone", "+49 30 1234567"))):
        old = client.get("/contacts/" + c["id"], as_of=c["updated_at"]).json()
        assert (old["phone"], old["version"]) == (expected, 1), client.staff
    assert was["phone"] == "+49 30 7654321"
    history = [r for r in rita.get("/history", record=c["id"]).json()["data"] if r["field"] == "phone"]
    assert history[0]["old"] == masked("phone", "+49 30 1234567")
    for star in ({"email": "e***@a***"}, {"phone": "+4 *** ***-**67"}):
        problem(rita.patch("/contacts/" + c["id"], star, "*"), 422, "invalid_value", "/" + next(iter(star)))
    problem(nina.get("/contacts/" + c["id"]), 404, "not_found")


def test_whose(rita, nina, max, olga, omar, axel, customer):
    """Hidden and missing are the same for everything that names one."""
    c = contact(rita, customer)
    for client in (nina, olga, omar):
        for id_ in (c["id"], NOBODY):
            problem(client.get("/contacts/" + id_), 404, "not_found")
            problem(client.patch("/contacts/" + id_, {"title": "x"}, "*"), 404, "not_found")
            problem(client.delete("/contacts/" + id_, "*"), 404, "not_found")
        for id_ in (customer["id"], NOBODY):
            problem(client.post("/contacts", {"customer_id": id_, "name": "x"}), 404, "not_found")
            assert client.get("/contacts", customer=id_).json() == {"data": [], "next": None}
    for call in (lambda: axel.post("/contacts", {"customer_id": customer["id"], "name": "x"}), lambda: axel.patch("/contacts/" + c["id"], {"title": "x"}, "*"), lambda: axel.delete("/contacts/" + c["id"], "*")):
        problem(call(), 403, "forbidden")
    assert max.patch("/contacts/" + c["id"], {"title": "x"}, "*").status_code == 200


def test_one_is_primary(rita, customer):
    a, b, c = (contact(rita, customer, name=n) for n in "abc")
    assert [a["is_primary"], b["is_primary"], c["is_primary"]] == [True, False, False]
    change(rita, c, is_primary=True)
    assert [one(rita, x)["is_primary"] for x in (a, b, c)] == [False, False, True]
    d = contact(rita, customer, name="d", is_primary=True)
    assert [one(rita, x)["is_primary"] for x in (a, b, c, d)] == [False, False, False, True]
    assert [x["id"] for x in rita.get("/contacts", customer=customer["id"], primary="true").json()["data"]] == [d["id"]]
    assert rita.delete("/contacts/" + d["id"], "*").status_code == 200
    assert contact(rita, customer, name="e")["is_primary"] is True  # nobody was


def test_one_is_primary_though_all_are_made_it_at_once(rita, customer, stack):
    ids = [contact(rita, customer, name=str(n))["id"] for n in range(6)]
    head = {"Authorization": rita.http.headers["Authorization"], "If-Match": "*"}
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda i: Client(stack).request("PATCH", "/contacts/" + i, json={"is_primary": True}, headers=head), ids))
    assert all(a.status_code == 200 for a in answers), [a.text for a in answers]
    assert sum(one(rita, {"id": i})["is_primary"] for i in ids) == 1


def test_archived_customer(rita, customer):
    c = contact(rita, customer)
    assert rita.delete("/customers/" + customer["id"], "*").status_code == 200
    problem(rita.post("/contacts", {"customer_id": customer["id"], "name": "x"}), 409, "archived")
    problem(rita.patch("/contacts/" + c["id"], {"title": "x"}, "*"), 409, "archived")
    assert one(rita, c)["archived_at"] == rita.get("/customers/" + customer["id"]).json()["archived_at"]


def test_idempotent_and_own_ids(rita, nina, customer):
    key, id_ = {"Idempotency-Key": uuid.uuid4().hex}, "0190c7a2-0000-7000-8000-" + uuid.uuid4().hex[:12]
    body = {"customer_id": customer["id"], "name": "Once", "id": id_}
    first, again = rita.post("/contacts", body, key), rita.post("/contacts", body, key)
    assert first.status_code == again.status_code == 201 and first.json()["id"] == again.json()["id"] == id_
    problem(rita.post("/contacts", dict(body, name="Twice"), key), 422, "key_reused")
    problem(rita.post("/contacts", body), 409, "already_exists")
    assert len(rita.get("/contacts", customer=customer["id"]).json()["data"]) == 1
    assert rita.delete("/customers/" + customer["id"], "*").status_code == 200
    assert rita.post("/contacts", body, key).json()["archived_at"] is not None  # what it did, though it could not be done now


def test_pages_and_filters(rita, max, customer):
    made = [contact(rita, customer, name=f"Contact {n:02}", **({"email": f"c{n}@adler.example"} if n % 2 else {})) for n in range(13)]
    for sort, key in (("name", lambda r: r["name"]), ("-created_at", None)):
        rows = rita.pages("/contacts", customer=customer["id"], sort=sort, limit=5)
        assert [r["id"] for r in rows] == [r["id"] for r in (made if key else made[::-1])]
    assert rita.get("/contacts", customer=customer["id"], limit=1, count="exact").json()["count"] == 13
    assert [r["name"] for r in rita.get("/contacts", name="Contact 03,Contact 05", customer=customer["id"], sort="name").json()["data"]] == ["Contact 03", "Contact 05"]
    assert [r["id"] for r in max.get("/contacts", email="C7@adler.example").json()["data"]] == [made[7]["id"]]
    row = rita.get("/contacts", customer=customer["id"], fields="id,name", limit=1).json()["data"][0]
    assert set(row) == {"id", "name", "masked"}
    mine = {r["customer_id"] for r in rita.pages("/contacts", limit=200)}
    assert customer["id"] in mine and mine <= {c["id"] for c in rita.pages("/customers", limit=200)}
    problem(rita.get("/contacts", sort="email"), 400, "invalid_parameter")
    problem(rita.get("/contacts", bogus="1"), 400, "unknown_parameter")
