"""GET /customers/{id}/timeline: all that happened with one customer is there once, in its order, as the history shows it."""
import random

from holdfast import problem
from masks import masked, said
from moving import moved
from people import MISSING, faceless
from restoring import last_operation, undo
from works import disclosed, hides

ENTRY = {"id", "at", "kind", "entity", "record_id", "field", "old", "new", "actor_id", "actor_name", "via", "operation_id"}
KINDS = ("activity", "change", "stage", "owner", "contact", "deal", "offer")


def timeline(client, customer, **filter):
    rows = client.pages(f"/customers/{customer['id']}/timeline", **filter)
    assert all(set(row) == ENTRY and row["kind"] in KINDS for row in rows)
    return rows


def made(client, entity, customer, **fields):
    answer = client.post("/" + entity, dict(fields, customer_id=customer["id"]))
    assert answer.status_code == 201, answer.text
    return answer.json()


def said_at(client, customer, at=None, **fields):
    return made(client, "activities", customer, **dict({"kind": "note", "body": "Said"}, **({"at": at} if at else {}), **fields))


def full(client):
    """A customer with which everything happened."""
    c = client.customer(name="Adler", email="a@adler.example", phone="+49 30 1234567")
    k = made(client, "contacts", c, name="Eva", email="eva@adler.example", phone="+49 30 999999")
    made(client, "deals", c, title="Big")
    made(client, "offers", c, currency="EUR", valid_until="2100-01-01", lines=[{"description": "Work", "quantity": 1, "unit_price": 100}])
    a = said_at(client, c, "2026-01-05T08:00:00Z", contact_id=k["id"])
    client.change(c, city="Ulm")
    assert client.patch("/activities/" + a["id"], {"outcome": "Yes"}, "*").status_code == 200
    moved(client, c, "contacted")
    return c, k, a


def test_everything_is_there_once_in_its_order(stack, rita, max):
    c, k, a = full(rita)
    moved(max, c, "proposal", owner_id=stack.login("nina@demo.test").id)
    rows = timeline(max, c)
    assert sorted((r["kind"], r["entity"], r["field"] or "") for r in rows) == sorted([
        ("activity", "activities", ""), ("change", "activities", "outcome"), ("change", "customers", ""), ("change", "customers", "city"),
        ("stage", "customers", "stage"), ("stage", "customers", "stage"), ("owner", "customers", "owner_id"),
        ("contact", "contacts", ""), ("deal", "deals", ""), ("offer", "offers", "")])
    assert [(r["at"], r["id"]) for r in rows] == sorted([(r["at"], r["id"]) for r in rows], reverse=True)
    # What was said stands where it was said, long before it was written down.
    assert (rows[-1]["kind"], rows[-1]["record_id"], rows[-1]["at"]) == ("activity", a["id"], "2026-01-05T08:00:00.000000Z")
    assert (rows[-1]["actor_id"], rows[-1]["actor_name"], rows[-1]["via"]) == (rita.id, rita.staff["name"], None)
    (listed,) = max.get("/activities", customer=c["id"]).json()["data"]
    assert rows[-1]["new"] == listed and rows[-1]["old"] is None
    # All the rest are rows of the history, as it shows them.
    history = {r["id"]: r for r in max.pages("/history", limit=200, record=",".join(r["record_id"] for r in rows))}
    assert [{f: r[f] for f in ENTRY - {"kind"}} for r in rows[:-1]] == [history[r["id"]] for r in rows[:-1]]
    born = [r for r in history.values() if r["entity"] == "activities" and r["field"] is None]
    assert len(history) == len(rows) and len(born) == 1


def test_each_kind_by_itself(rita):
    c, _, _ = full(rita)
    rows = timeline(rita, c)
    for kind in KINDS:
        assert timeline(rita, c, kind=kind) == [r for r in rows if r["kind"] == kind]
    assert timeline(rita, c, kind="activity,stage,change") == [r for r in rows if r["kind"] in ("activity", "stage", "change")]
    assert timeline(rita, c, kind="owner,offer") == [r for r in rows if r["kind"] in ("owner", "offer")]
    assert {"activity", "change", "stage", "contact", "deal", "offer"} <= {r["kind"] for r in rows}
    problem(rita.get(f"/customers/{c['id']}/timeline", kind="gossip"), 400)


def test_pages_of_any_size_are_the_whole(stack, rita):
    """Also where much happened in one moment, and where moments of activities and changes are the same."""
    seed = random.randrange(10 ** 9)
    print("seed", seed)
    chance = random.Random(seed)
    c, _, _ = full(rita)
    for n in range(6):
        rita.change(c, city=f"City {n}", region=f"Region {n}", source=f"Source {n}")
    rows = timeline(rita, c)
    for at in [r["at"] for r in rows if r["entity"] == "customers"][:5] + ["2026-01-05T08:00:00Z"] * 7:
        said_at(rita, c, at)
    rows = timeline(rita, c, limit=200)
    ats = [r["at"] for r in rows]
    assert len(set(r["id"] for r in rows)) == len(rows) > 35 and len(set(ats)) < len(rows) - 15
    assert [(r["at"], r["id"]) for r in rows] == sorted([(r["at"], r["id"]) for r in rows], reverse=True)
    for kind in (None, "activity", "change", "activity,change", "contact,deal,offer,stage"):
        wanted = [r for r in rows if kind is None or r["kind"] in kind.split(",")]
        for _ in range(3):
            found, since = [], None
            while since is not None or not found:
                answer = rita.get(f"/customers/{c['id']}/timeline", limit=chance.randint(1, 9), **({"kind": kind} if kind else {}), **({"cursor": since} if since else {}))
                assert answer.status_code == 200, answer.text
                found, since = found + answer.json()["data"], answer.json()["next"]
                if since is None:
                    break
            assert found == wanted
    middle = ats[len(ats) // 2]
    assert timeline(rita, c, limit=5, **{"from": middle}) == [r for r in rows if r["at"] >= middle]
    assert timeline(rita, c, limit=5, to=middle) == [r for r in rows if r["at"] < middle]
    assert timeline(rita, c, limit=1, **{"from": ats[-1], "to": ats[20]}) == [r for r in rows if ats[-1] <= r["at"] < ats[20]]


def test_hidden_is_missing(rita, omar, axel, nobody):
    c, _, _ = full(rita)
    missing = faceless(omar.get(f"/customers/{MISSING}/timeline"))
    assert missing[0] == 404 and faceless(omar.get(f"/customers/{c['id']}/timeline")) == missing
    assert len(timeline(axel, c)) == len(timeline(rita, c))
    problem(nobody.get(f"/customers/{c['id']}/timeline"), 401)
    since = rita.get(f"/customers/{c['id']}/timeline", limit=1).json()["next"]
    problem(axel.get(f"/customers/{c['id']}/timeline", cursor=since), 400)


def test_whoever_has_it_now_sees_all_of_it(rita, nina):
    c, _, _ = full(rita)
    rows = timeline(rita, c)
    moved(rita, c, "proposal", owner_id=nina.id)
    after = timeline(nina, c)
    assert [r for r in after if r["id"] in {r["id"] for r in rows}] == rows and {r["kind"] for r in after[:2]} == {"stage", "owner"}


@said("off lists always")
def test_contact_values_are_masked_as_in_lists(contacts, rita):
    c, k, _ = full(rita)
    rows = timeline(rita, c)
    by = {r["record_id"]: r["new"] for r in rows if r["field"] is None}
    for id, was in ((c["id"], {"email": "a@adler.example", "phone": "+49 30 1234567"}), (k["id"], {"email": "eva@adler.example", "phone": "+49 30 999999"})):
        for field, value in was.items():
            assert by[id][field] == (value if contacts == "off" else masked(field, value))


def test_what_is_kept_back_is_not_there(ada, rita, nina):
    c, _, _ = full(rita)
    moved(rita, c, "proposal", owner_id=nina.id)
    nina.change(c, notes="secret")
    moved(nina, c, "new", owner_id=rita.id)
    with hides(ada, negotiation=["notes", "contacts", "activities"]):
        rows = timeline(rita, c)
        assert {r["kind"] for r in rows} == {"change", "stage", "owner", "deal", "offer"}
        assert "secret" not in str(rows) and {r["entity"] for r in rows} == {"customers", "deals", "offers"}
        assert timeline(rita, c, kind="contact,activity") == []
    assert "secret" in str(timeline(rita, c))


def test_archived_and_restored(rita, max):
    c, _, a = full(rita)
    gone = said_at(rita, c)
    assert rita.delete("/activities/" + gone["id"], "*").status_code == 200
    before = timeline(rita, c)
    assert gone["id"] not in [r["id"] for r in before] and ("change", "archived_at", gone["id"]) in [(r["kind"], r["field"], r["record_id"]) for r in before]
    assert rita.delete("/customers/" + c["id"], "*").status_code == 200
    # Nothing is lost by it: what was said is still there, but not what had been taken away before.
    after = timeline(rita, c)
    assert [r["id"] for r in after if r["kind"] == "activity"] == [a["id"]] and [r for r in after if r in before and r["kind"] != "activity"] == [r for r in before if r["kind"] != "activity"]
    undo(max, last_operation(max, c))
    assert [r["id"] for r in timeline(rita, c) if r["kind"] == "activity"] == [a["id"]]


def test_what_was_merged_into_it_brings_its_past(rita, max):
    c, _, _ = full(rita)
    other, _, said_ = full(rita)
    rita.change(other, city="Hof")
    past = timeline(rita, other)
    answer = max.post(f"/customers/{c['id']}/merge", {"other": other["id"], "reason": "The same."})
    assert answer.status_code == 200, answer.text
    rows = timeline(rita, c, limit=7)
    assert {r["id"] for r in past} <= {r["id"] for r in rows} and len({r["id"] for r in rows}) == len(rows)
    assert [r["new"]["customer_id"] for r in rows if r["id"] == said_["id"]] == [c["id"]]
    undo(max, max.get("/operations", action="customers.merge", limit=1).json()["data"][0]["id"])
    assert not {r["id"] for r in past if r["entity"] == "customers"} & {r["id"] for r in timeline(rita, c)}
    assert {r["id"] for r in past} <= {r["id"] for r in timeline(rita, other)}


def test_the_ledger_knows_what_was_shown(stack, rita):
    c, _, _ = full(rita)
    for kind, classes in (("stage", "base"), ("activity", "base notes"), ("deal", "base money notes"), ("contact", "base contact notes"), ("contact,deal", "base contact money notes")):
        (found,) = disclosed(stack, rita.get(f"/customers/{c['id']}/timeline", kind=kind, limit=200))
        assert found[:3] == ("timeline", [c["id"]], classes)
    assert disclosed(stack, rita.get(f"/customers/{c['id']}/timeline", to="2001-01-01T00:00:00Z")) == []
