"""test_child_restore_rights.py -- whose contacts, deals and activities somebody takes back: not those of a customer that went on to others, nor of a kind kept from him."""
import threading

import pytest

from holdfast import problem
from moving import Firm, moved
from people import MISSING, faceless
from restoring import changes, dry_run, moment, read, restore, undo, window
from test_child_restores import BODY, KINDS, NOTE, active, archive, edit, last, make, now, path
from works import hides, settings


@pytest.fixture(scope="module")
def firm(stack):
    return Firm(stack)


@pytest.fixture
def handed(firm):
    """Made by the rep with one child of each kind, all changed, and handed over to nan: customer, children, since when."""
    c = firm.rep.customer()
    rows = [make(firm.rep, kind, c) for kind in KINDS]
    began = moment(firm.stack)
    firm.rep.change(c, city="Ulm")
    for row in rows:
        edit(firm.rep, row, **{NOTE[row["kind_of"]]: "Spoilt."})
    archive(firm.rep, rows[0])
    moved(firm.rep, c, "proposal", owner_id=firm.nan.id)
    return c, rows, began


def test_what_was_handed_over_is_outside(firm, handed):
    """The customer itself may come back; what belongs to it is not touched, told or counted but as outside."""
    c, rows, began = handed
    scope = window(firm.rep, began, moment(firm.stack))
    before = [now(firm.nan, r) for r in rows]
    only = dict(scope, entities=list(KINDS))
    plan = dry_run(firm.rep, only)
    assert (plan["restorable"], plan["conflict_count"], plan["by_entity"], plan["outside"]) == (0, 0, {}, 4)
    plan = dry_run(firm.rep, scope)
    assert (plan["restorable"], plan["outside"], set(plan["by_entity"])) == (3, 4, {"customers"})
    for row in rows:
        for body in ({"change": h["id"]} for h in firm.nan.pages("/history", record=row["id"])):
            assert faceless(firm.rep.post("/restores", {"scope": body, "dry_run": True})) == faceless(firm.rep.post("/restores", {"scope": {"change": MISSING}, "dry_run": True}))
        scope_ = {"entity": row["kind_of"], "id": row["id"], "as_of": began}
        assert faceless(firm.rep.post("/restores", {"scope": scope_, "reason": "x"})) == faceless(firm.rep.post("/restores", {"scope": dict(scope_, id=MISSING), "reason": "x"}))
        assert undo(firm.rep, last(firm.nan, row))["outside"] == 1
    # Her manager sees both sides of it.
    plan = dry_run(firm.north, scope)
    assert (plan["restorable"], plan["outside"], plan["by_entity"]["contacts"]) == (7, 0, {"restorable": 2, "conflicts": 0, "records": 1})
    done = restore(firm.rep, scope)
    assert (done["restored"], done["outside"]) == (3, 4) and read(firm.rep, c)["city"] is None
    assert [now(firm.rep, r) for r in rows] == before, "not touched, though the customer is back"
    assert restore(firm.rep, only)["restored"] == 4 and active(firm.rep, rows[0]) and now(firm.rep, rows[1])["notes"] is None


def test_a_manager_takes_back_all_of_it(firm, handed):
    c, rows, began = handed
    done = restore(firm.north, window(firm.rep, began, moment(firm.stack), entities=list(KINDS)))
    assert (done["restored"], done["outside"]) == (4, 0) and active(firm.nan, rows[0])
    assert [now(firm.nan, r)[NOTE[r["kind_of"]]] for r in rows] == [None] * 3
    plan = dry_run(firm.south, window(firm.north, began, moment(firm.stack))) if firm.south.get("/operations").status_code == 403 else None
    assert plan is None, "another manager has no say in it"


@pytest.mark.parametrize("kind", KINDS)
def test_where_the_heir_has_worked_it_stays(firm, handed, kind):
    """What she wrote down counts as work with the customer, though the customer himself is as he was handed over."""
    c, rows, _ = handed
    (operation,) = {r["operation_id"] for r in changes(firm.nan, c, field="stage,owner_id")}
    fresh = make(firm.nan, kind, c)
    assert (undo(firm.rep, operation)["restored"], undo(firm.rep, operation)["conflict_count"]) == (0, 2)
    assert firm.rep.get("/customers/" + c["id"]).status_code == 404 == firm.rep.get(path(fresh)).status_code
    assert undo(firm.north, operation)["restored"] == 2 and active(firm.rep, fresh), "a manager may"


def test_conflicts_go_with_their_customer(stack, rita, nina, max, olga, omar, ada, axel):
    c = rita.customer()
    eva, call = make(rita, "contacts", c), make(rita, "activities", c)
    began = moment(stack)
    edit(rita, eva, phone="+49 30 5550111")
    edit(rita, call, outcome="Hers.")
    edit(max, eva, phone="+49 30 5550122")
    edit(max, call, outcome="His.")
    done = restore(rita, window(rita, began, moment(stack)))
    mask = "+4 *** ***-**"
    assert done["conflicts"] == [
        {"entity": "activities", "record_id": call["id"], "field": "outcome", "undone": "Hers.", "current": "His.", "target": None, "why": "changed_since"},
        {"entity": "contacts", "record_id": eva["id"], "field": "phone", "undone": mask + "11", "current": mask + "22", "target": mask + "00", "why": "changed_since"}]
    seen = {who: [k["field"] for k in who.pages(f"/restores/{done['id']}/conflicts")] for who in (rita, max, ada, axel)}
    assert set(map(tuple, seen.values())) == {("outcome", "phone")}
    max.change(c, owner_id=nina.id, stage="proposal")
    one = f"/restores/{done['id']}"
    for who, due in ((rita, 0), (max, 2), (ada, 2), (axel, 2)):
        assert [len(who.pages(one + "/conflicts")), len(who.get(one).json()["conflicts"])] == [due, due]
    ada.change(c, owner_id=omar.id, stage="new")
    assert max.pages(one + "/conflicts") == [] and len(ada.pages(one + "/conflicts")) == 2
    problem(olga.get(one), 404)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_is_kept_back(stack, rita, nina, max, ada, kind):
    """Its records are missing to her in every way; what was told of them before is told no more."""
    c = rita.customer()
    old = make(rita, kind, c, **{NOTE[kind]: "Rita's."})
    moved(rita, c, "proposal", owner_id=nina.id)
    began = moment(stack)
    edit(nina, old, **{NOTE[kind]: "Nina's."})
    edit(max, old, **{NOTE[kind]: "Max's."})
    own = make(nina, kind, c)
    scope = window(nina, began, moment(stack))
    done = restore(nina, dict(scope, entities=[kind]))
    assert [k["field"] for k in done["conflicts"]] == [NOTE[kind]] and not active(nina, own)
    change = nina.pages("/history", record=own["id"])[0]
    with hides(ada, prospecting=[kind]):
        for row in (old, own):
            for ask in (lambda id_: nina.get(f"/{kind}/{id_}"), lambda id_: nina.patch(f"/{kind}/{id_}", {}, "*"), lambda id_: nina.delete(f"/{kind}/{id_}", "*"),
                        lambda id_: nina.get(f"/{kind}/{id_}", as_of=began), lambda id_: nina.get("/history", record=id_),
                        lambda id_: nina.post("/restores", {"scope": {"entity": kind, "id": id_, "as_of": began}, "reason": "x"})):
                hidden, missing = ask(row["id"]), ask(MISSING)
                assert (hidden.status_code, {k: v for k, v in hidden.json().items() if k != "instance"}) == (missing.status_code, {k: v for k, v in missing.json().items() if k != "instance"})
        assert nina.get("/" + kind, customer=c["id"], count="exact").json() == {"data": [], "next": None, "count": 0}
        assert row["id"] not in nina.get("/" + kind, archived="true", limit=200).text
        problem(nina.post("/" + kind, dict(BODY[kind], customer_id=c["id"])), 403, "forbidden")
        assert kind not in [h["entity"] for h in nina.pages("/history", operation=last(max, old), limit=200)] and nina.get("/history", entity=kind, record=own["id"]).json()["data"] == []
        problem(nina.post("/restores", {"scope": {"change": change["id"]}, "dry_run": True}), 404)
        plan = dry_run(nina, scope)
        assert kind not in plan["by_entity"] and plan["conflicts"] == [] and plan["restorable"] == 0
        one = "/restores/" + done["id"]
        assert nina.get(one).json()["conflicts"] == [] == nina.pages(one + "/conflicts")
        assert len(max.pages(one + "/conflicts") if max.get(one).status_code == 200 else ada.pages(one + "/conflicts")) == 1
        assert restore(nina, scope)["restored"] == 0 and not active(max, own)
        fresh = nina.customer(stage="proposal")
        assert now(nina, make(nina, kind, fresh))["customer_id"] == fresh["id"], "her own customers' never were there"
        with settings(ada, visibility="open"):
            assert nina.get(f"/{kind}/{old['id']}").status_code == 404
    assert now(nina, old)[NOTE[kind]] == "Max's."


def test_restores_and_changes_at_once(rita, max):
    """Both lock a customer before what belongs to it: nobody waits for the other for ever."""
    c = rita.customer()
    rows = [make(rita, "contacts", c, name=f"N{n}", is_primary=False) for n in range(4)]
    answers = []

    def work(who, way):
        for n in range(12):
            row = rows[n % 4]
            answers.append(who.patch(path(row), {"is_primary": True}, "*") if way == "edit" else
                           who.post("/restores", {"scope": {"entity": "contacts", "id": row["id"], "field": "is_primary", "as_of": row["created_at"]}, "reason": "x"}))
    threads = [threading.Thread(target=work, args=a) for a in ((rita, "edit"), (max, "back"), (max, "edit"))]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert {a.status_code for a in answers} <= {200, 201}, [a.text for a in answers if a.status_code > 201][:1]
    assert len(max.pages("/contacts", customer=c["id"], primary="true")) <= 1
