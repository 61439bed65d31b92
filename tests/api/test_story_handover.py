"""The story: rita calls, meets, offers twice; the customer goes to nina, then to omar, and omar stands where they stood."""
import pytest

from holdfast import Stack, problem


@pytest.fixture(scope="module")
def stack():
    """Its own, since it lives through weeks."""
    with Stack() as running:
        yield running


def post(client, path, status=201, **body):
    answer = client.post(path, body)
    assert answer.status_code == status, answer.text
    return answer.json()


def line(price):
    return {"description": "Housing", "quantity": 500, "unit_price": price, "discount": 0, "tax": 19}


def spoken(entries):
    """What was said, without who asks."""
    return [(e["kind"], e["direction"], e["subject"], e["body"], e["outcome"], e["at"]) for e in entries]


def test_story(stack, rita, nina, omar, ada, max):
    customer = post(rita, "/customers", name="Adler Werke", country="DE", city="Ulm", phone="0731 123456", value=9000000, currency="EUR")
    decoy = post(rita, "/customers", name="Adler Werke Zwei", country="DE", city="Ulm", phone="0731 123457")
    id_, whose = customer["id"], {"customer_id": customer["id"]}
    eva = post(rita, "/contacts", name="Eva Adler", email="eva@adler.example", phone="0731 1234-11", **whose)
    other = post(rita, "/contacts", customer_id=decoy["id"], name="Eva Falke", email="eva@falke.example")
    deal = post(rita, "/deals", title="Annual supply", amount=9000000, currency="EUR", **whose)

    said = [post(rita, "/activities", kind="call", direction="out", subject="First call", body="Buys twice a year.", outcome="Interested", contact_id=eva["id"], **whose)]
    stack.clock("2 days")
    rita = stack.login("rita@demo.test")   # tokens do not live that long
    said.append(post(rita, "/activities", kind="meeting", subject="At their plant", body="Eva decides with the owner.", outcome="Wants an offer",
                     contact_id=eva["id"], next_step="Offer 500 pieces", due_at="2030-01-01T00:00:00Z", **whose))
    post(rita, "/activities", customer_id=decoy["id"], kind="note", subject="Secret", body="Of somebody else entirely.", contact_id=other["id"])
    first = post(rita, "/offers", currency="EUR", lines=[line(1300)], contact_id=eva["id"], deal_id=deal["id"], title="500 housings", **whose)
    assert post(rita, f"/offers/{first['id']}/send", 200)["status"] == "sent"
    assert rita.patch("/activities/" + said[-1]["id"], {"done_at": said[-1]["at"]}, "*").status_code == 200
    problem(rita.patch("/offers/" + first["id"], {"lines": [line(1)]}, "*"), 409, "offer_sent")
    problem(rita.delete("/offers/" + first["id"], "*"), 409, "offer_sent")
    stack.clock("5 days")
    rita, nina = stack.login("rita@demo.test"), stack.login("nina@demo.test")
    said.append(post(rita, "/activities", kind="email", direction="in", subject="Too dear", body="Asks for 12 euros apiece.", contact_id=eva["id"],
                     next_step="Second offer at 12 euros", due_at="2030-02-01T00:00:00Z", **whose))
    second = post(rita, f"/offers/{first['id']}/revise", lines=[line(1200)])
    assert (second["number"], second["revision"], second["status"]) == (first["number"], 2, "draft")
    assert post(rita, f"/offers/{second['id']}/send", 200)["status"] == "sent"

    moved = post(rita, f"/customers/{id_}/stage", 200, stage="proposal", owner_id=nina.id, note="She decides this month.")
    assert moved["owner_id"] == nina.id
    problem(rita.get(f"/customers/{id_}/handover"), 404, "not_found")
    stack.clock("9 days")
    nina, ada = stack.login("nina@demo.test"), stack.login("ada@demo.test")
    said.append(post(nina, "/activities", kind="call", direction="in", subject="Delivery", body="Needs them by May.", outcome="Promised week 18", contact_id=eva["id"],
                     next_step="Confirm week 18 in writing", due_at="2030-03-01T00:00:00Z", **whose))
    # Transferred: back to prospecting, to omar of the other team.
    assert post(ada, f"/customers/{id_}/stage", 200, stage="qualified", owner_id=omar.id)["owner_id"] == omar.id
    problem(nina.get(f"/customers/{id_}"), 404, "not_found")

    omar = stack.login("omar@demo.test")
    answer = omar.get(f"/customers/{id_}/handover")
    assert answer.status_code == 200, answer.text
    doc = answer.json()
    assert doc["customer"]["name"] == "Adler Werke" and doc["customer"]["phone_e164"] == "+49731123456"
    assert spoken(doc["conversations"]) == spoken(said[::-1]) and doc["conversation_count"] == 4
    assert [c["author"]["name"] for c in doc["conversations"]] == ["Nina Rep", "Rita Rep", "Rita Rep", "Rita Rep"]
    offers = {o["revision"]: o for o in doc["offers"]}
    assert set(offers) == {1, 2} and {o["number"] for o in doc["offers"]} == {first["number"]}
    assert [(offers[r]["lines"][0]["unit_price"], offers[r]["net"], offers[r]["gross"], offers[r]["promised_by"]["name"]) for r in (1, 2)] == [
        (1300, 650000, 773500, "Rita Rep"), (1200, 600000, 714000, "Rita Rep")]
    assert doc["open_offers"] == [second["id"]]
    assert [(s["what"], s["promised_by"]["name"], s["contact"]["name"]) for s in doc["next_steps"]] == [
        ("Second offer at 12 euros", "Rita Rep", "Eva Adler"), ("Confirm week 18 in writing", "Nina Rep", "Eva Adler")]
    assert [(c["name"], c["proven"]["email"] is not None, c["proven"]["phone"] is not None) for c in doc["contacts"]] == [("Eva Adler", True, True)]
    assert [o["owner"]["name"] for o in doc["owners"]] == ["Omar Rep", "Nina Rep", "Rita Rep"]
    assert [d["title"] for d in doc["deals"]] == ["Annual supply"]
    assert 0 < doc["completeness"]["score"] <= 100
    for foreign in ("Zwei", "Secret", "somebody else", "Falke", decoy["id"], other["id"]):
        assert foreign not in answer.text

    page = omar.get(f"/customers/{id_}/handover", headers={"Accept": "text/html"})
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
    for fact in ("Adler Werke", "Eva Adler", "Buys twice a year.", "Asks for 12 euros apiece.", "Needs them by May.", first["number"], "Confirm week 18 in writing", "Rita Rep", "Nina Rep"):
        assert fact in page.text, fact
    assert "Secret" not in page.text and "<script" not in page.text

    kinds = [e["kind"] for e in omar.pages(f"/customers/{id_}/timeline", limit=7)]
    assert {k: kinds.count(k) for k in ("activity", "owner", "stage")} == {"activity": 4, "owner": 2, "stage": 2} and kinds.count("offer") >= 4
    # Now it is his: he goes on where they stopped, and what they said stays theirs.
    assert omar.patch("/activities/" + said[-1]["id"], {"done_at": said[-1]["at"]}, "*").status_code == 200
    problem(omar.patch("/activities/" + said[0]["id"], {"body": "Nothing was said."}, "*"), 403, "forbidden", "/body")
    assert post(omar, f"/offers/{second['id']}/accept", 200, reason="Week 18")["status"] == "accepted"
    assert stack.fold_differences() == []
