"""Customers that nobody has any reason to look at: like the others, until somebody opens one."""
import re
import uuid

import pytest

from holdfast import Client, problem
from people import newcomer
from restoring import changes
from watching import alerts, customers, patch, rep


@pytest.fixture
def rob(stack, max):
    return rep(stack, max)


def made(admin, n=1, **more):
    answer = admin.post("/decoys", dict({"count": n}, **more))
    assert answer.status_code == 201, answer.text
    assert len(answer.json()["decoys"]) == n and answer.headers["X-Classification"]
    return answer.json()["decoys"]


@pytest.fixture
def decoy(stack, ada, rob):
    """Of rob, who also has customers of his own."""
    customers(stack, rob, 5)
    return made(ada, owner_id=rob.id)[0]["customer_id"]


def grave(who, person):
    """How grave the alert about a person is by now, and how he met it."""
    rows = [r for r in alerts(who, person) if r["rule"] == "decoy"]
    assert len(rows) <= 1
    return (rows[0]["severity"], rows[0]["evidence"]["channels"]) if rows else None


def test_making(stack, ada, abby, axel, max, rita, nina, omar):
    for who in (max, rita, axel):
        problem(who.post("/decoys", {"count": 1}), 403, "forbidden")
    for body, pointer in (({"count": 0}, "/count"), ({"count": 51}, "/count"), ({}, "/count"), ({"count": 1, "segment": "nowhere"}, "/segment"), ({"count": 1, "owner_id": max.id}, "/owner_id"),
                          ({"count": 1, "owner_id": rita.id, "segment": "closing"}, "/owner_id")):
        problem(ada.post("/decoys", body), 422, "invalid_value", pointer)
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first, second = (ada.post("/decoys", {"count": 12, "segment": "prospecting"}, key) for _ in range(2))
    assert first.status_code == second.status_code == 201 and first.json() == second.json()
    ids = [d["customer_id"] for d in first.json()["decoys"]]
    owners = {d["owner_id"] for d in first.json()["decoys"]}
    assert {rita.id, omar.id} & owners and nina.id not in owners and len(set(ids)) == 12
    rows = abby.pages("/decoys", limit=200)
    assert set(ids) <= {r["customer_id"] for r in rows} == {r["customer_id"] for r in axel.pages("/decoys", limit=5)}
    assert all(set(r) == {"id", "customer_id", "name", "owner_id", "made_by", "at", "touches"} for r in rows) and {r["made_by"] for r in rows} == {ada.id}
    for who in (max, rita):
        problem(who.get("/decoys"), 403, "forbidden")
    assert stack.sql("select count(*) from app.customer where segment <> 'prospecting' and id = any(%s::uuid[])", ids) == [(0,)]


def test_they_look_like_the_others(stack, ada, rob, rita):
    """Of what its owner sees nothing tells a decoy from a customer that he made: no field, no history, no operation, no moment."""
    stack.clock("-40 days")
    try:
        mine = [rob.customer(phone=f"+49 30 7777{n:03}", email=f"real{n}@real.example", city="Ulm", country="DE", value=5000, currency="EUR", custom={"size": 7, "id": "secret"}, website="w",
                             address="Gasse 5")["id"] for n in range(6)]
    finally:
        stack.clock("0")
    one = made(ada, owner_id=rob.id)[0]["customer_id"]
    real, fake = rob.get("/customers/" + mine[0]), rob.get("/customers/" + one)
    assert set(fake.headers) == set(real.headers) and fake.headers["ETag"] == '"v1"'
    a, b = real.json(), fake.json()
    assert {k for k in b if b[k] is not None} == {k for k in a if a[k] is not None}
    assert {k: (b[k] == a[k]) for k in ("city", "country", "stage", "segment", "owner_id", "currency", "masked", "version", "source")} == dict.fromkeys(("city", "country", "stage", "segment", "owner_id", "currency", "masked", "version", "source"), True)
    assert b["created_at"] == b["updated_at"] and b["created_at"] < stack.sql("select to_char(app.now() - interval '25 days', 'YYYY-MM-DD')")[0][0]
    assert re.fullmatch(r"[a-z]+@[a-z0-9]+\.example", b["email"]) and re.fullmatch(r"\+49 (30 23125|40 66969|69 90009|89 99998) \d{3}", b["phone"]) and "secret" not in fake.text
    (mine_,), (its,) = changes(rob, {"id": mine[0]}), changes(rob, {"id": one})
    assert {k: its[k] for k in ("entity", "field", "old", "actor_id", "actor_name", "via")} == {k: mine_[k] for k in ("entity", "field", "old", "actor_id", "actor_name", "via")}
    assert its["at"] == b["created_at"] and set(its["new"]) == set(mine_["new"])
    real, fake = (rob.get("/operations/" + r["operation_id"]).json() for r in (mine_, its))
    assert {k: fake[k] for k in ("actor_id", "action", "via", "reason", "changes", "undone_by")} == {k: real[k] for k in ("actor_id", "action", "via", "reason", "changes", "undone_by")}
    assert fake["at"] == b["created_at"] and bool(fake["request_id"]) == bool(real["request_id"])
    times = [r["at"] for r in rob.pages("/operations")]
    assert times == sorted(times, reverse=True), "it stands among the others in its place"
    rows = rob.pages("/customers", limit=2)
    assert one in [r["id"] for r in rows] and rob.get("/customers", count="exact").json()["count"] == len(rows) == 7 == ada.get("/customers", owner=rob.id, count="exact").json()["count"]
    for text in (rob.get("/customers/" + one + "/timeline").text, rob.get("/customers/" + one + "/handover").text, str(rob.pages("/operations")), str(rob.pages("/history"))):
        assert "decoy" not in text and ada.id not in text and "Ada" not in text


def test_as_an_import(stack, ada, rob):
    """Where nobody of the org made the others, nobody made it."""
    customers(stack, rob, 5)
    one = made(ada, owner_id=rob.id)[0]["customer_id"]
    (row,) = changes(rob, {"id": one})
    assert (row["actor_id"], row["via"]) == (None, "sql") and changes(rob, rob.pages("/customers", name="Held 1")[0])[0]["via"] == "sql"


def test_no_number_of_the_base(stack, ada, rob):
    customers(stack, rob, 3)
    stack.sql("update app.customer set country = 'FI', phone = '+358 9 1234 567' || right(phone, 1) where owner_id = %s", rob.id)
    ids = [d["customer_id"] for d in made(ada, 50, owner_id=rob.id)]
    assert stack.sql("""select count(*), count(distinct d.phone_key), count(*) filter (where d.phone like '+358 9 123%%'), count(distinct d.dup_key) from app.customer d where d.id = any(%s::uuid[])
        and not exists (select from app.customer c where c.org_id = d.org_id and c.id <> d.id and (c.phone_key = d.phone_key or c.email_key = d.email_key))""", ids) == [(50, 50, 50, 50)]


def test_met(stack, ada, axel, max, rob, decoy):
    assert grave(ada, rob) is None
    rob.pages("/customers")
    assert grave(ada, rob) == ("info", ["list"])
    times = alerts(ada, rob)[0]["times"]
    rob.pages("/customers")
    assert alerts(ada, rob)[0]["times"] == times                # once a day
    for path in ("", "/history", "/timeline", "/handover"):
        assert rob.get("/customers/" + decoy + path).status_code == 200
    assert grave(axel, rob)[0] == "medium" and set(grave(axel, rob)[1]) == {"list", "read", "history", "timeline", "handover"}
    assert alerts(ada, rob)[0]["answer"]["action"] == "freeze" and alerts(ada, rob)[0]["evidence"]["decoys"] == [decoy]
    assert alerts(max, rob) == [] and max.get("/alerts/" + alerts(ada, rob)[0]["id"]).status_code == 404   # a manager does not know
    row = next(r for r in ada.pages("/decoys", limit=200) if r["customer_id"] == decoy)
    assert [(t["staff_id"], bool(t["opened_at"])) for t in row["touches"]] == [(rob.id, True)]
    assert rob.get("/customers").status_code == 200             # nothing happens to him


@pytest.mark.parametrize("how", ["reveal", "patch", "held", "archive", "stage", "contact", "break_glass"])
def test_beyond_looking(stack, ada, max, rob, decoy, how):
    """He gets his answer, and from the next request on none."""
    who = rob if how != "break_glass" else rep(stack, max)
    phone = stack.sql("select phone from app.customer where id = %s", decoy)[0][0]
    if how == "held":
        stack.sql("update app.settings set budgets = budgets || jsonb_build_object(%s, '{\"contact_changes\": {\"hour\": {\"hard\": 0}}}'::jsonb) where org_id = (select org_id from app.staff where id = %s)", who.id, who.id)
    answer = {"reveal": lambda: who.post(f"/customers/{decoy}/reveal", {"fields": ["phone"], "reason": "x"}), "patch": lambda: patch(who, decoy, notes="n"), "held": lambda: patch(who, decoy, phone="+49 30 1234567"),
              "archive": lambda: who.delete("/customers/" + decoy, "*"), "stage": lambda: who.post(f"/customers/{decoy}/stage", {"stage": "qualified"}),
              "contact": lambda: who.post("/contacts", {"customer_id": decoy, "name": "Eva"}), "break_glass": lambda: who.post("/customers/break-glass", {"phone": phone, "reason": "x"})}[how]()
    assert answer.status_code == {"contact": 201, "held": 202}.get(how, 200), answer.text
    assert grave(ada, who)[0] == "critical"
    for path in ("/customers", "/customers/" + decoy, "/search?q=adler", "/staff", "/holds"):
        problem(who.get(path), 403, "frozen")
    assert who.get("/sessions/current").status_code == 200
    problem(stack.login(who.staff["email"]).get("/customers") if "email" in who.staff else who.get("/customers"), 403, "frozen")
    assert stack.sql("select blocked_until = 'infinity', blocked_why from app.exposure where staff_id = %s", who.id) == [(True, "decoy")]
    assert max.get("/customers").status_code == 200


def test_who_knows_is_not_told_of(stack, ada, axel, decoy):
    ada.pages("/customers", owner=ada.get("/customers/" + decoy).json()["owner_id"])
    for who in (ada, axel):
        who.get("/customers/" + decoy)
    assert patch(ada, decoy, notes="n").status_code == 200
    assert ada.get("/customers").status_code == axel.get("/customers").status_code == 200
    assert stack.sql("select count(*) from app.alert where rule = 'decoy' and staff_id in (%s, %s)", ada.id, axel.id) == [(0,)]


def test_many_at_once_are_frozen_once(stack, ada, rob, decoy):
    import concurrent.futures   # pylint: disable=import-outside-toplevel
    head = rob.http.headers["Authorization"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: Client(stack).request("GET" if n % 2 else "POST", f"/customers/{decoy}" + ("" if n % 2 else "/reveal"), headers={"Authorization": head},
                                                             json=None if n % 2 else {"fields": ["phone"], "reason": "x"}).status_code, range(16)))
    assert set(done) <= {200, 403} and 200 in done and grave(ada, rob)[0] == "critical"


def test_another_org_has_none(stack, ada, decoy):
    other = newcomer(stack, "admin")
    assert decoy in [r["customer_id"] for r in other.pages("/decoys", limit=200)]
    assert ada.get("/customers/" + decoy).json()["segment"] == "prospecting"


def test_his_own_log_tells_nothing(stack, ada, rob):
    """Where what he made stands in the log with a session and the answer that showed it, so does a decoy."""
    for n in range(3):
        rob.customer(name=f"Mine {n} Works", city="Ulm")
    made(ada, 1, owner_id=rob.id)
    log = rob.pages("/events", actor="me", kind="customers.create,shown.change")
    creations = [e for e in log if e["kind"] == "customers.create"]
    shown = {(e["request_id"], e["session_id"]) for e in log if e["kind"] == "shown.change"}
    assert len(creations) == 4
    assert [e for e in creations if e["session_id"] is None or (e["request_id"], e["session_id"]) not in shown] == []


def test_why_somebody_is_frozen_does_not_tell(stack, ada, axel, max, rob, decoy):
    rob.post(f"/customers/{decoy}/reveal", {"fields": ["email"], "reason": "x"})
    assert [w.get(f"/staff/{rob.id}/exposure").json()["blocked_why"] for w in (ada, axel, max)] == ["decoy", "decoy", "alert"]
