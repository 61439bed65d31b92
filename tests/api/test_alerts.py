"""What somebody ought to look at: who sees it, what it says, who closes it."""
import json
import uuid

import pytest

from holdfast import problem
from people import MISSING, faceless, newcomer, other_org
from watching import alerts, rep


@pytest.fixture
def rob(stack, max):
    return rep(stack, max)


def raised(stack, about, rule="unusual_reveals", severity="medium", answer="freeze", **evidence):
    """An alert as the rules raise it; its id."""
    return str(stack.sql("""select app.alert(%s, %s, s.id, %s, %s) from (select s.*, set_config('app.org', s.org_id::text, false) from app.staff s where s.id = %s) s""",
                         rule, severity, answer, json.dumps(evidence), about.id)[0][0])


def test_who_sees_what(stack, ada, abby, axel, max, olga, rob, nina):
    boss = newcomer(stack, "manager", max)
    about = {p: raised(stack, p) for p in (rob, boss, max, ada, axel)}
    sees = {ada: {rob, boss, max, axel}, abby: {rob, boss, max, ada, axel}, axel: {rob, boss, max, ada}, max: {rob, boss}, boss: set(), olga: set(), rob: set(), nina: set(),
            other_org(stack): set()}
    for who, whom in sees.items():
        ids = {r["id"] for r in who.pages("/alerts", limit=200)}
        assert ids & set(about.values()) == {about[p] for p in whom}
        for person, id_ in about.items():
            answer = who.get("/alerts/" + id_)
            if person in whom:
                assert answer.status_code == 200 and answer.json()["staff_id"] == person.id
            else:
                assert faceless(answer) == faceless(max.get("/alerts/" + MISSING))
                problem(who.post(f"/alerts/{id_}/close", {"note": "x"}), 404, "not_found")
    problem(axel.post(f"/alerts/{about[rob]}/close", {"note": "x"}), 403, "forbidden")
    second = newcomer(stack, "admin")
    stack.sql("update app.staff set person_id = %s where id = %s", boss.id, second.id)
    problem(second.post(f"/alerts/{about[boss]}/close", {"note": "x"}), 403, "forbidden")     # about himself, by another account


def test_a_row(stack, max, rob):
    id_ = raised(stack, rob, "segment_share", "high", "none", share="26%")
    row = max.get("/alerts/" + id_).json()
    assert row == {"id": id_, "at": row["at"], "rule": "segment_share", "severity": "high", "staff_id": rob.id, "staff_name": "New Comer", "times": 1, "last_at": row["at"],
                   "status": "open", "closed_by": None, "closed_at": None, "note": None, "evidence": {"share": "26%"}, "answer": None}
    assert alerts(max, rob) == [row]
    other = raised(stack, rob, "denied", "low")
    for filter, ids in (({"rule": "denied"}, [other]), ({"rule": "denied,segment_share"}, [other, id_]), ({"severity": "high,critical"}, [id_]), ({"status": "closed"}, []), ({"status": "open"}, [other, id_]),
                        ({"to": row["at"]}, []), ({"from": row["at"]}, [other, id_]), ({"limit": 1}, [other, id_])):
        assert [r["id"] for r in alerts(max, rob, **filter)] == ids, filter
    problem(max.get("/alerts", rule="nonsense"), 400, "invalid_parameter")


def test_the_answer_is_ready(stack, max, rob):
    """Each is one request that can be sent as it is."""
    window = {"from": "2026-01-01T00:00:00.000000Z", "to": "2026-01-02T00:00:00.000000Z"}
    restore = max.get("/alerts/" + raised(stack, rob, "transfers", "high", "restore", operations=[], **window)).json()
    assert restore["answer"] == {"action": "restore", "method": "POST", "path": "/v1/restores", "body": {"scope": dict(window, actor=rob.id), "reason": f"Alert {restore['id']}: transfers"}}
    assert max.post("/restores", restore["answer"]["body"]).status_code == 201
    freeze = max.get("/alerts/" + raised(stack, rob)).json()
    assert freeze["answer"] == {"action": "freeze", "method": "POST", "path": f"/v1/staff/{rob.id}/freeze", "body": {"reason": f"Alert {freeze['id']}: unusual_reveals"}}
    hold = max.get("/alerts/" + raised(stack, rob, "log_ins", "low", "hold")).json()["answer"]
    assert hold == {"action": "hold", "method": "GET", "path": "/v1/holds?staff=" + rob.id} and max.get(hold["path"].removeprefix("/v1")).status_code == 200


def test_closing(stack, max, ada, rob):
    id_, path = raised(stack, rob), "/alerts/"
    problem(max.post(f"{path}{id_}/close", {}), 422, "invalid_value", "/note")
    key = {"Idempotency-Key": uuid.uuid4().hex}
    closed = max.post(f"{path}{id_}/close", {"note": "He covers for two."}, key)
    assert closed.status_code == 200 and closed.json() == max.get(path + id_).json() == max.post(f"{path}{id_}/close", {"note": "He covers for two."}, key).json()
    assert {k: closed.json()[k] for k in ("status", "closed_by", "note")} == {"status": "closed", "closed_by": max.id, "note": "He covers for two."} and closed.json()["closed_at"]
    problem(ada.post(f"{path}{id_}/close", {"note": "x"}), 409, "closed")
    assert stack.sql("select kind, detail->>'rule' from app.event where subject_id = %s", id_) == [("alerts.close", "unusual_reveals")]
    assert raised(stack, rob) == id_ and max.get(path + id_).json()["status"] == "closed"           # no graver than it was
    assert raised(stack, rob, severity="critical") == id_
    row = max.get(path + id_).json()
    assert (row["status"], row["severity"], row["times"], row["closed_by"], row["note"]) == ("open", "critical", 3, None, None)
    assert ada.post(f"{path}{id_}/close", {"note": "Again."}).status_code == 200
