"""Asking for an export: what is frozen, what is refused, who may decide about it, and that it is decided once."""
import uuid

import pytest

from exporting import ask, asker, decide, decider, events, seasoned, second_account, status, want
from hiring import arrive, change, hire
from holdfast import problem
from people import MISSING, newcomer, other_org
from watching import customers
from works import disclosed, hides, settings

WHOLE = {"id", "status", "entity", "filter", "columns", "format", "bom", "reason", "row_count", "digest", "staff_id", "staff_name", "asked_at", "expires_at", "approvals_needed", "approvers",
         "decisions", "decided_at", "downloaded_at", "rows_sent", "voided_why"}


@pytest.fixture
def boss(stack, ada):
    return decider(stack, "manager", ada)


@pytest.fixture
def rob(stack, boss):
    return asker(stack, boss, 12)


def approvers(export):
    return {a["id"] for a in export["approvers"]}


def test_what_is_asked_is_frozen(stack, ada, max, boss, rob):
    export = ask(rob, filter={"stage": "new,won", "archived": False}, columns=["name", "phone", "id"], format="xlsx")
    assert set(export) == WHOLE and (export["row_count"], export["approvals_needed"], export["staff_id"], export["decisions"]) == (12, 1, rob.id, [])
    assert (export["filter"], export["columns"], export["format"], export["bom"]) == ({"stage": ["new", "won"], "archived": "false"}, ["name", "phone", "id"], "xlsx", False)
    assert {ada.id, boss.id} <= approvers(export) and not {rob.id, max.id} & approvers(export)
    same, other = ask(rob, filter={"stage": ["new", "won"]}), ask(rob, filter={"name": "Held 7"})
    assert same["digest"] == export["digest"] != other["digest"] and len(export["digest"]) == 64 and other["row_count"] == 1
    assert same["format"] == "csv" and set(same["columns"]) >= {"id", "name", "email", "phone", "notes", "custom"} and "masked" not in same["columns"]
    customers(stack, rob, 1)
    assert rob.get("/exports/" + export["id"]).json() == export
    assert [e[:3] for e in events(stack, export)] == [("exports.ask", rob.id, 12)]
    told = [n for n in boss.pages("/notices", kind="export") if n["actor_id"] == rob.id]
    assert len(told) == 3 and told[-1]["reason"].endswith("12 customers")


@pytest.mark.parametrize("entity, filter", [("customers", {"city": "Ulm"}), ("customers", {"archived": "true"}), ("customers", {"owner": "{id}", "q": "Bee"}), ("contacts", {}), ("deals", {"status": "open"}),
                                            ("offers", {}), ("activities", {"kind": "note,call"}), ("activities", {"customer": "{id}"}), ("history", {"entity": "customers"}), ("history", {"field": "city"})])
def test_its_rows_are_those_of_the_list(stack, boss, entity, filter):
    rob = asker(stack, boss)
    ids = [rob.customer(name=n, city=c)["id"] for n, c in (("Bee", "Ulm"), ("Ant", "Ulm"), ("Fly", "Bonn"))]
    rob.delete("/customers/" + ids[2], "*")
    for word, body in (("contacts", {"name": "Eva"}), ("deals", {"title": "Big"}), ("offers", {"currency": "EUR"}), ("activities", {"kind": "note"})):
        assert rob.post("/" + word, dict(body, customer_id=ids[0])).status_code == 201
    rob.patch("/customers/" + ids[1], {"city": "Kiel"}, "*")
    filter = {k: v.replace("{id}", ids[0] if k == "customer" else rob.id) for k, v in filter.items()}
    known = "q" not in filter
    answer = want(rob, entity, filter=filter)
    if known:
        assert answer.json()["row_count"] == len(rob.pages("/" + entity, **filter)), answer.text
    else:
        problem(answer, 400, "unknown_member", "/filter/q")


def test_events_are_frozen_in_time(stack, boss, rob):
    """What asking and deciding write is not in it."""
    n = len(rob.pages("/events", actor="me", limit=200))
    export = ask(rob, "events", filter={"actor": "me"})
    assert 0 <= export["row_count"] - n <= 1 and "to" in export["filter"]
    assert ask(rob, "events", filter={"actor": "me", "to": export["filter"]["to"]})["digest"] == export["digest"]


@pytest.mark.parametrize("body, status, code, pointer", [
    ({"entity": "staff"}, 422, "invalid_value", "/entity"), ({"reason": ""}, 422, "invalid_value", "/reason"), ({"reason": None}, 422, "invalid_value", "/reason"), ({"format": "pdf"}, 422, "invalid_value", "/format"),
    ({"columns": []}, 422, "invalid_value", "/columns"), ({"columns": ["id", "password"]}, 422, "invalid_value", "/columns/1"), ({"columns": ["_org"]}, 422, "invalid_value", "/columns/0"),
    ({"columns": ["masked"]}, 422, "invalid_value", "/columns/0"), ({"columns": ["id", "id"]}, 422, "invalid_value", "/columns/0"), ({"columns": ["id; drop table app.customer"]}, 422, "invalid_value", "/columns/0"),
    ({"columns": ["id"] * 41}, 422, "invalid_value", "/columns"), ({"columns": "id"}, 422, "invalid_value", "/columns"), ({"filter": {"bogus": "x"}}, 400, "unknown_member", "/filter/bogus"),
    ({"filter": {"a/b~c": "x"}}, 400, "unknown_member", "/filter/a~1b~0c"), ({"filter": {"limit": 5}}, 400, "unknown_member", "/filter/limit"), ({"filter": {"owner": "x"}}, 422, "invalid_value", "/filter/owner"),
    ({"filter": {"owner": [MISSING] * 51}}, 422, "invalid_value", "/filter/owner"), ({"filter": {"stage": []}}, 422, "invalid_value", "/filter/stage"), ({"filter": {"stage": {"a": 1}}}, 422, "invalid_value", "/filter/stage"),
    ({"filter": {"city": None}}, 422, "invalid_value", "/filter/city"), ({"filter": {"value_min": "1e3"}}, 422, "invalid_value", "/filter/value_min"), ({"filter": {"archived": "maybe"}}, 422, "invalid_value", "/filter/archived"),
    ({"filter": {"created_after": "yesterday"}}, 422, "invalid_value", "/filter/created_after"), ({"filter": {"created_after": "2026-02-30T00:00:00Z"}}, 422, "invalid_value", "/filter/created_after"),
    ({"filter": []}, 422, "invalid_value", "/filter"), ({"entity": "history", "filter": {"archived": "true"}}, 400, "unknown_member", "/filter/archived"), ({"row_count": 1}, 400, "unknown_member", "/row_count"),
    ({"staff_id": MISSING}, 400, "unknown_member", "/staff_id"), ({"status": "approved"}, 400, "unknown_member", "/status")])
def test_what_is_wrong(stack, rita, body, status, code, pointer):
    before = stack.sql("select count(*) from app.export")
    problem(rita.post("/exports", dict({"entity": "customers", "reason": "x"}, **body)), status, code, pointer)
    assert stack.sql("select count(*) from app.export") == before


def test_columns_that_one_may_not_see(stack, ada, axel, rita, rob):
    """The auditor never has contact values; nobody what the funnel keeps back from him. Where they are always masked they go out so."""
    for column in ("email", "phone_e164"):
        for entity in ("customers", "contacts")[:1 if column == "phone_e164" else 2]:
            problem(want(axel, entity, columns=["id", column]), 403, "forbidden", "/columns/1")
    assert not {"email", "phone", "phone_e164"} & set(ask(axel)["columns"])
    with settings(ada, contact_masking="always"):
        assert want(rob, columns=["id", "phone"]).status_code == 202
    with hides(ada, negotiation=["notes", "phone"]):
        for column in ("notes", "phone", "phone_e164"):
            problem(want(rita, columns=[column]), 403, "forbidden", "/columns/0")
        assert not {"notes", "phone", "phone_e164"} & set(ask(rita, filter={"name": "no such"})["columns"])
        assert want(ada, columns=["notes", "phone"]).status_code in (202, 422)      # an admin is kept back nothing
    assert want(rita, columns=["notes", "phone"], filter={"name": "no such"}).status_code == 202


def test_how_many(stack, ada, rob):
    with settings(ada, exports={"rows_most": 11}):
        body = problem(want(rob), 422, "invalid_value", "/filter")
        assert "11" in str(body["errors"]) and want(rob, filter={"name": "Held 3"}).status_code == 202
    with settings(ada, exports={"rows_most": 12}):
        assert want(rob).status_code == 202
    for _ in range(18):
        ask(rob, filter={"name": "Held 3"})
    problem(want(rob), 409, "too_many_open")


def test_where_nobody_may_decide(stack, ada):
    otto = other_org(stack)
    problem(want(otto), 409, "no_approvers")
    second = newcomer(stack, "admin", otto)
    problem(want(otto), 409, "no_approvers")                                        # whose account is new
    seasoned(stack, second)
    stack.sql("update app.staff set manager_id = null where id = %s", second.id)    # and who was below him
    assert approvers(ask(otto)) == {second.id}
    otto.customer()
    with settings(otto, exports={"two_approvers_above": 0}):
        body = problem(want(otto), 409, "no_approvers")
        assert (body["approvals_needed"], body["approvers"]) == (2, [second.id])


def test_the_same_key_asks_once(rob):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first, second = (want(rob, headers=key) for _ in range(2))
    assert (first.status_code, first.json()) == (second.status_code, second.json()) == (202, first.json()) and first.headers["Location"] == second.headers["Location"]
    problem(want(rob, headers=key, format="xlsx"), 422, "key_reused")
    assert len(rob.pages("/exports")) == 1


def test_who_sees_one(stack, ada, axel, max, boss, rob):
    """Whoever asked, those above him, admins and auditors; of its rows something only whoever may decide."""
    export = ask(rob, columns=["id", "name", "email"])
    path, peer, fresh = "/exports/" + export["id"], asker(stack, boss), newcomer(stack, "manager", boss)
    stack.sql("update app.staff set manager_id = %s where id = %s", fresh.id, rob.id)
    for who in (peer, max):
        problem(who.get(path), 404, "not_found")
        for word in ("approve", "reject"):
            problem(decide(who, export, word), 404, "not_found")
        problem(who.post(path + "/ticket"), 404, "not_found")
        problem(who.get(path + "/file", ticket="x"), 404, "not_found")
        assert export["id"] not in [e["id"] for e in who.pages("/exports")]
    for who in (rob, axel, fresh):
        assert set(who.get(path).json()) == WHOLE and export["id"] in [e["id"] for e in who.pages("/exports")]
    for who in (ada, boss):
        answer = who.get(path)
        one = answer.json()
        assert set(one) - WHOLE == {"requester", "sample"} and answer.headers["X-Classification"]
        assert len(one["sample"]) == 10 and all(set(r) == {"id", "name", "email"} and r["email"] == "h***@h***" for r in one["sample"])
        assert disclosed(stack, answer) == [("list", disclosed(stack, answer)[0][1], "base contact", True)] and set(disclosed(stack, answer)[0][1]) == {r["id"] for r in one["sample"]}
        for word in ("ticket", "file?ticket=x"):
            problem(who.request("POST" if word == "ticket" else "GET", f"{path}/{word}"), 403, "forbidden")
    for filter, n in (({"status": "pending,voided"}, 1), ({"status": "approved"}, 0), ({"entity": "deals"}, 0), ({"staff": rob.id}, 1), ({"staff": boss.id}, 0)):
        assert len(boss.pages("/exports", **filter)) == n, filter


def test_what_whoever_decides_knows_of_him(stack, ada, boss, rob):
    asker(stack, boss, 5, "+49 40 7770")
    with settings(ada, visibility="team"):
        assert len(rob.pages("/customers")) == 17
    stack.sql("""insert into app.alert (org_id, id, at, rule, severity, staff_id, day, last_at, evidence, answer)
        select s.org_id, app.uuid7(), app.now(), 'read_only', 'high', s.id, '2000-01-01', app.now(), '{}', 'none' from app.staff s where s.id = %s""", rob.id)
    ask(rob)
    him = boss.get("/exports/" + ask(rob)["id"]).json()["requester"]
    assert (him["id"], him["role"], him["exports_30d"], [(a["rule"], a["severity"]) for a in him["alerts"]]) == (rob.id, "rep", 2, [("read_only", "high")])
    assert him["exposure"]["customers_24h"] == 5 and him["exposure"]["frozen"] is False


def test_never_he_himself(stack, ada, abby, boss, rob):
    """Nor anybody below him, an account of the same person, or one that is new: each is told so, and nothing happens."""
    two = second_account(stack, ada, boss, "manager", ada)
    below = decider(stack, "admin", boss)
    fresh = newcomer(stack, "admin")
    export = ask(boss)
    refused = {"himself": boss, "his other account": second_account(stack, ada, boss), "below him": below, "a new account": fresh}
    for why, who in refused.items():
        for word in ("approve", "reject"):
            assert problem(decide(who, export, word), 403, "forbidden"), why
        assert who.id not in approvers(ask(boss)), why
    problem(decide(two, export), 404, "not_found")                      # who is not above him
    problem(decide(rob, export), 404, "not_found")
    assert status(boss, export) == "pending" and boss.get("/exports/" + export["id"]).json()["decisions"] == []
    assert stack.sql("select count(*) from app.event where kind = 'refused.forbidden' and subject_id = %s", export["id"])[0][0] == 8
    assert decide(abby, export).status_code == 200


def test_of_an_admin_another_admin(stack, ada, abby, boss, max, olga):
    chief = newcomer(stack, "admin", boss)                              # an admin with a manager above him
    export = ask(chief, filter={"name": "no such"})
    assert not {boss.id, max.id, olga.id} & approvers(export) and {ada.id, abby.id} <= approvers(export)
    problem(decide(boss, export), 403, "forbidden")
    problem(decide(chief, export), 403, "forbidden")
    assert decide(ada, export).status_code == 200


def test_an_account_must_be_three_days_old(stack, ada, boss):
    """Whether it was made, promoted, came back or became another person's: 72 hours, and not one second less."""
    def promoted():
        who = seasoned(stack, newcomer(stack, "rep", ada))
        assert change(ada, who.id, role="admin").status_code == 200
        return who

    def came_back():
        who = decider(stack, "admin")
        for word in ("inactive", "active"):
            assert change(ada, who.id, status=word).status_code == 200
        return stack.enter(stack.sql("select email from app.staff where id = %s", who.id)[0][0])

    def another_persons():
        who = decider(stack, "admin")
        assert change(ada, who.id, person_id=boss.id).status_code == 200
        assert change(ada, who.id, person_id=who.id).status_code == 200
        return who

    def was_his():
        who = decider(stack, "admin")
        assert change(ada, rob.id, person_id=who.id).status_code == 200
        assert change(ada, rob.id, person_id=rob.id).status_code == 200
        return who
    rob, second = asker(stack, boss), decider(stack, "admin")
    export = ask(rob)
    assert change(ada, second.id, name="Other Name").status_code == 200    # what has nothing to do with it
    people = [newcomer(stack, "admin"), promoted(), came_back(), another_persons(), was_his()]
    for who in people:
        problem(decide(who, export), 403, "forbidden")
    assert decide(second, export).status_code == 200
    try:
        for ahead, n in (("71 hours 59 minutes", 0), ("72 hours 1 minute", len(people))):
            stack.clock(ahead)
            stack.sql("update app.session set expires_at = expires_at + interval '5 days' where staff_id = %s", rob.id)
            assert len(approvers(ask(rob)) & {p.id for p in people}) == n
    finally:
        stack.clock("0")


def test_whose_password_somebody_reset(stack, ada, rob):
    """Who made the token may have set the password himself: the account decides about nothing for three days."""
    abby = decider(stack, "admin")
    export = ask(rob)
    assert abby.id in approvers(export)
    token = ada.post(f"/staff/{abby.id}/invite").json()["invite"]
    assert rob.post("/sessions/password", {"token": token, "password": "holdfast-demo-2"}).status_code < 300
    assert abby.id not in approvers(rob.get("/exports/" + export["id"]).json())


def test_an_account_that_whoever_decides_made(stack, ada, max):
    """It may be his own: he decides, and others are told."""
    made = arrive(stack, hire(ada, "rep", max.id))
    assert decide(ada, ask(made, "deals")).status_code == 200
    alerts = [a for a in stack.sql("select severity, evidence->>'made' from app.alert where rule = 'rights' and staff_id = %s", ada.id)]
    assert ("critical", made.id) in alerts
