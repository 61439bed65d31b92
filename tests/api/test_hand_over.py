"""test_hand_over.py -- what follows from a hand-over: who is told, what each of the two sees, and how it is taken back."""
import pytest

from holdfast import problem
from moving import Firm, moved, stage
from people import MISSING, faceless, newcomer
from restoring import changes, dry_run, moment, read, restore, undo, window, without_times


@pytest.fixture(scope="module")
def firm(stack):
    one = Firm(stack)
    one.status("inactive", one.nick)
    return one


@pytest.fixture
def handed(firm):
    """A customer that the rep worked on and handed over to nan: as it was, and the operation."""
    c = firm.rep.customer(phone="+49 30 5552 1234", email="hand@over.example", city="Bonn")
    firm.rep.change(c, notes="Prefers mornings.")
    c = read(firm.rep, c)
    assert moved(firm.rep, c, "proposal", note="Wants a proposal by Friday.")["owner_id"] == firm.nan.id
    (operation,) = {r["operation_id"] for r in changes(firm.nan, c, field="stage,owner_id")}
    return c, operation


def path(customer, tail=""):
    return "/customers/" + customer["id"] + tail


def test_the_new_owner_is_told(firm, handed):
    c, operation = handed
    at = firm.rep.get("/operations/" + operation).json()["at"]
    (n,) = [n for n in firm.nan.pages("/notices") if n["customer_id"] == c["id"]]
    assert n == {"id": n["id"], "at": at, "kind": "hand_over", "customer_id": c["id"], "other_id": None, "actor_id": firm.rep.id,
                 "actor_name": firm.rep.staff["name"], "reason": "Wants a proposal by Friday."}
    assert firm.nan.get("/notices", kind="hand_over", limit=1).json()["data"] == [n] and n not in firm.nan.pages("/notices", kind="break_glass")
    for who in (firm.rep, firm.north, firm.boss, firm.sue):
        assert c["id"] not in [m["customer_id"] for m in who.pages("/notices")]
    moved(firm.north, c, "new", owner_id=firm.rep.id)
    (n,) = [n for n in firm.rep.pages("/notices") if n["customer_id"] == c["id"]]
    assert (n["actor_id"], n["reason"]) == (firm.north.id, None)
    moved(firm.rep, c, "proposal"), moved(firm.nan, c, "negotiation")  # what one does oneself one knows
    assert len([n for n in firm.nan.pages("/notices") if n["customer_id"] == c["id"]]) == 2


def test_one_operation(firm, handed):
    c, operation = handed
    rows = changes(firm.nan, c, field="stage,owner_id")
    assert {r["field"]: (r["old"], r["new"]) for r in rows} == {"stage": ("new", "proposal"), "owner_id": (firm.rep.id, firm.nan.id)}
    assert {(r["actor_id"], r["via"], r["at"]) for r in rows} == {(firm.rep.id, "api", read(firm.nan, c)["updated_at"])}
    for who in (firm.rep, firm.north, firm.boss):
        o = who.get("/operations/" + operation).json()
        assert [o[k] for k in ("actor_id", "action", "changes", "reason")] == [firm.rep.id, "customers.stage", 2, "Wants a proposal by Friday."]


def test_the_new_owner_has_all_of_it(firm, handed):
    c, _ = handed
    now = read(firm.nan, c)
    assert now == dict(c, stage="proposal", segment="negotiation", owner_id=firm.nan.id, version=3, updated_at=now["updated_at"])
    rows = changes(firm.nan, c)
    assert [r["field"] for r in rows[2:]] == ["notes", None] and {r["actor_id"] for r in rows} == {firm.rep.id}
    assert rows[2]["new"] == "Prefers mornings." and rows[3]["new"]["city"] == "Bonn"
    assert firm.nan.get(path(c), as_of=c["updated_at"]).json() == c
    assert [r["id"] for r in firm.nan.pages("/customers", phone=c["phone"], email=c["email"], city="Bonn")].count(c["id"]) == 1
    assert firm.nan.post(path(c, "/reveal"), {"fields": ["phone"], "reason": "x"}).json() == {"phone": c["phone"]}
    assert firm.nan.change(c, city="Ulm")["version"] == 4


def test_the_previous_owner_has_nothing_of_it(firm, handed):
    c, operation = handed
    row = changes(firm.nan, c)[0]
    missing = {"id": MISSING}

    def asked(customer, who):
        for tag in ("*", '"v3"', '"v2"'):
            yield who.patch(path(customer), {"city": "Ulm"}, tag)
            yield who.delete(path(customer), tag)
        for tail, params in (("", {}), ("", {"as_of": c["updated_at"]}), ("/history", {}), ("/history", {"actor": who.id})):
            yield who.get(path(customer, tail), **params)
        yield who.get(path(customer), headers={"If-None-Match": "*"})
        yield who.post(path(customer, "/reveal"), {"fields": ["phone"], "reason": "x"})
        for word in ("new", "proposal", "negotiation"):
            yield stage(who, customer, word)
        for scope in ({"entity": "customers", "id": customer["id"], "as_of": c["created_at"]},
                      {"change": row["id"] if customer is c else MISSING}):
            yield who.post("/restores", {"scope": scope, "dry_run": True})
    before = read(firm.nan, c)
    for who in (firm.rep, firm.sue, firm.south):
        for answer, nothing in zip(asked(c, who), asked(missing, who)):
            problem(answer, 404, "not_found")
            assert faceless(answer) == faceless(nothing) and c["id"] not in answer.text
        problem(who.post("/customers", {"name": "x", "id": c["id"]}), 409, "already_exists")
        for filter in ({}, {"phone": c["phone"]}, {"email": c["email"]}, {"name": c["name"]}, {"owner": firm.nan.id}, {"segment": "negotiation"},
                       {"archived": "true"}, {"sort": "name"}):
            rows = who.pages("/customers", limit=200, **filter)
            assert c["id"] not in [r["id"] for r in rows]
            for how in ("exact", "estimate"):
                assert who.get("/customers", count=how, **filter).json()["count"] == len(rows)
        for filter in ({}, {"record": c["id"]}, {"operation": operation}, {"field": "owner_id,stage"}):
            assert c["id"] not in [r["record_id"] for r in who.pages("/history", limit=200, **filter)]
    assert read(firm.nan, c) == before
    assert firm.rep.get("/operations/" + operation).status_code == 200, "what he did he may look up, not to whom"
    assert c["id"] not in firm.rep.get("/operations/" + operation).text


@pytest.mark.parametrize("way", ["undo", "restore", "window"])
def test_the_rep_takes_it_back(firm, way):
    begin = moment(firm.stack)
    c = firm.rep.customer(city="Bonn")
    middle = moment(firm.stack)
    moved(firm.rep, c, "proposal")
    scope = {"undo": {"operation": changes(firm.nan, c)[0]["operation_id"]}, "window": window(firm.rep, middle, moment(firm.stack))}
    scope = scope.get(way, scope["undo"])
    plan = dry_run(firm.rep, scope)
    assert (plan["restorable"], plan["conflict_count"], plan["conflicts"], plan["outside"]) == (2, 0, [], 0)
    problem(firm.rep.get(path(c)), 404)
    answer = undo(firm.rep, scope["operation"]) if way == "undo" else restore(firm.rep, scope, plan_hash=plan["plan_hash"])
    assert (answer["restored"], answer["conflict_count"]) == (2, 0)
    assert without_times(read(firm.rep, c)) == without_times(c)
    problem(firm.nan.get(path(c)), 404, "not_found")
    rows = changes(firm.rep, c)
    assert [(r["via"], r["operation_id"]) for r in rows[:2]] == [("restore", answer["operation_id"])] * 2
    assert begin < rows[-1]["at"] < middle
    # By a restore he hands nothing over, neither the customer nor half of it; his manager does.
    again = undo(firm.rep, answer["operation_id"])
    assert (again["restored"], [(x["field"], x["why"]) for x in again["conflicts"]]) == (0, [("owner_id", "owner_unfit"), ("stage", "owner_unfit")])
    assert changes(firm.rep, c) == rows
    assert undo(firm.north, answer["operation_id"])["restored"] == 2 and read(firm.nan, c)["stage"] == "proposal"


WORK = {
    "a change": lambda firm, c: firm.nan.change(c, city="Geheim"),
    "a move": lambda firm, c: moved(firm.nan, c, "negotiation", note="Geheim."),
    "a move there and back": lambda firm, c: (moved(firm.nan, c, "negotiation"), moved(firm.nan, c, "proposal")),
    "an archiving": lambda firm, c: firm.nan.delete(path(c), "*"),
    "a hand-over": lambda firm, c: moved(firm.nan, c, "contract", owner_id=newcomer(firm.stack, manager=firm.north, segments=("closing",)).id),
    "a manager's change": lambda firm, c: firm.north.change(c, city="Geheim"),
    "an operator's": lambda firm, c: firm.stack.sql("update app.customer set city = 'Geheim' where id = %s", c["id"])}


@pytest.mark.parametrize("work", WORK)
def test_not_when_somebody_worked_on_it(firm, handed, work):
    """Then all of it is a conflict, of which he is told no more than that."""
    c, operation = handed
    WORK[work](firm, c)
    before = read(firm.boss, c)
    plan = firm.rep.post("/restores", {"scope": {"operation": operation}, "dry_run": True})
    answers = [plan, firm.rep.post(f"/operations/{operation}/undo", {"reason": "x"}),
               firm.rep.post("/restores", {"scope": {"operation": operation}, "reason": "x", "plan_hash": plan.json()["plan_hash"]})]
    assert [a.status_code for a in answers] == [200, 201, 201]
    for a in answers[1:]:
        answers += [firm.rep.get("/restores/" + a.json()["id"]), firm.rep.get(f"/restores/{a.json()['id']}/conflicts")]
    for answer in answers:
        doc = answer.json()
        assert doc.get("conflicts", doc.get("data")) == [] and doc.get("conflict_count", 2) == 2
        assert doc.get("restorable", 0) == doc.get("restored", 0) == 0
        for secret in (c["id"], firm.nan.id, firm.sue.id, "proposal", "negotiation", "Geheim", "changed_since"):
            assert secret not in answer.text
    assert read(firm.boss, c) == before
    problem(firm.rep.get(path(c)), 404, "not_found")
    # His manager can, and what was worked meanwhile stays. Where owner or stage are others by now that is his to see; they come back together or not at all.
    done = undo(firm.north, operation)
    others = {"a move": {("owner_id", "apart"), ("stage", "changed_since")}, "a hand-over": {("owner_id", "changed_since"), ("stage", "changed_since")}}.get(work, set())
    assert (done["restored"], done["conflict_count"]) == (2 - len(others), len(others))
    assert {(x["field"], x["why"]) for x in done["conflicts"]} == others
    now = read(firm.boss, c)
    assert without_times(now) == without_times(dict(before, **{k: now[k] for k in ("owner_id", "stage", "segment")}))
    assert others or (now["owner_id"], now["stage"]) == (firm.rep.id, "new")


def test_a_restore_is_a_touch(firm, handed):
    """What a manager did with it, be it taking something back, keeps a rep from it."""
    c, operation = handed
    firm.nan.change(c, city="Ulm")
    assert undo(firm.rep, operation)["restored"] == 0
    back = undo(firm.north, operation)["operation_id"]
    assert undo(firm.north, back)["restored"] == 2 and read(firm.nan, c)["city"] == "Ulm"
    assert undo(firm.rep, operation)["restored"] == 0, "but nan did work on it"
    d = firm.rep.customer()
    moved(firm.rep, d, "proposal")
    theirs = changes(firm.nan, d)[0]["operation_id"]
    back = undo(firm.north, theirs)["operation_id"]
    undo(firm.north, back)
    assert undo(firm.rep, theirs)["restored"] == 0 and read(firm.nan, d)["stage"] == "proposal"


def test_only_his_own_hand_over(firm):
    """He reaches what he moved out of his view, not what others moved, and nobody reaches it for him."""
    c = firm.rep.customer()
    moved(firm.north, c, "proposal", owner_id=firm.nan.id)
    operation = changes(firm.nan, c)[0]["operation_id"]
    problem(firm.rep.post(f"/operations/{operation}/undo", {"reason": "x"}), 404, "not_found")
    peer = newcomer(firm.stack, manager=firm.north)
    d = firm.rep.customer()
    moved(firm.rep, d, "proposal")
    operation = changes(firm.nan, d)[0]["operation_id"]
    for who in (peer, firm.nan, firm.sue, firm.south):
        problem(who.post(f"/operations/{operation}/undo", {"reason": "x"}), 404, "not_found")
    # What he gave to another team is out of his manager's view, but not for himself.
    f = firm.rep.customer()
    moved(firm.rep, f, "proposal", owner_id=firm.sue.id)
    operation = changes(firm.sue, f)[0]["operation_id"]
    for scope in ({"operation": operation}, window(firm.rep, f["created_at"], moment(firm.stack))):
        plan = dry_run(firm.north, scope)
        assert (plan["restorable"], plan["conflict_count"]) == (0, 0) and plan["outside"] >= 2
    done = undo(firm.north, operation)
    assert (done["restored"], done["conflict_count"], done["outside"]) == (0, 0, 2) and read(firm.sue, f)["version"] == 2
    assert undo(firm.rep, operation)["restored"] == 2 and read(firm.rep, f)["stage"] == "new"
    # What he changed before it went is no hand-over: it stays where it is.
    begin = moment(firm.stack)
    e = firm.rep.customer(city="A")
    change = firm.rep.change(e, city="B")
    moved(firm.rep, e, "proposal")
    plan = dry_run(firm.rep, window(firm.rep, begin, change["updated_at"]))
    assert (plan["restorable"], plan["conflict_count"]) == (0, 0) and plan["outside"] > 0
