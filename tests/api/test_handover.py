"""The handover document: all of one customer, nothing of another, and each value as its reader gets it elsewhere."""
import contextlib
import json

import pytest

from holdfast import problem
from masks import masked, said
from offering import ago, offer, sent
from people import MISSING, faceless, newcomer, other_org
from restoring import restore
from taking_over import Case, child, document, numbers, patch, post
from test_disclosure import Ledger, shown
from works import hides, settings

@pytest.fixture
def case(rita):
    return Case(rita)


def test_everything_of_it_and_nothing_of_its_twin(rita, nina, omar, ada, case):
    """Handed over by stage, then transferred: the last one has all that the lists have."""
    twin = Case(rita, "Falke")
    post(rita, f"/customers/{case.c['id']}/stage", stage="proposal", owner_id=nina.id)
    problem(rita.get(f"/customers/{case.c['id']}/handover"), 404, "not_found")
    late = child(nina, "activities", case.c, kind="call", direction="in", subject="Hers", next_step="Nina's word")
    patch(ada, "/customers/" + case.c["id"], owner_id=omar.id, stage="qualified")
    answer = omar.get(f"/customers/{case.c['id']}/handover")
    doc = answer.json()
    assert doc["customer"] == omar.get("/customers/" + case.c["id"]).json() and doc["generated_for"] == {"id": omar.id, "name": "Omar Rep"}
    assert [{k: v for k, v in k.items() if k != "proven"} for k in doc["contacts"]] == [omar.get("/contacts/" + i["id"]).json() for i in (case.eva, case.bob)], "the primary one first"
    assert doc["deals"] == [omar.get("/deals/" + case.deal["id"]).json()]
    offers = [omar.get("/offers/" + o["id"]).json() for o in (case.draft, case.second, case.first)]
    assert [o["id"] for o in doc["offers"]] == [o["id"] for o in offers]
    assert all(dict(whole, promised_by=None) == dict({k: o[k] for k in whole}, promised_by=None) for whole, o in zip(doc["offers"], offers))
    who = {"id": rita.id, "name": "Rita Rep"}
    assert [o["promised_by"] for o in doc["offers"]] == [None, who, who] and doc["open_offers"] == [case.second["id"]]
    assert [(a["subject"], a["author"]["name"], a["contact"] and a["contact"]["name"]) for a in doc["conversations"]] == [("Hers", "Nina Rep", None)] + [
        (a["subject"], "Rita Rep", case.bob["name"] if a["kind"] == "message" else case.eva["name"]) for a in case.said[::-1]]
    for a, row in zip(doc["conversations"], [late] + case.said[::-1]):
        assert {k: a[k] for k in row if k != "customer_id"} == {k: v for k, v in row.items() if k != "customer_id"} and "customer_id" not in a
    assert doc["conversation_count"] == 7
    assert [(s["what"], s["due_at"], s["overdue"], s["promised_by"], s["contact"], s["activity_id"]) for s in doc["next_steps"]] == [
        ("Task Adler", "2080-01-01T00:00:00.000000Z", False, who, None, case.task["id"]),
        ("Step of Adler", "2090-01-01T00:00:00.000000Z", False, who, {"id": case.eva["id"], "name": case.eva["name"]}, case.said[0]["id"]),
        ("Nina's word", None, False, {"id": nina.id, "name": "Nina Rep"}, None, late["id"])]
    assert [s["since"] for s in doc["next_steps"]] == [case.task["at"], case.said[0]["at"], late["at"]]
    assert "Falke" not in answer.text and "falke" not in answer.text and not [i for i in twin.ids if i in answer.text]
    assert not [i for i in case.ids if i not in answer.text]


def test_owners_and_where_it_stands(rita, nina, max, ada, case):
    def owners(who):
        doc = document(who, case.c)
        chain = doc["owners"]
        assert [o["to"] for o in chain] == [None] + [o["from"] for o in chain[:-1]], "without a gap"
        moves = who.pages(f"/customers/{case.c['id']}/history", field="stage")
        assert doc["standing"]["since"] == (moves[0]["at"] if moves else case.c["created_at"])
        return [o["owner"] and o["owner"]["name"] for o in chain], doc["standing"]["stage_name"], doc["standing"]["segment_name"], doc["standing"]["owner"] and doc["standing"]["owner"]["name"]
    assert owners(rita) == (["Rita Rep"], "New", "Prospecting", "Rita Rep")
    assert document(rita, case.c)["owners"][0]["from"] == case.c["created_at"]
    post(rita, f"/customers/{case.c['id']}/stage", stage="proposal", owner_id=nina.id)
    assert owners(nina) == (["Nina Rep", "Rita Rep"], "Proposal", "Negotiation", "Nina Rep")
    ada.change(case.c, owner_id=None)
    assert owners(max) == ([None, "Nina Rep", "Rita Rep"], "Proposal", "Negotiation", None)
    ada.change(case.c, owner_id=rita.id, stage="contacted")
    assert owners(rita) == (["Rita Rep", None, "Nina Rep", "Rita Rep"], "Contacted", "Prospecting", "Rita Rep")
    patch(rita, "/customers/" + case.c["id"], city="Bonn")
    assert len(owners(rita)[0]) == 4
    for n in range(60):
        ada.change(case.c, owner_id=None if n % 2 else rita.id) if n else ada.change(case.c, owner_id=None)
    assert len(document(ada, case.c)["owners"]) == 50


@said("off lists always")
def test_masks_are_those_of_the_one_record(rita, max, axel, ada, carl, contacts, case):
    number = f"+49 731 99{next(numbers)}"
    patch(rita, "/customers/" + case.c["id"], phone=number)
    patch(rita, "/contacts/" + case.eva["id"], email="new@adler.example")
    called = post(carl, "/customers/break-glass", phone=number, reason="He calls.")
    assert called["id"] == case.c["id"]
    for who in (rita, max, ada, axel, carl):
        doc = document(who, case.c)
        assert doc["customer"] == who.get("/customers/" + case.c["id"]).json()
        for k in doc["contacts"]:
            assert {m: v for m, v in k.items() if m != "proven"} == who.get("/contacts/" + k["id"]).json() and k["proven"] is not None
        history = [r for r in who.pages(f"/customers/{case.c['id']}/history") + who.pages("/history", record=case.eva["id"]) if r["field"]]
        assert sorted(doc["changes"], key=json.dumps) == sorted(history, key=json.dumps)
        assert [r["id"] for r in doc["changes"]] == sorted((r["id"] for r in history), reverse=True)
        clear = who is not axel and who is not carl and contacts != "always"
        assert doc["contacts"][0]["phone"] == (case.phone if clear else masked("phone", case.phone)) and (doc["customer"]["masked"] == []) == clear


def test_changes_are_the_last_twenty(rita, case):
    for n in range(15):
        patch(rita, "/customers/" + case.c["id"], city=f"Town {n}")
        patch(rita, "/contacts/" + case.bob["id"], title=f"Title {n}")
        patch(rita, "/deals/" + case.deal["id"], title=f"Deal {n}")
    changes = document(rita, case.c)["changes"]
    assert [(r["entity"], r["new"]) for r in changes] == [e for n in range(14, 4, -1) for e in (("contacts", f"Title {n}"), ("customers", f"Town {n}"))]
    assert set(changes[0]) == {"id", "operation_id", "entity", "record_id", "field", "old", "new", "actor_id", "actor_name", "at", "via"}


def test_what_the_funnel_hides_is_not_there(rita, nina, ada, max, case):
    patch(rita, "/customers/" + case.c["id"], notes="Never pays.", phone="+49 731 55")
    patch(rita, "/contacts/" + case.eva["id"], phone="+49 731 56", title="Boss")
    child(rita, "activities", case.c, kind="call", direction="in", contact_id=case.eva["id"])
    post(rita, f"/customers/{case.c['id']}/stage", stage="proposal", owner_id=nina.id)
    gone = dict(contacts=["contacts"], deals=["deals"], activities=["conversations", "next_steps"], offers=["offers", "open_offers"])
    for kind, lists in gone.items():
        with hides(ada, prospecting=[kind]):
            doc = document(nina, case.c)
            assert doc["customer"]["masked"] == [kind] and all(doc[name] == [] for name in lists)
            assert all(doc[name] != [] for other, names in gone.items() if other != kind for name in names)
            assert (doc["conversation_count"] == 0) == (kind == "activities")
            assert {r["entity"] for r in doc["changes"]} == {"customers"} | ({"contacts"} if kind != "contacts" else set())
            if kind == "activities":
                assert [k["proven"] for k in doc["contacts"]] == [{"email": None, "phone": None}] * 2
            if kind == "contacts":
                assert [a["contact"] for a in doc["conversations"] + doc["next_steps"]] == [None] * (7 + 2)
            assert document(max, case.c)["customer"]["masked"] == []
    with hides(ada, prospecting=["phone", "notes", *gone]):
        answer = nina.get(f"/customers/{case.c['id']}/handover")
        for word in ("Notes Adler", "Never pays", "731 5", "Eva", "What Adler said", "Deal Adler", "Offer Adler", "Step of", "Task"):
            assert word not in answer.text.replace(case.c["name"], ""), word
        codes = [m["code"] for m in answer.json()["completeness"]["missing"]]
        assert {"next_step", "conversation", "reachable_contact", "second_contact", "proven_channel", "offer", "notes"} <= set(codes)
    assert document(nina, case.c)["contacts"][0]["proven"]["phone"] is not None
    with hides(ada, prospecting=["phone"]):
        assert [(k["phone"], k["proven"]["phone"], k["proven"]["email"] is not None) for k in document(nina, case.c)["contacts"]] == [(None, None, True), (None, None, False)]


def proofs(client, c):
    return {k["name"].split()[0]: {w: p and p["activity_id"] for w, p in k["proven"].items()} for k in document(client, c)["contacts"]}


@pytest.mark.parametrize("channel, fields", [
    ("phone", dict(kind="call", direction="in")), ("phone", dict(kind="message", direction="in")), ("phone", dict(kind="call", direction="out", outcome="Agreed")),
    ("email", dict(kind="email", direction="in")), ("email", dict(kind="email", direction="out", outcome="Answered")), (None, dict(kind="call", direction="out")),
    (None, dict(kind="email", direction="out")), (None, dict(kind="meeting", outcome="Agreed")), (None, dict(kind="visit", outcome="x")), (None, dict(kind="note", outcome="x")),
    (None, dict(kind="task", outcome="x")), (None, dict(kind="call", direction="in", at="2090-01-01T00:00:00Z"))])
def test_what_proves_a_channel(rita, channel, fields):
    c = rita.customer()
    eva, bob = (child(rita, "contacts", c, name=name, email=name + "@x.test", phone="+49 30 123456") for name in ("Eva", "Bob"))
    a = child(rita, "activities", c, contact_id=eva["id"], **fields)
    child(rita, "activities", c, **fields)
    nothing = {"email": None, "phone": None}
    assert proofs(rita, c) == {"Bob": nothing, "Eva": dict(nothing, **({channel: a["id"]} if channel else {}))}
    if channel:
        (k,) = [k for k in document(rita, c)["contacts"] if k["id"] == eva["id"]]
        assert k["proven"][channel] == {"at": a["at"], "activity_id": a["id"]}
        assert rita.delete("/activities/" + a["id"], "*").status_code == 200
        assert proofs(rita, c)["Eva"] == nothing, "an archived one proves nothing"
        patch(rita, "/contacts/" + bob["id"], **{channel: None})


def test_a_changed_number_is_no_longer_proven(rita, max, stack):
    c = rita.customer()
    eva = child(rita, "contacts", c, name="Eva", email="eva@x.test", phone="+49 30 123456")
    early, call, mail = (child(rita, "activities", c, contact_id=eva["id"], **more).get("id") for more in (
        dict(kind="call", direction="in", at="2020-01-01T00:00:00Z"), dict(kind="call", direction="in"), dict(kind="email", direction="in")))
    assert proofs(rita, c)["Eva"] == {"email": mail, "phone": call}
    patch(rita, "/contacts/" + eva["id"], phone="+49 30 000000")
    assert proofs(rita, c)["Eva"] == {"email": mail, "phone": None}
    wrong = child(rita, "activities", c, contact_id=eva["id"], kind="call", direction="in")["id"]
    assert proofs(rita, c)["Eva"] == {"email": mail, "phone": wrong}
    (change,) = [r for r in document(rita, c)["changes"] if r["field"] == "phone"]
    restore(max, {"change": change["id"]})
    assert proofs(rita, c)["Eva"] == {"email": mail, "phone": call}, "restored, it is the one that was proven then; what came meanwhile was another one's"
    patch(rita, "/contacts/" + eva["id"], email=None, title="x")
    assert proofs(rita, c)["Eva"] == {"email": None, "phone": call}
    assert rita.delete("/activities/" + call, "*").status_code == 200
    assert proofs(rita, c)["Eva"] == {"email": None, "phone": early}


def test_next_steps_in_their_order(rita, stack):
    c = rita.customer()
    moment = lambda hours: stack.sql("select app.time_json(app.now() + %s * interval '1 hour') #>> '{}'", hours)[0][0]  # noqa: E731
    steps = [("later", 30), ("never", None), ("soon", 2), ("next", 1)]
    made = {what: child(rita, "activities", c, kind="task", subject=what, **({"due_at": moment(h)} if h else {})) for what, h in steps}
    child(rita, "activities", c, kind="note", subject="No step.")
    patch(rita, "/activities/" + child(rita, "activities", c, kind="meeting", next_step="Done.")["id"], done_at=moment(0))
    assert rita.delete("/activities/" + child(rita, "activities", c, kind="task", subject="Away.")["id"], "*").status_code == 200
    shown_ = lambda: [(s["what"], s["overdue"]) for s in document(rita, c)["next_steps"]]  # noqa: E731
    assert shown_() == [("next", False), ("soon", False), ("later", False), ("never", False)]
    stack.clock("90 minutes")
    try:
        assert shown_() == [("next", True), ("soon", False), ("later", False), ("never", False)]
    finally:
        stack.clock("0")
    patch(rita, "/activities/" + made["next"]["id"], done_at=moment(0), outcome="Sent.")
    assert shown_() == [("soon", False), ("later", False), ("never", False)]
    assert ("next", "Sent.") in [(a["subject"], a["outcome"]) for a in document(rita, c)["conversations"]], "a task that is done is not lost"


def test_open_offers(rita, stack):
    c = rita.customer(currency="EUR")
    with ago(stack, 3):
        expired = sent(rita, c, valid_until=str(stack.sql("select (app.now() at time zone 'UTC')::date + 1")[0][0]))
    taken, refused, open_, draft = sent(rita, c), sent(rita, c), sent(rita, c), offer(rita, c)
    post(rita, f"/offers/{taken['id']}/accept")
    post(rita, f"/offers/{refused['id']}/decline", reason="Dear.")
    doc = document(rita, c)
    assert doc["open_offers"] == [open_["id"]]
    assert {o["id"]: o["status"] for o in doc["offers"]} == dict(zip((o["id"] for o in (draft, open_, refused, taken, expired)), "draft sent declined accepted expired".split()))


def test_an_archived_customer_shows_what_went_with_it(rita, case):
    assert rita.delete("/activities/" + case.said[2]["id"], "*").status_code == 200
    assert rita.delete("/contacts/" + case.bob["id"], "*").status_code == 200
    before = document(rita, case.c)
    assert case.said[2]["id"] not in [a["id"] for a in before["conversations"]] and [k["id"] for k in before["contacts"]] == [case.eva["id"]]
    assert rita.delete("/customers/" + case.c["id"], "*").status_code == 200
    after = document(rita, case.c)
    assert after["customer"]["archived_at"] is not None
    for name in ("contacts", "deals", "offers", "next_steps", "conversations"):
        assert before[name] and [r.get("id", r.get("activity_id")) for r in after[name]] == [r.get("id", r.get("activity_id")) for r in before[name]], name
    assert after["conversation_count"] == before["conversation_count"] == 5 and [k["proven"] for k in after["contacts"]][0]["phone"] is not None


def test_limits(rita, stack):
    c = rita.customer()
    child(rita, "contacts", c, name="Zoe", is_primary=True)
    with contextlib.closing(stack.connect()) as conn, conn.cursor() as q:
        q.execute("begin; select app.act_as(l.org_id, l.staff_id, 'activities.create') from app.login l where email = 'rita@demo.test'")
        for table, columns, values, n in (("contact", "name, is_primary", "'K' || g, false", 105), ("deal", "title, stage", "'D' || g, 'new'", 105),
                                          ("activity", "kind, at, next_step", "'note', now() - g * interval '1 minute', case when g <= 105 then 'S' || g end", 250),
                                          ("offer", "number, revision, currency, net, tax, gross", "app.offer_number(), 1, 'EUR', 0, 0, 0", 105)):
            q.execute(f"insert into app.{table} (org_id, id, customer_id, created_at, updated_at, {columns}) select app.org(), app.uuid7(), %s, now(), now(), {values} "
                      f"from generate_series(1, {n}) g", (c["id"],))
        q.execute("commit")
    doc = document(rita, c)
    assert [len(doc[name]) for name in ("contacts", "deals", "offers", "next_steps", "conversations")] == [100, 100, 100, 100, 200] and doc["conversation_count"] == 250
    assert doc["contacts"][0]["name"] == "Zoe" and [a["at"] for a in doc["conversations"]] == sorted((a["at"] for a in doc["conversations"]), reverse=True)


def test_who_gets_it(stack, rita, nina, omar, max, olga, ada, axel, case):
    missing = nina.get(f"/customers/{MISSING}/handover")
    assert missing.status_code == 404
    for who in (nina, omar, olga, other_org(stack), newcomer(stack)):
        assert faceless(who.get(f"/customers/{case.c['id']}/handover")) == faceless(missing)
    for who in (rita, max, ada, axel):
        assert document(who, case.c)["generated_for"]["id"] == who.id
    with settings(ada, visibility="open"):
        assert document(omar, case.c)["conversation_count"] == 6
    problem(rita.get("/customers/nothing/handover"), 404, "not_found")
    problem(rita.get(f"/customers/{case.c['id']}/handover", x="1"), 400)


def test_the_ledger_has_it(stack, rita, axel, case):
    ledger = Ledger(stack)
    for who, mask in ((rita, False), (axel, True)):
        answer = who.get(f"/customers/{case.c['id']}/handover")
        assert shown(ledger, who, answer, [case.c["id"]], "handover", masked=mask) == "base contact money notes"
    bare = rita.customer(email="a@b.test")
    ledger.new()
    shown(ledger, axel, axel.get(f"/customers/{bare['id']}/handover"), [bare["id"]], "handover", masked=True)
    assert rita.get(f"/customers/{MISSING}/handover").status_code == 404 and ledger.new() == []
