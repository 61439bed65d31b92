"""test_deals.py -- chances to sell something: amounts, stages, won and lost for a reason."""
import pytest

from holdfast import problem

MEMBERS = ["id", "customer_id", "title", "stage", "amount", "currency", "expected_close", "status", "reason", "closed_at", "notes", "version", "created_at", "updated_at", "archived_at", "masked"]


def deal(client, customer, **fields):
    answer = client.post("/deals", dict({"title": "Annual supply", "customer_id": customer["id"]}, **fields))
    assert answer.status_code == 201, answer.text
    return answer.json()


def change(client, record, **fields):
    return client.patch("/deals/" + record["id"], fields, client.get("/deals/" + record["id"]).headers["ETag"])


@pytest.fixture
def customer(rita):
    return rita.customer(stage="contacted")


def test_from_beginning_to_end(rita, customer):
    d = deal(rita, customer, amount=1250000, currency="EUR", expected_close="2027-02-28", notes="Two plants.")
    assert list(d) == MEMBERS
    assert (d["stage"], d["status"], d["closed_at"], d["expected_close"], d["amount"]) == ("contacted", "open", None, "2027-02-28", 1250000)  # its customer's stage
    d = change(rita, d, stage="qualified", amount=1500000).json()
    assert (d["stage"], d["amount"], d["version"]) == ("qualified", 1500000, 2)
    assert rita.get("/deals/" + d["id"], as_of=d["created_at"]).json()["amount"] == 1250000
    won = change(rita, d, status="won", reason="Delivery time").json()
    assert (won["status"], won["reason"]) == ("won", "Delivery time") and won["closed_at"] is not None
    assert [r["id"] for r in rita.get("/deals", customer=customer["id"], status="won,lost").json()["data"]] == [d["id"]]
    assert rita.delete("/deals/" + d["id"], "*").json()["archived_at"] is not None
    assert {r["field"] for r in rita.get("/history", record=d["id"]).json()["data"]} == {None, "stage", "amount", "status", "reason", "archived_at"}


@pytest.mark.parametrize("word", ["won", "lost"])
def test_closing(rita, max, customer, word):
    d = deal(rita, customer, amount=100, currency="EUR")
    for reason in ({}, {"reason": None}):
        problem(change(rita, d, status=word, **reason), 422, "invalid_value", "/reason")
    assert change(rita, d, status=word, reason="x").status_code == 200
    for again in ({"status": "won", "reason": "y"}, {"status": "lost", "reason": "y"}, {"status": word}, {"amount": 1}, {"title": "y"}, {"stage": "new"}, {"expected_close": "2027-01-01"}):
        problem(change(rita, d, **again), 409, "deal_closed")
    assert change(rita, d, notes="Ask why next year.").status_code == 200
    opened = change(max, d, status="open", amount=7).json()
    assert (opened["status"], opened["amount"], opened["closed_at"], opened["reason"]) == ("open", 7, None, None)
    assert change(rita, d, status=word, reason="z").status_code == 200


def test_closed_from_the_beginning(rita, customer):
    assert deal(rita, customer, status="won", reason="Came by itself")["closed_at"] is not None
    problem(rita.post("/deals", {"title": "x", "customer_id": customer["id"], "status": "lost"}), 422, "invalid_value", "/reason")


@pytest.mark.parametrize("wrong, pointer", [({"currency": "EUX"}, "/currency"), ({"currency": "eur"}, "/currency"), ({"stage": "bogus"}, "/stage"), ({"amount": -1}, "/amount"), ({"amount": 1.5}, "/amount"),
                                            ({"expected_close": "2027-02-29"}, "/expected_close"), ({"status": "maybe"}, "/status"), ({"title": ""}, "/title")])
def test_bad_values(rita, customer, wrong, pointer, stack):
    before = stack.sql("select count(*) from app.deal")
    problem(rita.post("/deals", dict({"title": "x", "customer_id": customer["id"]}, **wrong)), 422, "invalid_value", pointer)
    assert stack.sql("select count(*) from app.deal") == before
    d = deal(rita, customer)
    problem(change(rita, d, **wrong), 422, "invalid_value", pointer)


def test_lists(rita, max, omar, customer):
    made = [deal(rita, customer, title=f"Deal {n}", **({"amount": n * 100, "currency": "EUR", "expected_close": f"2027-01-{n:02}"} if n else {})) for n in range(6)]
    def titles(**filter):
        return [d["title"][5:] for d in rita.pages("/deals", customer=customer["id"], limit=2, **filter)]
    assert titles(sort="amount") == list("012345") and titles(sort="-amount") == list("543210")
    assert titles(sort="expected_close") == list("123450")
    assert titles(sort="title", amount_min=200, amount_max=400) == list("234")
    assert titles(sort="title", close_after="2027-01-02", close_before="2027-01-04") == list("23")
    assert titles(currency="USD") == [] and sorted(titles(stage="contacted")) == list("012345")
    assert {d["id"] for d in made} <= {d["id"] for d in max.pages("/deals", limit=200)}
    assert not {d["id"] for d in made} & {d["id"] for d in omar.pages("/deals", limit=200)}


def test_moves_with_its_customer(rita, nina, customer):
    d = deal(rita, customer)
    assert rita.post(f"/customers/{customer['id']}/stage", {"stage": "proposal", "owner_id": nina.id}).status_code == 200
    problem(rita.get("/deals/" + d["id"]), 404, "not_found")
    problem(rita.patch("/deals/" + d["id"], {"notes": "x"}, "*"), 404, "not_found")
    assert change(nina, d, notes="Mine now.").status_code == 200
