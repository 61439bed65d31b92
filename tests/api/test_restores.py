"""Restores: every scope, what comes back, what is a conflict, and back again."""
import uuid

import pytest

from holdfast import problem
from people import newcomer
from restoring import changes, dry_run, last_operation, moment, read, restore, undo, window, without_times

CONFLICT = {"entity", "record_id", "field", "undone", "current", "target", "why"}


def entity(customer, as_of, **more):
    return dict({"entity": "customers", "id": customer["id"], "as_of": as_of}, **more)


def test_shapes(max, rita):
    c = rita.customer(city="A")
    rita.change(c, city="B", region="R")
    max.change(c, city="C")
    scope = {"operation": changes(rita, c, field="region")[0]["operation_id"]}
    plan = dry_run(max, scope)
    assert set(plan) == {"plan_hash", "restorable", "conflicts", "conflict_count", "by_entity", "outside"}
    assert (plan["restorable"], plan["conflict_count"], plan["outside"]) == (1, 1, 0)
    assert plan["by_entity"] == {"customers": {"restorable": 1, "conflicts": 1, "records": 1}}
    conflict = {"entity": "customers", "record_id": c["id"], "field": "city", "undone": "B", "current": "C", "target": "A",
                "why": "changed_since"}
    assert plan["conflicts"] == [conflict] and set(conflict) == CONFLICT
    answer = max.post("/restores", {"scope": scope, "reason": "Why not."})
    done = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, "/v1/restores/" + done["id"])
    assert set(done) == {"id", "operation_id", "restored", "conflicts", "conflict_count", "outside"}
    assert (done["restored"], done["conflict_count"], done["outside"], done["conflicts"]) == (1, 1, 0, [conflict])
    shown = max.get("/restores/" + done["id"]).json()
    assert {k: shown[k] for k in done} == done
    assert (shown["status"], shown["done"], shown["total"], shown["reason"], shown["scope"]) == ("done", 1, 1, "Why not.", scope)
    operation = max.get("/operations/" + done["operation_id"]).json()
    assert (operation["action"], operation["via"], operation["changes"], operation["undoes"], operation["reason"]) == (
        "restores.create", "restore", 1, scope["operation"], "Why not.")
    (row,) = [r for r in changes(max, c) if r["via"] == "restore"]
    assert (row["field"], row["old"], row["new"], row["actor_id"]) == ("region", "R", None, max.id)
    assert read(max, c)["city"] == "C" and read(max, c)["region"] is None


def test_scope_change(rita):
    c = rita.customer(city="A")
    rita.change(c, city="B", region="R")
    change = changes(rita, c, field="city")[0]
    assert restore(rita, {"change": change["id"]})["restored"] == 1
    now = read(rita, c)
    assert (now["city"], now["region"]) == ("A", "R")


def test_scope_operation(rita):
    c = rita.customer(city="A")
    rita.change(c, city="B", region="R")
    operation = last_operation(rita, c)
    rita.change(c, source="web")
    assert restore(rita, {"operation": operation})["restored"] == 2
    now = read(rita, c)
    assert (now["city"], now["region"], now["source"]) == ("A", None, "web")


def test_scope_record(rita, max):
    c = rita.customer(city="A")
    b = rita.change(c, city="B", source="web")
    rita.change(c, city="C", region="R")
    max.change(c, phone="030 1")
    rita.change(c, city="D")
    as_of = b["updated_at"]
    assert restore(max, entity(c, as_of, field="city"))["restored"] == 1
    now = read(max, c)
    assert (now["city"], now["region"], now["phone"]) == ("B", "R", "030 1")
    assert restore(max, entity(c, as_of))["restored"] == 2
    assert without_times(read(max, c)) == without_times(b), "the whole record is what it was then"
    assert without_times(max.get("/customers/" + c["id"], as_of=as_of).json()) == without_times(b)
    plan = dry_run(max, entity(c, moment_after(max, c)))
    assert (plan["restorable"], plan["conflict_count"], plan["by_entity"]) == (0, 0, {})


def moment_after(client, customer):
    return read(client, customer)["updated_at"]


def test_scope_window(stack, rita, nina, max):
    c, d = rita.customer(city="A"), nina.customer(city="A")
    rita.change(c, city="before")
    begin = moment(stack)
    rita.change(c, city="within", region="R")
    nina.change(d, city="nina's")
    at = changes(rita, c, field="city")[0]["at"]
    end = moment(stack)
    rita.change(c, source="after")
    assert dry_run(max, window(rita, begin, at))["restorable"] == 0, "to is exclusive"
    assert dry_run(max, window(rita, at, end))["restorable"] == 2, "from is inclusive"
    assert dry_run(max, window(rita, begin, end, entities=["customers"]))["restorable"] == 2
    assert dry_run(max, window(rita, begin, end, entities=[]))["restorable"] == 0
    assert restore(max, window(rita, begin, end))["restored"] == 2
    now = read(max, c)
    assert (now["city"], now["region"], now["source"]) == ("before", None, "after")
    assert read(max, d)["city"] == "nina's"


def test_target_is_before_the_last_run_of_ones_own(stack, rita, max):
    c = rita.customer(city="A", region="1", source="s")
    begin = moment(stack)
    rita.change(c, city="B", region="2", source="t")
    max.change(c, city="C")
    rita.change(c, city="D", region="3")
    rita.change(c, city="E", region="4", source="s")
    plan = dry_run(max, window(rita, begin, moment(stack)))
    assert plan["restorable"] == 2, "the source is what it was: nothing to take back"
    restore(max, window(rita, begin, moment(stack)))
    now = read(max, c)
    assert (now["city"], now["region"], now["source"]) == ("C", "1", "s")


def test_what_nobody_did_is_foreign(stack, rita, max):
    """A change by psql, without an actor, ends a run as a colleague's does."""
    c = rita.customer(city="A")
    begin = moment(stack)
    rita.change(c, city="B")
    stack.sql("update app.customer set city = 'C' where id = %s", c["id"])
    assert changes(max, c, limit=1)[0]["actor_id"] is None
    rita.change(c, city="D")
    assert restore(max, window(rita, begin, moment(stack)))["restored"] == 1
    assert read(max, c)["city"] == "C"


def test_conflict_when_changed_since_even_by_herself(stack, rita):
    c = rita.customer(city="A")
    rita.change(c, city="B")
    first = changes(rita, c, field="city")[0]["id"]
    rita.change(c, city="C")
    done = restore(rita, {"change": first})
    assert (done["restored"], [x["current"] for x in done["conflicts"]]) == (0, ["C"])
    assert done["operation_id"] is None, "nothing was changed: there is no operation"
    assert read(rita, c)["city"] == "C"


def test_plan_hash(stack, rita, max):
    c = rita.customer(city="A")
    begin = moment(stack)
    rita.change(c, city="B", region="R")
    scope = window(rita, begin, moment(stack))
    stale = dry_run(max, scope)["plan_hash"]
    assert dry_run(max, scope)["plan_hash"] == stale
    max.change(c, source="x")
    assert dry_run(max, scope)["plan_hash"] == stale, "another field is no part of the plan"
    max.change(c, city="C")
    before = read(max, c)
    problem(max.post("/restores", {"scope": scope, "reason": "x", "plan_hash": stale}), 409, "plan_changed")
    assert read(max, c) == before
    fresh = dry_run(max, scope)["plan_hash"]
    assert fresh != stale
    assert restore(max, scope, plan_hash=fresh)["restored"] == 1


def test_archive_comes_back(rita, max):
    c = rita.customer(city="A")
    rita.delete("/customers/" + c["id"], '"v1"')
    assert restore(max, {"operation": last_operation(max, c)})["restored"] == 1
    assert without_times(read(rita, c)) == without_times(c)
    rita.change(c, city="B")


def test_creation_is_taken_back_by_archiving(stack, rita, max):
    begin = moment(stack)
    c = rita.customer()
    rita.change(c, city="B")
    scope = window(rita, begin, moment(stack))
    assert dry_run(max, scope)["restorable"] == 1
    done = restore(max, scope)
    assert done["restored"] == 1
    now = read(rita, c)
    assert now["archived_at"] is not None and now["city"] == "B"
    assert dry_run(max, scope)["restorable"] == 0, "it is archived already"
    undo(max, done["operation_id"])
    assert read(rita, c)["archived_at"] is None
    assert restore(max, scope)["restored"] == 1, "and again"
    assert read(rita, c)["archived_at"] is not None


def test_creation_stays_where_somebody_else_worked(stack, rita, max):
    begin = moment(stack)
    c, d = rita.customer(), rita.customer()
    max.change(c, notes="Good customer.")
    done = restore(max, window(rita, begin, moment(stack)))
    assert done["restored"] == 1
    assert [(x["record_id"], x["field"], x["why"]) for x in done["conflicts"]] == [(c["id"], "archived_at", "changed_since")]
    assert read(rita, c)["archived_at"] is None and read(rita, d)["archived_at"] is not None


def test_creation_stays_where_the_work_of_another_was_restored(stack, rita, max):
    begin = moment(stack)
    c = rita.customer(city="A")
    rita.change(c, city="B")
    restore(max, {"change": changes(max, c, field="city")[0]["id"]})
    assert restore(max, window(rita, begin, moment(stack)))["restored"] == 0, "max put the city right: that is work"


def test_undo_of_undo_and_redo(rita, max):
    c = rita.customer(phone="030 1", tags=["a"], custom={"a": [1]})
    spoilt = rita.change(c, phone=None, tags=[], custom={"a": None, "b": {}}, city="X")
    operation = last_operation(rita, c)
    for _ in range(2):
        one = undo(max, operation, "No.")
        assert one["restored"] == 4 and without_times(read(rita, c)) == without_times(c)
        two = undo(max, one["operation_id"], "Yes.")
        assert two["restored"] == 4 and without_times(read(rita, c)) == without_times(spoilt)
    three = undo(max, two["operation_id"])
    assert without_times(read(rita, c)) == without_times(c)
    again = undo(max, two["operation_id"])
    assert (again["restored"], again["conflict_count"]) == (0, 4), "taken back already"
    shown = max.get("/operations/" + operation).json()
    assert len(shown["undone_by"]) == 2 and shown["undoes"] is None
    o = max.get("/operations/" + three["operation_id"]).json()
    assert (o["undoes"], o["action"], o["reason"]) == (two["operation_id"], "operations.undo", "Back again.")


@pytest.mark.parametrize("field,value,spoilt", [
    ("name", 'Ünï "x" \\ \u2028', "x"), ("email", "a@b.example", None), ("phone", "(5) 555-4729", "111"), ("phone", None, "111"),
    ("address", "a\nb\t", None), ("country", "MX", "DE"), ("value", 0, 1), ("value", 10 ** 15, None), ("value", None, 0),
    ("currency", "EUR", None), ("notes", "null", None), ("notes", "true", "null"), ("tags", ["b", "a", 'x "y", {}', "NULL", "ü"], []),
    ("tags", [], ["a"]), ("custom", {"a": None, "b": [1, "1", 1.25, True, None, {"c": []}], "ü": ""}, {"b": 1}), ("custom", {}, {"x": "null"}),
])
def test_values_come_back_exactly(rita, max, field, value, spoilt):
    c = rita.customer(**{field: value})
    assert c[field] == value
    rita.change(c, **{field: spoilt})
    assert read(rita, c)[field] != value
    assert restore(max, {"operation": last_operation(max, c)})["restored"] == 1
    assert without_times(read(rita, c)) == without_times(c)


def test_owner_and_stage(stack, rita, nina, max, ada):
    c = rita.customer()
    max.change(c, owner_id=nina.id, stage="proposal")
    assert read(nina, c)["segment"] == "negotiation"
    assert restore(max, {"operation": last_operation(max, c)})["restored"] == 2
    assert without_times(read(rita, c)) == without_times(c)
    other = newcomer(stack, manager=max)
    max.change(c, owner_id=other.id)
    operation = last_operation(max, c)
    stack.sql("update app.staff set status = 'inactive' where id = %s", rita.id)
    try:
        for done in (restore(max, {"operation": operation}), undo(ada, operation)):
            assert [(x["field"], x["why"], x["target"]) for x in done["conflicts"]] == [("owner_id", "owner_unfit", rita.id)]
    finally:
        stack.sql("update app.staff set status = 'active' where id = %s", rita.id)
    assert read(other, c)["owner_id"] == other.id
    assert undo(max, operation)["restored"] == 1


def test_owner_of_another_tree_comes_back_by_an_admin_only(rita, omar, max, ada):
    c = omar.customer()
    ada.change(c, owner_id=rita.id)
    change = {"change": changes(max, c, field="owner_id")[0]["id"]}
    assert [x["why"] for x in restore(max, change)["conflicts"]] == ["owner_unfit"]
    assert restore(ada, change)["restored"] == 1
    assert read(omar, c)["owner_id"] == omar.id


def test_stage_that_is_gone(stack, rita, max):
    org = stack.sql("insert into app.stage select org_id, 'passing', 'Passing', segment_id, 99 from app.stage where id = 'new' "
                    "and org_id = (select org_id from app.login where email = 'rita@demo.test') returning org_id")[0][0]
    c = rita.customer(stage="passing")
    max.change(c, stage="new")
    stack.sql("delete from app.stage where org_id = %s and id = 'passing'", org)
    assert [x["why"] for x in restore(max, {"operation": last_operation(max, c)})["conflicts"]] == ["stage_gone"]


@pytest.mark.parametrize("verb", ["restore", "undo"])
def test_idempotency_key(rita, max, verb):
    c = rita.customer(city="A")
    rita.change(c, city="B")
    operation = last_operation(rita, c)
    path, body = {"restore": ("/restores", {"scope": {"operation": operation}, "reason": "x"}),
                  "undo": (f"/operations/{operation}/undo", {"reason": "x"})}[verb]
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first, second = (max.post(path, body, headers=key) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json() and first.headers["Location"] == second.headers["Location"]
    assert first.json()["restored"] == 1 and len(changes(max, c)) == 3
    problem(max.post(path, dict(body, reason="y"), headers=key), 422, "key_reused")
    other = rita.post(path, body, headers=key)
    assert other.status_code == 201 and other.json()["id"] != first.json()["id"], "a key is one's own"
    rita.change(c, city="D")
    assert max.post(path, body, headers=key).json() == first.json() and read(max, c)["city"] == "D"
