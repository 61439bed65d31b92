"""Refusals: each leaves one event though its transaction was taken back; who asks too often for what is not his is stopped."""
import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from hiring import again
from holdfast import problem
from limits import limited
from people import MISSING, Forge, faceless, newcomer


@pytest.fixture
def boss(stack):
    return newcomer(stack, "manager")


@pytest.fixture
def norma(stack, boss):
    return newcomer(stack, manager=boss)


def events(stack, who):
    """All that is remembered of somebody but his log-in."""
    return stack.sql("select kind, status, code, subject_id::text, detail, request_id from app.event where staff_id = %s and kind not in "
                     "('sessions.opened', 'sessions.password_set') order by id", who.id)


def denied(stack, who):
    """How many of the hour, and until when he is blocked."""
    return (stack.sql("select used[1][4], blocked_until from app.exposure where staff_id = %s", who.id) or [(0, None)])[0]


def alerts(stack, who, rule="denied"):
    return stack.sql("select severity, times, evidence from app.alert where staff_id = %s and rule = %s", who.id, rule)


def test_each_refusal_leaves_one_event(stack, norma, theo, boss):
    hidden, own = theo.customer()["id"], norma.customer()["id"]
    asked = [
        (lambda: norma.get("/customers/" + hidden), 404, "GET /v1/customers/:id", hidden),
        (lambda: norma.get("/customers/" + MISSING), 404, "GET /v1/customers/:id", MISSING),
        (lambda: norma.request("HEAD", "/customers/" + MISSING), 404, "HEAD /v1/customers/:id", MISSING),
        (lambda: norma.get("/customers/no-id"), 404, "GET /v1/customers/:id", None),
        (lambda: norma.patch("/contacts/" + MISSING, {"name": "x"}, "*"), 404, "PATCH /v1/contacts/:id", MISSING),
        (lambda: norma.delete(f"/staff/{norma.id}/sessions/{MISSING}"), 404, "DELETE /v1/staff/:id/sessions/:sid", norma.id),
        (lambda: norma.get(f"/customers/{own}/seen-by"), 403, "GET /v1/customers/:id/seen-by", own),
        (lambda: norma.patch("/customers/" + own, {"owner_id": boss.id}, "*"), 403, "PATCH /v1/customers/:id", own),
        (lambda: norma.post("/staff", {"name": "x", "email": "x@x.test", "role": "rep"}), 403, "POST /v1/staff", None),
        (lambda: norma.post("/customers/break-glass", {"phone": "+49 30 0000001", "reason": "secret words"}), 404, "POST /v1/customers/break-glass", None),
        (lambda: norma.patch("/settings", {"visibility": "open"}, "*"), 403, "PATCH /v1/settings", None)]
    before = 0
    for n, (ask, status, call, record) in enumerate(asked):
        answer = ask()
        assert answer.status_code == status, answer.text
        *_, (kind, status_, code, subject, detail, request) = events(stack, norma)
        assert (kind, status_, subject, detail) == ({403: "refused.forbidden", 404: "refused.not_found"}[status], status, record, {"call": call})
        assert uuid.UUID(request) == uuid.UUID(answer.headers["X-Request-Id"])
        assert code == ("not_found" if status == 404 else "forbidden")
        assert len(events(stack, norma)) == n + 1 and denied(stack, norma) == (n + 1, None)
    # Neither what is right nor what is only wrong in form is a refusal.
    before = len(events(stack, norma))
    for answer, status in ((norma.get("/customers/" + own), 200), (norma.get("/customers", bogus=1), 400), (norma.patch("/customers/" + own, {"city": 5}, "*"), 422),
                           (norma.patch("/customers/" + own, {"city": "x"}, '"v9"'), 412), (norma.patch("/customers/" + own, {"city": "x"}), 428),
                           (norma.get("/nothing"), 404), (norma.post("/health"), 405), (norma.post("/customers", {"id": own, "name": "x"}), 409)):
        assert answer.status_code == status, answer.text
    assert len(events(stack, norma)) == before


def test_nobody_known(stack, nobody, norma):
    count = "select count(*) from app.event"
    before = stack.sql(count)
    forge = Forge(stack, norma)
    for token in (None, "x", forge.expired(), forge.stranger(), forge.none(), forge.with_claims(sid="1." + "A" * 43), forge.with_claims(sid="999." + "A" * 43)):
        nobody.http.headers["Authorization"] = f"Bearer {token}"
        problem(nobody.get("/customers"), 401)
    assert stack.sql(count) == before


def test_hidden_and_missing_leave_the_same(stack, norma, theo):
    hidden = theo.customer()["id"]
    answers = [norma.get("/customers/" + i) for i in (hidden, MISSING)]
    assert faceless(answers[0]) == faceless(answers[1])
    one, other = events(stack, norma)
    assert one[:3] + one[4:5] == other[:3] + other[4:5] and (one[3], other[3]) == (hidden, MISSING)


def test_too_many(stack, norma, boss, nobody):
    """Beyond the soft limit an alert; beyond the hard one nothing more until the hour is over, but to see who one is and to log out."""
    with limited(stack, norma, denied={"hour": (2, 4), "day": (None, None), "month": (None, None)}):
        for n in range(1, 6):
            problem(norma.get("/customers/" + MISSING), 404)
            used, until = denied(stack, norma)
            assert used == n and (until is None) == (n < 5)
            assert [s for s, _, _ in alerts(stack, norma)] == ([] if n < 3 else ["medium"] if n < 5 else ["high"]), n
        (_, times, evidence), = alerts(stack, norma)
        assert times == 2 and evidence["measure"] == "denied" and (evidence["window"], evidence["limit"], evidence["used"]) == ("hour", 4, 5) and len(evidence["events"]) == 5
        for answer in (norma.get("/customers"), norma.get("/customers/" + MISSING), norma.post("/customers", {"name": "x"}), norma.get("/events")):
            body = problem(answer, 429, "exposure_budget_exceeded")
            assert body["measure"] == "denied" and 1 <= int(answer.headers["Retry-After"]) <= 7200
        assert [e[0] for e in events(stack, norma)] == ["refused.not_found"] * 5 + ["refused.too_much"] * 4
        assert denied(stack, norma)[0] == 5 and len(alerts(stack, norma)) == 1 and alerts(stack, norma, "exposure_hard") == []
        me = norma.get("/sessions/current").json()["exposure"]
        assert me["blocked_until"] and me["frozen"] is False
        seen = boss.get(f"/staff/{norma.id}/exposure").json()
        assert seen["blocked_until"] == me["blocked_until"] and seen["blocked_why"] == "denied" and seen["frozen"] is False
        row, = [x for x in seen["limits"] if (x["measure"], x["window"]) == ("denied", "hour")]
        assert (row["used"], row["soft"], row["hard"]) == (5, 2, 4) and row["reset"]
        other = stack.login(norma.staff["email"])     # in a session of its own, too
        problem(other.get("/customers"), 429)
        assert other.delete("/sessions/current").status_code == 204
        (whole,), = stack.sql("select blocked_until >= app.window_began(1, app.now()) + interval '1 hour' and blocked_until <= app.now() + interval '2 hours' "
                              "from app.exposure where staff_id = %s", norma.id)
        assert whole
        stack.clock("2 hours 5 minutes")
        try:
            assert norma.get("/customers").status_code == 200
            assert norma.get("/sessions/current").json()["exposure"]["blocked_until"] is None
        finally:
            stack.clock("0")


def test_a_manager_lets_him_go_on(stack, norma, boss):
    with limited(stack, norma, denied={"hour": (0, 1)}):
        for _ in range(2):
            problem(norma.get("/customers/" + MISSING), 404)
        problem(norma.get("/customers"), 429)
        assert boss.post(f"/staff/{norma.id}/unfreeze", {"reason": "A wrong link."}).status_code == 200
        assert norma.get("/customers").status_code == 200


def test_at_once(stack, norma):
    """Of 32 refused at once each is counted and remembered."""
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda n: again(norma).get("/customers/" + (MISSING if n % 2 else str(uuid.uuid4()))).status_code, range(32)))
    assert answers == [404] * 32
    assert denied(stack, norma)[0] == 32 and len(events(stack, norma)) == 32


def test_beyond_a_hard_limit(stack, norma, boss):
    """429 takes the request back, but not that it was asked."""
    c = boss.customer(phone="+49 30 7654321")
    stack.sql("update app.customer set owner_id = %s where id = %s", norma.id, c["id"])
    with limited(stack, norma, reveals={"hour": (None, 1)}):
        body = {"fields": ["phone"], "reason": "secret words"}
        assert norma.post(f"/customers/{c['id']}/reveal", body).status_code == 200
        for n in (1, 2):
            told = problem(norma.post(f"/customers/{c['id']}/reveal", body), 429, "exposure_budget_exceeded")
            (severity, times, evidence), = alerts(stack, norma, "exposure_hard")
            parts = {"measure": "reveals", "window": "hour", "limit": 1, "used": 1}
            assert (severity, times, {k: evidence[k] for k in parts}) == ("high", n, parts) and parts.items() <= told.items()
        kind, status, code, subject, detail, _ = events(stack, norma)[-1]
        assert (kind, status, code, subject) == ("refused.too_much", 429, "exposure_budget_exceeded", c["id"])
        assert detail == {"call": "POST /v1/customers/:id/reveal", **parts}
        assert denied(stack, norma)[0] == 0
        assert len(evidence["events"]) == 2 and "secret words" not in json.dumps(stack.sql("select to_jsonb(e) from app.event e where staff_id = %s", norma.id), default=str)


def test_frozen_stays_frozen(stack, norma, boss):
    """What a frozen person asks for does not count as denied, and no window's end lets him go."""
    with limited(stack, norma, denied={"hour": (0, 0)}):
        assert boss.post(f"/staff/{norma.id}/freeze", {"reason": "He is leaving."}).status_code == 200
        for _ in range(3):
            problem(norma.get("/customers/" + MISSING), 403, "frozen")
        problem(norma.patch("/customers/no-id", {"city": "x"}, "*"), 404)     # found wrong before anybody is asked
        assert stack.sql("select blocked_until = 'infinity', blocked_why, used[1][4] from app.exposure where staff_id = %s", norma.id) == [(True, "He is leaving.", 1)]
        assert [e[2] for e in events(stack, norma)] == ["frozen"] * 3 + ["not_found"]


def test_what_cannot_be_recorded_is_refused_all_the_same(stack, norma):
    stack.sql("alter function api.refused(text, uuid, text, text, int, text, uuid, jsonb) rename to refused_not")
    try:
        problem(norma.get("/customers/" + MISSING), 404, "not_found")
    finally:
        stack.sql("alter function api.refused_not(text, uuid, text, text, int, text, uuid, jsonb) rename to refused")
    assert events(stack, norma) == []
    with open(f"{stack.state}/log/customers.log") as log:
        assert "refusal_forgotten" in log.read()
    problem(norma.get("/customers/" + MISSING), 404, "not_found")
    assert len(events(stack, norma)) == 1
