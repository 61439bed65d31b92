"""The ledger: every answer that shows customers leaves one row that names exactly them, and a refusal leaves none."""
import base64
import json
import uuid

import pytest

from masks import said
from people import newcomer
from restoring import changes, dry_run, missing, moment, restore, window


class Ledger:
    """What is in app.disclosure since it was looked at last."""

    def __init__(self, stack):
        self.stack, self.seen = stack, set()
        self.new()

    def new(self):
        rows = self.stack.sql("select id::text, request_id, staff_id::text, session_id::text, channel, customer_ids::text[], "
                              "classes, masked from app.disclosure")
        fresh = [r[1:] for r in rows if r[0] not in self.seen]
        self.seen |= {r[0] for r in rows}
        return fresh


@pytest.fixture
def ledger(stack, ada, max, rita, axel):
    return Ledger(stack)


def secret(client):
    """The session's secret, as the client's token has it."""
    body = client.tokens["access_token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["sid"]


def session(stack, client):
    """The id of the client's session."""
    return stack.sql("select id::text from app.session where secret_hash = app.secret_hash(%s)", secret(client))[0][0]


def shown(ledger, client, answer, customers, channel, masked=False):
    """Asserts that this answer wrote one row with these customers; returns the classes of fields."""
    (row,) = ledger.new()
    request, staff, session_id, channel_, ids, classes, masked_ = row
    assert uuid.UUID(request) == uuid.UUID(answer.headers["X-Request-Id"])
    assert (staff, session_id) == (client.id, session(ledger.stack, client))
    assert len(ids) == len(set(ids)) and set(ids) == set(customers)
    assert (channel_, masked_) == (channel, masked)
    assert answer.headers["X-Classification"].isascii() and answer.headers["X-Classification"]
    return classes


def test_one_customer(ledger, rita, max, axel):
    answer = rita.post("/customers", {"name": "Eins", "email": "eins@firm.example"})
    assert answer.status_code == 201
    c = [answer.json()["id"]]
    path = "/customers/" + c[0]
    shown(ledger, rita, answer, c, "change")
    answer = rita.get(path)
    assert shown(ledger, rita, answer, c, "read") == "base contact money notes"
    shown(ledger, axel, axel.get(path), c, "read", masked=True)
    shown(ledger, max, max.request("HEAD", path), c, "read")
    answer = rita.patch(path, {"city": "Ulm"}, answer.headers["ETag"])
    assert answer.status_code == 200
    shown(ledger, rita, answer, c, "change")
    answer = max.patch(path, {"city": "Bonn"}, '"v1"')
    assert answer.status_code == 412 and answer.json()["conflicts"][0]["current"] == "Ulm"
    shown(ledger, max, answer, c, "conflict", masked=True)
    answer = max.delete(path, '"v1"')
    assert answer.status_code == 412
    shown(ledger, max, answer, c, "conflict", masked=True)
    answer = rita.get(path, as_of=rita.get(path).json()["updated_at"])
    assert answer.status_code == 200 and len(ledger.new()) == 2
    answer = rita.delete(path, '"v2"')
    assert answer.status_code == 200
    shown(ledger, rita, answer, c, "change")
    # Where there is nothing to mask, nothing is masked.
    one = rita.customer()["id"]
    ledger.new()
    shown(ledger, axel, axel.get("/customers/" + one), [one], "read")


def test_a_repetition_shows_it_again(ledger, rita):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = rita.post("/customers", {"name": "Zwei"}, headers=key)
    shown(ledger, rita, first, [first.json()["id"]], "change")
    second = rita.post("/customers", {"name": "Zwei"}, headers=key)
    assert (second.status_code, second.json()) == (201, first.json())
    shown(ledger, rita, second, [first.json()["id"]], "change")


@pytest.mark.parametrize("limit", [1, 7, 200])
@said("lists off")
def test_list(contacts, ledger, rita, max, axel, limit):
    for who, masked in ((rita, contacts == "lists"), (max, contacts == "lists"), (axel, True)):
        cursor = {}
        for _ in range(2):
            answer = who.get("/customers", limit=limit, **cursor)
            page = answer.json()
            assert page["data"]
            assert shown(ledger, who, answer, [c["id"] for c in page["data"]], "list", masked) == "base contact money notes"
            cursor = {"cursor": page["next"]}
            if page["next"] is None:
                break


def test_list_of_some_fields_or_none(ledger, rita):
    answer = rita.get("/customers", fields="id,name", limit=5, count="exact")
    assert shown(ledger, rita, answer, [c["id"] for c in answer.json()["data"]], "list", masked=True) == "base"
    answer = rita.get("/customers", fields="id,phone,value", limit=5)
    assert shown(ledger, rita, answer, [c["id"] for c in answer.json()["data"]], "list", masked=True) == "base contact money"
    answer = rita.get("/customers", city="Nirgendwo", count="exact")
    assert answer.json()["data"] == [] and ledger.new() == []


CLOSED = ("email", "phone", "phone_e164", "value", "currency", "notes", "custom")


def typed(stack, client, function, arguments):
    """What SQL typed as the programs' role gives with the session of a client: the rows, without the tail."""
    rows = [r[0] for r in stack.sql(f"select to_jsonb(f) from api.{function}(%s, gen_random_uuid(), {arguments}) f", secret(client),
                                    user="holdfast_cgi")]
    assert [r["_tail"] for r in rows] == [None] * (len(rows) - 1) + [True]
    return rows[:-1]


@pytest.fixture
def many(stack, rita):
    """More customers than a page holds, with a value in each field, changed last of all."""
    stack.sql("""select app.act_as(org_id, id, 'x') from app.staff where id = %s;
        insert into app.customer (org_id, id, name, stage, owner_id, email, phone, value, currency, notes, custom, created_at, updated_at)
        select org_id, app.uuid7(), 'Many', 'new', id, 'a@b.example', '+49 30 5550 0100', 1, 'EUR', 'n', '{"a": 1}', app.clock(), app.clock()
        from app.staff, generate_series(1, 201) where id = app.me()""", rita.id)


@pytest.mark.parametrize("name", ["ada", "max", "rita"])
def test_fields_that_were_not_asked_for_stay_in_the_database(stack, ledger, many, name):
    who = stack.login(name + "@demo.test")

    def page(fields, lim):
        rows = typed(stack, who, "customer_list", f"'{{}}', false, '{fields}', '-updated_at', null, {lim}, null")
        ((_, staff, _, channel, ids, classes, _),) = ledger.new()
        assert (staff, channel, set(ids)) == (who.id, "list", {r["id"] for r in rows})
        return rows, classes
    rows, classes = page("{id,name}", 201)
    assert classes == "base" and len(rows) == 200
    assert all(r["id"] and r["name"] == "Many" for r in rows)
    assert [(k, r[k]) for r in rows for k in CLOSED if r[k] is not None] == []
    rows, classes = page("{id,phone,currency}", 5)
    assert classes == "base contact money" and len(rows) == 5
    assert {k for k in CLOSED if rows[0][k] is not None} == {"phone", "currency"}


def test_no_page_is_longer_than_200(stack, ledger, many, ada):
    for function, arguments in (("customer_list", "'{}', false, null, 'name', null, 1000, null"), ("history_list", "'{}', null, 1000")):
        assert len(typed(stack, ada, function, arguments)) == 200
        assert len(ledger.new()[0][4]) <= 200


@said("lists off")
def test_history(contacts, ledger, rita, max, axel):
    masked = contacts == "lists"
    c, d = rita.customer(), rita.customer(email="a@b.example")
    rita.change(c, city="Ulm")
    ledger.new()
    answer = rita.get(f"/customers/{c['id']}/history")
    assert shown(ledger, rita, answer, [c["id"]], "history", masked) == "base contact money notes", "a creation is the whole record"
    answer = axel.get("/history", record=f"{c['id']},{d['id']}")
    assert len(answer.json()["data"]) == 3
    shown(ledger, axel, answer, [c["id"], d["id"]], "history", masked=True)
    answer = max.get("/history", limit=3)
    shown(ledger, max, answer, {r["record_id"] for r in answer.json()["data"]}, "history", masked)
    answer = rita.get("/history", record=c["id"], field="city")
    assert shown(ledger, rita, answer, [c["id"]], "history", masked) == "base"
    answer = rita.get("/history", record=c["id"], field="phone")
    assert answer.json()["data"] == [] and ledger.new() == []


@said("lists off")
def test_conflicts_of_a_restore(contacts, stack, ledger, rita, max, axel):
    masked = contacts == "lists"
    begin = moment(stack)
    made = [rita.customer() for _ in range(4)]
    begin = moment(stack)
    for c in made:
        rita.change(c, city="Ulm", region="BY")
    scope = window(rita, begin, moment(stack))
    clashing = [c["id"] for c in made[:2]]
    for c in made[:2]:
        max.change(c, city="Bonn", region="NW")
    ledger.new()
    answer = max.post("/restores", {"scope": scope, "dry_run": True})
    assert answer.json()["conflict_count"] == 4
    shown(ledger, max, answer, clashing, "restore", masked)
    answer = max.post("/restores", {"scope": scope, "reason": "x", "plan_hash": answer.json()["plan_hash"]})
    assert answer.status_code == 201 and answer.json()["conflict_count"] == 4
    shown(ledger, max, answer, clashing, "restore", masked)
    path = "/restores/" + answer.json()["id"]
    shown(ledger, max, max.get(path), clashing, "restore", masked)
    shown(ledger, axel, axel.get(path), clashing, "restore", masked=True)
    answer = max.get(path + "/conflicts", limit=1)
    shown(ledger, max, answer, [answer.json()["data"][0]["record_id"]], "restore", masked)
    shown(ledger, axel, axel.get(path + "/conflicts"), clashing, "restore", masked=True)
    # Without conflicts nothing of a customer is shown.
    last = changes(max, made[0], field="city")[0]
    ledger.new()
    assert dry_run(max, {"change": last["id"]})["conflicts"] == []
    done = restore(max, {"change": last["id"]})
    assert max.get("/restores/" + done["id"]).json()["restored"] == 1
    max.get("/operations/" + done["operation_id"])
    max.get("/operations")
    assert ledger.new() == []


def test_people_are_no_customers(stack, ledger, ada, rita):
    """The history of a person and what clashes in it are not in the ledger, even beside a customer."""
    someone, c = newcomer(stack), rita.customer()
    for word in ("One", "Two"):
        stack.sql("update app.staff set name = %s where id = %s", word, someone.id)
    ledger.new()
    one = ada.get("/history", record=someone.id, field="name", to=moment(stack)).json()["data"][-1]
    assert one["new"] == "One" and dry_run(ada, {"change": one["id"]})["conflict_count"] == 1
    done = restore(ada, {"change": one["id"]})["id"]
    assert ada.get("/restores/" + done).json()["conflict_count"] == len(ada.pages(f"/restores/{done}/conflicts")) == 1
    assert ada.pages("/history", record=someone.id, limit=200) and ledger.new() == []
    answer = ada.get("/history", record=f"{someone.id},{c['id']}")
    assert {r["entity"] for r in answer.json()["data"]} == {"customers", "staff"}
    shown(ledger, ada, answer, [c["id"]], "history", masked=True)


def test_refusals_and_304_show_nothing(stack, ledger, rita, omar, nobody, axel, max):
    c = rita.customer()
    path = "/customers/" + c["id"]
    gone = rita.customer()
    archived = rita.delete("/customers/" + gone["id"], '"v1"')
    one = max.customer()
    scope = {"entity": "customers", "id": c["id"], "as_of": c["created_at"]}
    ledger.new()
    for answer, status in (
            (rita.get(path, headers={"If-None-Match": '"v1"'}), 304),
            (axel.get(path, headers={"If-None-Match": '"v1m"'}), 304),
            (nobody.get(path), 401), (nobody.get("/customers"), 401),
            (omar.get(path), 404), (omar.get(path + "/history"), 404), (rita.get("/customers/" + missing()), 404),
            (omar.patch(path, {"city": "x"}, '"v1"'), 404), (omar.delete(path, '"v1"'), 404),
            (rita.patch(path, {"city": "x"}), 428), (rita.patch(path, {"phone": "***"}, '"v1"'), 422),
            (rita.patch(path, {"stage": "won"}, '"v1"'), 403), (axel.patch(path, {"city": "x"}, '"v1"'), 403),
            (rita.patch("/customers/" + gone["id"], {"city": "x"}, archived.headers["ETag"]), 409),
            (rita.delete("/customers/" + gone["id"], archived.headers["ETag"]), 409),
            (rita.post("/customers", {"name": "x", "id": c["id"]}), 409), (rita.post("/customers", {"name": ""}), 422),
            (rita.post("/customers", {"name": "x", "country": "XX"}), 422), (axel.post("/customers", {"name": "x"}), 403),
            (rita.get("/customers", limit=0), 400), (rita.get("/customers", colour="red"), 400),
            (rita.get("/history", actor="x"), 400), (omar.post("/restores", {"scope": scope, "dry_run": True}), 404),
            (axel.post("/restores", {"scope": scope, "dry_run": True}), 403),
            (rita.post("/restores", {"scope": scope, "plan_hash": "0" * 64, "reason": "x"}), 409),
            (rita.post("/restores", {"scope": scope}), 422), (omar.get("/restores/" + missing()), 404),
            (rita.get("/customers/" + one["id"]), 404), (rita.request("PUT", path), 405)):
        assert answer.status_code == status, f"{answer.request.method} {answer.url} {answer.status_code} {answer.text}"
        assert ledger.new() == [], f"{answer.request.method} {answer.url}"


def test_the_row_is_there_before_the_answer(stack, rita):
    """Without the ledger there is no answer."""
    c = rita.customer()
    stack.sql("alter table app.disclosure add constraint test_full check (classes = '') not valid")
    try:
        answers = [rita.get("/customers/" + c["id"]), rita.get("/customers"), rita.get("/history"),
                   rita.patch("/customers/" + c["id"], {"city": "Ulm"}, '"v1"')]
    finally:
        stack.sql("alter table app.disclosure drop constraint test_full")
    for answer in answers:
        assert answer.status_code >= 400 and c["id"] not in answer.text
    assert rita.get("/customers/" + c["id"]).json() == c
