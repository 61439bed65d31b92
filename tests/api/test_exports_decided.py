"""What becomes of an export that was asked for: approved, rejected, forgotten, voided; once, by as many as it takes."""
import concurrent.futures
import uuid

import psycopg2
import pytest

from exporting import ask, asker, decide, decider, events, granted, second_account, status, ticket
from hiring import again, change
from holdfast import problem
from people import other_org
from receiving import Receiver, body_of, configure, until
from works import settings


@pytest.fixture
def boss(stack, ada):
    return decider(stack, "manager", ada)


@pytest.fixture
def rob(stack, boss):
    return asker(stack, boss, 6)


def dead(rob, boss, export, word):
    """Nothing moves it any more, and no link is given."""
    for verb in ("approve", "reject"):
        problem(decide(boss, export, verb), 409, "not_pending")
    assert problem(rob.post(f"/exports/{export['id']}/ticket"), 409, "not_approved")["status"] == 409
    assert status(boss, export) == word


def test_approved(stack, boss, rob):
    export = ask(rob)
    for body, pointer in (({}, "/note"), ({"note": ""}, "/note"), ({"note": "x" * 1001}, "/note")):
        problem(boss.post(f"/exports/{export['id']}/approve", body), 422, "invalid_value", pointer)
    problem(rob.post(f"/exports/{export['id']}/ticket"), 409, "not_approved")
    answer = decide(boss, export, note="For the fair.")
    one = answer.json()
    assert answer.status_code == 200 and (one["status"], one["approvals_needed"]) == ("approved", 1) and one["decided_at"] < one["expires_at"] > export["expires_at"]
    assert [(d["staff_id"], d["decision"], d["note"]) for d in one["decisions"]] == [(boss.id, "approve", "For the fair.")] == [
        (d["staff_id"], d["decision"], d["note"]) for d in rob.get("/exports/" + export["id"]).json()["decisions"]]
    assert [(e[0], e[1], e[2]) for e in events(stack, export)] == [("exports.ask", rob.id, 6), ("exports.approve", boss.id, 6)]
    assert [n["reason"] for n in rob.pages("/notices", kind="export")] == ["Your export was approved."]
    for word in ("approve", "reject"):
        problem(decide(boss, export, word), 409, "not_pending")


def test_rejected(stack, ada, boss, rob):
    export = ask(rob)
    answer = decide(boss, export, "reject", "What for?")
    assert answer.status_code == 200 and answer.json()["status"] == "rejected"
    assert [n["reason"] for n in rob.pages("/notices", kind="export")] == ["Your export was rejected: What for?"]
    assert [e[0] for e in events(stack, export)] == ["exports.ask", "exports.reject"]
    dead(rob, ada, export, "rejected")


def test_the_same_key_decides_once(boss, rob):
    one, two, key = ask(rob), ask(rob), {"Idempotency-Key": uuid.uuid4().hex}
    answers = [decide(boss, one, headers=key) for _ in range(2)]
    assert [a.status_code for a in answers] == [200, 200] and len(answers[1].json()["decisions"]) == 1
    assert decide(boss, two, headers=key).status_code in (200, 422) and status(boss, one) == "approved"


def test_many_rows_take_two(stack, ada, boss, rob):
    """Two people, not two accounts; one who rejects is enough."""
    other = second_account(stack, ada, boss)
    with settings(ada, exports={"two_approvers_above": 6}):
        assert ask(rob)["approvals_needed"] == 1                                # so many are not above
    with settings(ada, exports={"two_approvers_above": 5}):
        export, second = ask(rob), ask(rob)
        assert export["approvals_needed"] == 2
        assert decide(boss, export).json()["status"] == "pending" == decide(boss, second).json()["status"]
        problem(rob.post(f"/exports/{export['id']}/ticket"), 409, "not_approved")
        for who in (boss, other):
            for word in ("approve", "reject"):
                problem(decide(who, export, word), 409, "already_decided")
        row, = [e for e in boss.pages("/exports", staff=rob.id) if e["id"] == export["id"]]
        assert (row["approvals"], row["approvals_needed"], row["status"]) == (1, 2, "pending")
    assert decide(ada, export).json()["status"] == "approved", "as it was when he asked"
    assert decide(ada, second, "reject").json()["status"] == "rejected"
    assert ask(rob)["approvals_needed"] == 1


@pytest.mark.parametrize("need", [1, 2])
def test_fifty_at_once_have_one_effect(stack, ada, boss, rob, need):
    with settings(ada, exports={"two_approvers_above": 0 if need == 2 else 100}):
        export = ask(rob)
    whose = [again(boss) for _ in range(50)] if need == 2 else [again(w) for _ in range(25) for w in (boss, ada)]

    def one(who):
        answer = decide(who, export)
        while answer.status_code == 503:                                        # all are busy
            answer = decide(who, export)
        return answer
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(one, whose))
    assert sorted(a.status_code for a in answers) == [200] + [409] * 49
    assert {a.json().get("code") for a in answers} == {None, "not_pending" if need == 1 else "already_decided"}
    assert status(rob, export) == ("approved" if need == 1 else "pending") and len(rob.get("/exports/" + export["id"]).json()["decisions"]) == 1
    assert [e[0] for e in events(stack, export)] == ["exports.ask", "exports.approve"]
    assert len(rob.pages("/notices", kind="export")) == 1


def test_yes_and_no_at_once(ada, boss, rob):
    for _ in range(6):
        export = ask(rob)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda a: decide(*a), ((again(boss), export, "approve"), (again(ada), export, "reject"))))
        assert sorted(a.status_code for a in answers) == [200, 409]
        assert status(rob, export) == {200: "approved", 409: "rejected"}[answers[0].status_code]


def test_three_days_to_decide_and_three_to_fetch(stack, ada, boss, rob):
    late, fetched, kept = ask(rob), granted(rob, boss), ask(rob)
    people = [rob.id, boss.id, ada.id]
    link = ticket(rob, fetched)
    try:
        stack.clock("71 hours")
        stack.sql("update app.session set expires_at = expires_at + interval '20 days' where staff_id = any(%s::uuid[])", people)
        assert decide(boss, kept).status_code == 200
        stack.clock("72 hours 1 minute")
        for export in (late, fetched):
            dead(rob, boss, export, "expired")
        problem(rob.get(link), 409)
        assert {e["id"]: e["status"] for e in rob.pages("/exports", status="expired")} == {late["id"]: "expired", fetched["id"]: "expired"}
        assert rob.post(f"/exports/{kept['id']}/ticket").status_code == 201
        stack.sql("select app.exports_expire()")
        assert [s for s, in stack.sql("select status from app.export where staff_id = %s order by id", rob.id)] == ["expired", "expired", "approved"]
    finally:
        stack.clock("0")


@pytest.mark.parametrize("why, fields", [("inactive", {"status": "inactive"}), ("role", {"role": "manager"}), ("segments", {"segments": ["negotiation"]})])
def test_who_leaves_or_loses_rights_gets_none(stack, ada, boss, rob, why, fields):
    pending, approved = ask(rob), granted(rob, boss)
    link = ticket(rob, approved)
    assert change(ada, rob.id, segments=["prospecting", "closing"], name="Other Name").status_code == 200       # more is no less
    assert status(boss, pending) == "pending"
    assert change(ada, rob.id, **fields).status_code == 200
    problem(rob.get(link), 401 if why == "inactive" else 409)
    for export in (pending, approved):
        one = ada.get("/exports/" + export["id"]).json()
        assert (one["status"], one["voided_why"]) == ("voided", why)
        problem(decide(ada, export), 409, "not_pending")
        kind, who, _, detail = [e for e in events(stack, export) if e[0].startswith("exports.")][-1]
        assert (kind, who, detail) == ("exports.void", ada.id, {"staff": rob.id, "why": why})
    if why == "inactive":
        assert change(ada, rob.id, status="active").status_code == 200
        problem(stack.enter(stack.sql("select email from app.staff where id = %s", rob.id)[0][0]).get(link), 403, "ticket_invalid")
        assert status(ada, pending) == "voided"


def test_it_is_law(stack, boss, rob):
    """Past the api functions too: what is not decided is not approved, and what was asked for is not changed."""
    one, two = ask(rob)["id"], ask(rob)["id"]
    decide(boss, two, "reject")
    c = stack.connect()
    c.autocommit = False

    def act(who, text, *args):
        with c.cursor() as q:
            try:
                q.execute("select app.act_as(org_id, id, 'exports.approve') from app.staff where id = %s", (who.id,))
                q.execute(text, args)
                return "done"
            except psycopg2.Error as e:
                return e.pgcode
            finally:
                c.rollback()
    insert = "insert into app.export_decision select org_id, id, %s, 'approve', 'x', app.now() from app.export where id = %s"
    ticket_ = "insert into app.export_ticket (org_id, id, export_id, secret_hash, session_id, at, expires_at) select org_id, app.uuid7(), id, 'x', id, app.now(), app.now() from app.export where id = %s"
    tried = [act(boss, insert, boss.id, one), act(boss, insert, boss.id, two), act(rob, insert, rob.id, one), act(rob, insert, boss.id, one)]
    assert tried == ["done", "PT409", "PT403", "PT403"]
    tried = [act(boss, f"update app.export set {change_} where id = %s", id_) for id_, change_ in (
        (one, "status = 'approved'"), (one, "status = 'downloaded'"), (two, "status = 'pending'"), (two, "status = 'approved'"), (one, "row_count = 1"), (one, "filter = '{}'"), (one, "digest = 'x'"),
        (one, "columns = '{id}'"), (one, "approvals_needed = 1, mark = 0"), (one, "status = 'expired'"))]
    assert tried == ["P0001"] * 5 + ["done"] + ["P0001"] * 3 + ["done"]        # the filter is {} already
    assert [act(rob, ticket_, one), act(rob, ticket_, two)] == ["PT409", "PT409"]
    c.close()


def test_who_is_told_outside(stack):
    otto = other_org(stack)
    second, boss = (decider(stack, role, otto) for role in ("admin", "manager"))
    stack.sql("update app.staff set manager_id = null where id = %s", second.id)
    rob = asker(stack, boss, 2)
    with Receiver() as receiver:
        configure(otto, receiver.url)
        yes, no = granted(rob, boss), ask(rob)
        decide(boss, no, "reject")
        assert rob.get(ticket(rob, yes)).status_code == 200

        def got():
            bodies = [body_of(m) for m in list(receiver.got)]
            return [b for b in bodies if b["kind"].startswith("export.")]
        until(lambda: len(got()) >= 5)
        assert sorted(b["kind"] for b in got()) == ["export.approved", "export.asked", "export.asked", "export.downloaded", "export.rejected"]
        assert not [b for b in got() if "Held" in str(b) or "held.example" in str(b)]
